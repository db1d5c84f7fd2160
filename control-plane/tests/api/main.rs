//! The whole API through the real router, each test on SQLite and on PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails panics"
)]

mod support;

mod admin;
mod audit;
mod backup;
mod bad_input;
mod bad_writes;
mod callers;
mod changes;
mod dashboard;
mod delivery;
mod drafts;
mod edges;
mod environments;
mod events;
mod files;
mod history;
mod limits;
mod lists;
mod matrix;
mod openapi;
mod operation;
mod operations;
mod past;
mod people;
mod publishing;
mod rates;
mod replicas;
mod revocation;
mod roles;
mod simple;
mod start;
mod stored;
mod streams;
mod terms;
mod webhooks;
