//! The admin API: everything below `/admin`, behind a bearer token.

pub mod attributes;
pub mod audit;
pub mod configurations;
pub mod environments;
pub mod find;
pub mod flags;
pub mod projects;
pub mod sdk_keys;
pub mod segments;
mod soundness;
pub mod status;
