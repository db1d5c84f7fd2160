//! The shapes of HTTP, one file per group of endpoints; `router.rs` has them all on one page.

pub mod access;
pub mod admin;
pub mod auth;
pub mod body;
pub mod comment;
pub mod dashboard;
pub mod delivery;
pub mod detached;
pub mod docs;
pub mod health;
pub mod kept;
pub mod log;
pub mod ofrep;
pub mod openapi;
pub mod page;
pub mod patch;
pub mod path;
pub mod problem;
pub mod rate;
pub mod simple;
pub mod stream;
pub mod terms;
pub mod unread;
pub mod version;
