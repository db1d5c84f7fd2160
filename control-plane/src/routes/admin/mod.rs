//! The admin API: everything below `/admin`, for callers whom `routes/access.rs` lets through.

pub mod audit;
mod by_email;
pub mod configurations;
pub mod copies;
pub mod documents;
pub mod drafts;
pub mod environments;
pub mod evaluation;
pub mod events;
pub mod files;
pub mod find;
pub mod flag_list;
pub mod flags;
pub mod history;
pub mod members;
pub mod operations;
pub mod projects;
pub mod publication;
pub mod sdk_keys;
mod soundness;
pub mod status;
pub mod tokens;
pub mod users;
pub mod uses;
pub mod webhooks;
