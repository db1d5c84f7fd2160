//! Lists of people: a page at a time, by address.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::people::MAX_EMAIL_BYTES;
use crate::routes::page::Page;
use crate::routes::problem::Problem;

/// People on a page unless the request says otherwise, and at most.
const PAGE: i64 = 50;
const MAX_PAGE: i64 = 200;
/// The longest text that is searched for, in bytes.
const MAX_SEARCH_BYTES: usize = 200;

/// Which page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByEmail {
    /// People on a page: 1 to 200, 50 unless given.
    pub limit: Option<i64>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
    /// Only people with this in their address or name.
    pub search: Option<String>,
}

impl ByEmail {
    /// How many, and the address after which the page begins.
    ///
    /// # Errors
    /// 422 naming the parameter.
    pub fn read(&self) -> Result<(i64, String), Problem> {
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Problem::invalid("limit", format!("give 1 to {MAX_PAGE}")));
        }
        let searched = self.search.as_deref().unwrap_or_default();
        if searched.len() > MAX_SEARCH_BYTES || searched.chars().any(char::is_control) {
            let detail = format!("give at most {MAX_SEARCH_BYTES} bytes, no control characters");
            return Err(Problem::invalid("search", detail));
        }
        let cursor = self.cursor.as_deref().unwrap_or_default();
        let after =
            URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let after = after.filter(|after| {
            after.len() <= MAX_EMAIL_BYTES && after.bytes().all(|byte| byte.is_ascii_graphic())
        });
        let after = after.ok_or_else(|| {
            Problem::invalid("cursor", "give the `next` of the page before, or none")
        })?;
        Ok((limit, after))
    }
}

/// The page of what was found, of which one more than `limit` was asked for.
pub(super) fn page<T>(mut items: Vec<T>, limit: i64, email: impl Fn(&T) -> &str) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| more);
    let next = last.map(|item| URL_SAFE_NO_PAD.encode(email(item)));
    Page { items, next, total: None }
}
