//! Lists, a page at a time: search, order and cursor as SQL that both databases read alike.

use futures_util::TryStreamExt;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe, FromRow};

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
#[derive(Debug)]
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
        let column = listing.by.column();
        let (than, direction) = if listing.descending { ("<", "DESC") } else { (">", "ASC") };
        if let Some((value, key)) = &listing.after {
            self.sql(&format!(" AND ({column}, key) {than} ("));
            self.value(value.clone()).sql(", ").text(key).sql(")");
        }
        let order = if listing.by == By::Key {
            format!("key {direction}")
        } else {
            format!("{column} {direction}, key {direction}")
        };
        self.sql(&format!(" ORDER BY {order} LIMIT "));
        self.value(Value::Number(i64::try_from(listing.limit).unwrap_or(i64::MAX - 1) + 1));
        let sql = format!("SELECT {columns} FROM {}", self.text);
        let mut query = sqlx::query_as::<Any, R>(AssertSqlSafe(sql));
        for value in &self.values {
            query = match value {
                Value::Text(text) => query.bind(text.as_str()),
                Value::Number(number) => query.bind(*number),
            };
        }
        let mut found = query.fetch(connection);
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while let Some(row) = found.try_next().await? {
            if rows.len() == listing.limit || bytes > max_bytes {
                return Ok((rows, true));
            }
            bytes += size(&row);
            rows.push(row);
        }
        Ok((rows, false))
    }
}
