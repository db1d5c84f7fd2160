//! From a committed change to a signed snapshot everywhere. This alone knows snapshots, Redis and edges.

mod bodies;
pub mod coding;
pub mod compilations;
pub mod edge_status;
pub mod environment;
mod guard;
pub mod memory;
pub mod publisher;
pub mod push;
pub mod replicas;
pub mod retention;
mod self_test;
pub mod signer;
pub mod trust;
pub mod wire;
