//! The real program as a process of its own: its commands, its ends.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

mod asking;
mod audit;
mod command_line;
mod files;
mod first_start;
mod keys;
mod kill;
mod operation;
mod outage;
mod postgres;
mod replicas;
mod server;
mod shutdown;
mod unread;
