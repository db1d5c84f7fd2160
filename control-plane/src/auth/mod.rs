//! Who is asking: tokens of the admin API, SDK keys of the delivery endpoints; and how secrets are kept.

pub mod admin;
pub mod sdk;
pub mod seal;
pub mod token;
