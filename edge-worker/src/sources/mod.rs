//! Where snapshots come from and where they are kept: the control plane, KV, the data centre's cache, and what was bundled at the
//! deployment. Nothing that comes out of here is trusted before `snapshots` has verified it.

mod cache;
mod kept;
mod kv;
mod origin;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use worker::Delay;

pub(crate) use cache::Cache;
pub(crate) use kept::{Stored, bundled};
pub(crate) use kv::{Kv, MAX_CRASHED};
pub(crate) use origin::Origin;

/// Why a source gave nothing: a stable code, and a sentence.
#[derive(Debug)]
pub(crate) struct SourceError {
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

impl SourceError {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// What `work` yields, or None when it takes longer. It may go on by itself; nobody hears of it any more.
pub(crate) async fn within<T>(milliseconds: u64, work: impl Future<Output = T>) -> Option<T> {
    let late = Delay::from(Duration::from_millis(milliseconds));
    match select(pin!(work), pin!(late)).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}
