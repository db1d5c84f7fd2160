//! Pennon's control plane: keeps the flags, compiles and signs them, and hands them out.
//!
//! `routes` (the shapes of HTTP) call `domain` (rules without I/O) and `store` (SQL); `publish` alone knows snapshots,
//! Redis and edges; `offline` is everything that works on files without a server.

pub mod ambient;
pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod dashboard;
pub mod domain;
pub mod first_start;
pub mod live;
pub mod log_lines;
pub mod metrics;
pub mod offline;
mod private_file;
pub mod publish;
pub mod router;
pub mod routes;
pub mod serve;
pub mod store;
pub mod watch;
pub mod webhooks;
