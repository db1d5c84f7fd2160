//! From a committed change to a signed snapshot everywhere. This alone knows snapshots, Redis and edges.

pub mod compilations;
pub mod environment;
pub mod memory;
pub mod publisher;
pub mod push;
pub mod replicas;
pub mod signer;
