//! Signed snapshots: a head that is signed, a body that is evaluated, keysets that say whose signatures count
//! (core/spec/snapshot.md).

mod accept;
mod body;
mod chunk;
pub mod delta;
mod head;
mod keyset;
mod layout;
mod name;
mod refusal;
#[cfg(feature = "sign")]
pub mod sign;
#[cfg(feature = "verify")]
mod verify;

pub use accept::{Acceptance, Accepted, HeadOffer, HighWater, KeysetOffer, SignatureCheck};
pub use body::{FlagRef, Snapshot};
pub use head::{HEAD_BYTES, Head, Kind};
pub use keyset::{Keyset, OnlineKey};
pub use refusal::Refusal;
#[cfg(feature = "verify")]
pub use verify::sha256;

pub(crate) use body::Page;
pub(crate) use chunk::{FlagChunk, KeyTable, RuleChunk, Section, SegmentChunk};
pub(crate) use name::{NAME_HEADER_BYTES, Name};

#[cfg(feature = "compile")]
pub(crate) use body::ChunkType;
#[cfg(feature = "compile")]
pub(crate) use chunk::{
    BIT_CLIENT_VISIBLE, BIT_ENABLED, BIT_HIDDEN, FLAG_HEADER_BYTES, NO_VARIANT, TAG_JSON,
};
#[cfg(feature = "compile")]
pub(crate) use layout::{assemble, fits};

#[cfg(test)]
mod tests;
