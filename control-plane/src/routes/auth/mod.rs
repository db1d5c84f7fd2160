//! `/auth`: how people come in, and what they see of themselves.

pub mod account;
pub mod client;
pub mod programs;
pub mod setup;
pub mod sign_in;
