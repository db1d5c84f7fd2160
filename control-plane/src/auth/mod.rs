//! Who is asking: people and tokens of the admin API, SDK keys of the delivery endpoints; and how secrets are kept.

pub mod actor;
pub mod address;
pub mod jwt;
pub mod origin;
pub mod password;
pub mod rate;
pub mod sdk;
pub mod seal;
pub mod session;
pub mod slots;
pub mod streams;
pub mod throttle;
pub mod token;
