//! Lists, a page at a time: search, order and cursor as SQL that both databases read alike.

use futures_util::TryStreamExt;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe, FromRow, Row};

use super::{Dialect, StoreError};

/// What a list is ordered by; its own key decides between equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Key,
    Name,
    CreatedAt,
    UpdatedAt,
}

impl By {
    /// The column.
    fn column(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Name => "name",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
        }
    }
}

/// A value of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(i64),
}

/// Which page.
#[derive(Clone, Debug)]
pub struct Listing {
    pub by: By,
    pub descending: bool,
    /// The page begins behind the row with this value and key.
    pub after: Option<(Value, String)>,
    /// In lower case; an empty one finds all.
    pub search: String,
    pub limit: usize,
}

/// `FROM`, and what rows must fulfil.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    text: String,
    values: Vec<Value>,
}

impl Selection {
    /// `from` is `table WHERE column = `, and goes on with the value.
    pub(super) fn new(from: &str, value: &str) -> Self {
        let mut selection = Self { text: String::new(), values: Vec::new() };
        selection.text.push_str(from);
        selection.value(Value::Text(value.to_owned()));
        selection
    }

    /// Goes on with SQL.
    pub(super) fn sql(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Goes on with a value.
    pub(super) fn value(&mut self, value: Value) -> &mut Self {
        self.values.push(value);
        self.text.push_str(&format!("${}", self.values.len()));
        self
    }

    /// Goes on with a text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.value(Value::Text(text.to_owned()))
    }

    /// Rows whose column `search` holds the text. LIKE would look at every character of it.
    pub(super) fn search(&mut self, connection: &AnyConnection, text: &str) -> &mut Self {
        if text.is_empty() {
            return self;
        }
        let position = Dialect::behind(connection).position();
        self.sql(&format!(" AND {position}(search, ")).text(text).sql(") > 0")
    }

    /// Rows that are archived, or rows that are not.
    pub(super) fn archived(&mut self, archived: Option<bool>) -> &mut Self {
        self.sql(match archived {
            None => "",
            Some(true) => " AND archived_at IS NOT NULL",
            Some(false) => " AND archived_at IS NULL",
        })
    }

    /// How many rows there are.
    pub(super) async fn count(&self, connection: &mut AnyConnection) -> Result<i64, StoreError> {
        let sql = format!("SELECT COUNT(*) FROM {}", self.text);
        let mut query = sqlx::query_as::<Any, (i64,)>(AssertSqlSafe(sql));
        for value in &self.values {
            query = match value {
                Value::Text(text) => query.bind(text.as_str()),
                Value::Number(number) => query.bind(*number),
            };
        }
        Ok(query.fetch_one(connection).await?.0)
    }

    /// A page of these columns, and whether more follows. It ends early with the row that takes it past `max_bytes`, as `size` counts.
    pub(super) async fn page<R>(
        mut self,
        connection: &mut AnyConnection,
        columns: &str,
        listing: &Listing,
        max_bytes: usize,
        size: fn(&R) -> usize,
    ) -> Result<(Vec<R>, bool), StoreError>
    where
        R: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
    {
        self.cut(listing, "AND", listing.by.column(), "key");
        let sql = format!("SELECT {columns}, CAST(0 AS BIGINT) FROM {}", self.text);
        let (rows, more, _) = self.fetch(connection, sql, listing, max_bytes, size).await?;
        Ok((rows, more))
    }

    /// As [`Selection::page`] and [`Selection::count`], for a search in `table`, which has to go through all of its rows: it does so once.
    pub(super) async fn page_and_count<R>(
        mut self,
        connection: &mut AnyConnection,
        table: &str,
        columns: &str,
        listing: &Listing,
        max_bytes: usize,
        size: fn(&R) -> usize,
    ) -> Result<(Vec<R>, bool, i64), StoreError>
    where
        R: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
    {
        let before_cursor = listing.after.is_some().then(|| self.clone());
        let column = listing.by.column();
        self.text = format!(
            "(SELECT found_key, found_by, total FROM \
             (SELECT key AS found_key, {column} AS found_by, COUNT(*) OVER () AS total FROM {}) AS found",
            self.text
        );
        let order = self.cut(listing, "WHERE", "found_by", "found_key");
        let sql = format!(
            "SELECT {columns}, total FROM {}) AS page JOIN {table} ON project_id = $1 AND key = found_key ORDER BY {order}",
            self.text
        );
        let (rows, more, total) = self.fetch(connection, sql, listing, max_bytes, size).await?;
        let total = match (total, before_cursor) {
            (Some(total), _) => total,
            // Nothing is behind the cursor; before it there may be something.
            (None, Some(all)) => all.count(connection).await?,
            (None, None) => 0,
        };
        Ok((rows, more, total))
    }

    /// Goes on with what comes behind the cursor, in order, one row more than the page has. Answers the order.
    fn cut(&mut self, listing: &Listing, and: &str, column: &str, key: &str) -> String {
        let (than, direction) = if listing.descending { ("<", "DESC") } else { (">", "ASC") };
        if let Some((value, last)) = &listing.after {
            self.sql(&format!(" {and} ({column}, {key}) {than} ("));
            self.value(value.clone()).sql(", ").text(last).sql(")");
        }
        let order = if listing.by == By::Key {
            format!("{key} {direction}")
        } else {
            format!("{column} {direction}, {key} {direction}")
        };
        self.sql(&format!(" ORDER BY {order} LIMIT "));
        self.value(Value::Number(i64::try_from(listing.limit).unwrap_or(i64::MAX - 1) + 1));
        order
    }

    /// The rows, whether more follows, and the number that stands in the last column of each, if there is any.
    async fn fetch<R>(
        &self,
        connection: &mut AnyConnection,
        sql: String,
        listing: &Listing,
        max_bytes: usize,
        size: fn(&R) -> usize,
    ) -> Result<(Vec<R>, bool, Option<i64>), StoreError>
    where
        R: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
    {
        let mut query = sqlx::query::<Any>(AssertSqlSafe(sql));
        for value in &self.values {
            query = match value {
                Value::Text(text) => query.bind(text.as_str()),
                Value::Number(number) => query.bind(*number),
            };
        }
        let mut found = query.fetch(connection);
        let (mut rows, mut bytes, mut last) = (Vec::new(), 0, None);
        while let Some(row) = found.try_next().await? {
            if rows.len() == listing.limit || bytes > max_bytes {
                return Ok((rows, true, last));
            }
            last = Some(row.try_get(row.len() - 1)?);
            let row = R::from_row(&row)?;
            bytes += size(&row);
            rows.push(row);
        }
        Ok((rows, false, last))
    }
}
