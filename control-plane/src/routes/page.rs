//! Lists, a page at a time: what every list takes and answers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::problem::Problem;
use crate::store::list::{By, Listing, Value};

/// Items of a page unless the request says otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Items of a page at most.
pub const MAX_LIMIT: usize = 1_000;
/// The longest text that is searched for, in characters.
const MAX_SEARCH_CHARACTERS: usize = 200;
/// The longest cursor that is looked at, in bytes.
const MAX_CURSOR_BYTES: usize = 4_096;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The `cursor` of the following page; null at the end.
    pub next: Option<String>,
    /// How many items all pages have together, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

impl<T> Page<T> {
    /// A list that has one page alone.
    pub fn whole(items: Vec<T>) -> Self {
        let total = i64::try_from(items.len()).ok();
        Self { items, next: None, total }
    }
}

/// Which page of which order: the same in every list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Items a page has at most: 50 unless given, at most 1,000. A page of large items ends earlier.
    pub limit: Option<usize>,
    /// The `next` of an earlier page, whose other parameters are given again.
    pub cursor: Option<String>,
    /// A text that the key, the name or another text holds, in whatever case.
    pub search: Option<String>,
    /// `key`, `createdAt` or `updatedAt`; with a minus sign before it, backwards.
    pub sort: Option<String>,
}

/// What a list can be ordered by.
pub const DOCUMENT_ORDERS: [(&str, By); 3] =
    [("key", By::Key), ("createdAt", By::CreatedAt), ("updatedAt", By::UpdatedAt)];
/// The same where there are names.
pub const FLAG_ORDERS: [(&str, By); 4] = [
    ("key", By::Key),
    ("name", By::Name),
    ("createdAt", By::CreatedAt),
    ("updatedAt", By::UpdatedAt),
];

/// What a cursor says: the order it belongs to, and the row that it stands behind.
#[derive(Debug, Deserialize)]
struct Cursor(String, serde_json::Value, String);

impl Wanted {
    /// Checked.
    ///
    /// # Errors
    /// 422 with the parameter's name.
    pub fn listing(&self, orders: &[(&str, By)]) -> Result<Listing, Problem> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Problem::invalid("limit", format!("give 1 to {MAX_LIMIT}")));
        }
        let search = self.search.as_deref().unwrap_or_default();
        if search.chars().count() > MAX_SEARCH_CHARACTERS || search.contains('\0') {
            let detail =
                format!("give at most {MAX_SEARCH_CHARACTERS} characters, none of them NUL");
            return Err(Problem::invalid("search", detail));
        }
        let sort = self.sort.as_deref().unwrap_or("key");
        let name = sort.strip_prefix('-').unwrap_or(sort);
        let by = orders.iter().find(|(known, _)| *known == name).map(|(_, by)| *by);
        let by = by.ok_or_else(|| {
            let names: Vec<&str> = orders.iter().map(|(name, _)| *name).collect();
            Problem::invalid("sort", format!("give one of {}", names.join(", ")))
        })?;
        let after = self.cursor.as_deref().map(|cursor| read(cursor, sort, by)).transpose()?;
        let descending = name.len() != sort.len();
        Ok(Listing { by, descending, after, search: search.to_lowercase(), limit })
    }

    /// The cursor behind a row.
    pub fn next(&self, value: Value, key: &str) -> String {
        let value = match value {
            Value::Text(text) => json!(text),
            Value::Number(number) => json!(number),
        };
        let sort = self.sort.as_deref().unwrap_or("key");
        URL_SAFE_NO_PAD.encode(json!([sort, value, key]).to_string())
    }
}

fn read(cursor: &str, sort: &str, by: By) -> Result<(Value, String), Problem> {
    let wrong = || Problem::invalid("cursor", "give the `next` of an earlier page of this list");
    if cursor.len() > MAX_CURSOR_BYTES {
        return Err(wrong());
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let Cursor(order, value, key) = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    let value = match (by, value) {
        (By::Key | By::Name, serde_json::Value::String(text)) if !text.contains('\0') => {
            Value::Text(text)
        }
        (By::CreatedAt | By::UpdatedAt, value) => Value::Number(value.as_i64().ok_or_else(wrong)?),
        _ => return Err(wrong()),
    };
    if order != sort || key.contains('\0') {
        return Err(wrong());
    }
    Ok((value, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(cursor: Option<String>, sort: &str) -> Wanted {
        Wanted { cursor, sort: Some(sort.to_owned()), ..Wanted::default() }
    }

    #[test]
    fn cursors_belong_to_their_order() {
        for (sort, value) in [
            ("key", Value::Text("a".to_owned())),
            ("-name", Value::Text("Käse".to_owned())),
            ("updatedAt", Value::Number(-5)),
        ] {
            let cursor = wanted(None, sort).next(value.clone(), "a");
            let listing = wanted(Some(cursor.clone()), sort).listing(&FLAG_ORDERS).unwrap();
            assert_eq!(listing.after, Some((value, "a".to_owned())));
            assert_eq!(listing.descending, sort.starts_with('-'));
            assert!(wanted(Some(cursor), "createdAt").listing(&FLAG_ORDERS).is_err(), "{sort}");
        }
    }

    #[test]
    fn odd_cursors_are_refused() {
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for cursor in [
            String::new(),
            "!".to_owned(),
            encoded("[]"),
            encoded(r#"["key"]"#),
            encoded(r#"["key", 1, "a"]"#),
            encoded("[\"key\", \"a\\u0000\", \"a\"]"),
            encoded("[\"key\", \"a\", \"a\\u0000\"]"),
            "A".repeat(MAX_CURSOR_BYTES + 1),
        ] {
            assert!(wanted(Some(cursor.clone()), "key").listing(&FLAG_ORDERS).is_err(), "{cursor}");
        }
    }

    #[test]
    fn parameters_have_limits() {
        for (limit, search, sort) in [
            (Some(0), None, None),
            (Some(MAX_LIMIT + 1), None, None),
            (None, Some("x".repeat(MAX_SEARCH_CHARACTERS + 1)), None),
            (None, Some("\0".to_owned()), None),
            (None, None, Some("name".to_owned())),
            (None, None, Some("--key".to_owned())),
        ] {
            let wanted = Wanted { limit, cursor: None, search, sort };
            assert!(wanted.listing(&DOCUMENT_ORDERS).is_err(), "{wanted:?}");
        }
    }
}
