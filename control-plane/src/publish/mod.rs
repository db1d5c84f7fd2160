//! From a committed change to a signed snapshot everywhere. This alone knows snapshots, Redis and edges.

pub mod coding;
pub mod compilations;
pub mod edge_status;
pub mod environment;
pub mod memory;
pub mod publisher;
pub mod push;
pub mod replicas;
pub mod retention;
pub mod signer;
pub mod trust;
pub mod wire;
