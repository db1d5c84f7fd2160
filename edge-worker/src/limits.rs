//! How often a caller may ask: counted in this isolate, by the minute.

use std::cell::RefCell;
use std::collections::BTreeMap;

const MINUTE_MS: i64 = 60_000;
/// Callers that are counted. Where there are more in one minute, the further ones are let through: memory is the tighter limit.
const MAX_CALLERS: usize = 10_000;

/// Who is counted: the key's hash, and where the key is public the address that it comes from.
pub(crate) type Who = ([u8; 32], String);

#[derive(Debug)]
struct Counts {
    minute: i64,
    callers: BTreeMap<Who, u32>,
}

thread_local! {
    static COUNTS: RefCell<Counts> =
        const { RefCell::new(Counts { minute: 0, callers: BTreeMap::new() }) };
}

/// Counts a request.
///
/// # Errors
/// After how many seconds the caller may ask again.
pub(crate) fn count(who: Who, allowed: u32, now: i64) -> Result<(), u32> {
    COUNTS.with_borrow_mut(|counts| {
        let minute = now / MINUTE_MS;
        if counts.minute != minute {
            *counts = Counts { minute, callers: BTreeMap::new() };
        }
        if counts.callers.len() >= MAX_CALLERS && !counts.callers.contains_key(&who) {
            return Ok(());
        }
        let count = counts.callers.entry(who).or_insert(0);
        *count = count.saturating_add(1);
        if *count <= allowed {
            return Ok(());
        }
        let rest_ms = MINUTE_MS - now.rem_euclid(MINUTE_MS);
        Err(u32::try_from(rest_ms / 1000 + 1).unwrap_or(u32::MAX))
    })
}
