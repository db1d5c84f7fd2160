//! The whole API through the real router, each test on SQLite and on PostgreSQL.

mod support;

mod admin;
mod bad_input;
mod delivery;
mod edges;
mod publishing;
mod replicas;
mod start;
mod streams;
