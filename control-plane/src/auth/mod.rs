//! Who is asking: people and tokens of the admin API, SDK keys of the delivery endpoints; and how secrets are kept.

pub mod actor;
pub mod address;
pub mod sdk;
pub mod seal;
pub mod token;
