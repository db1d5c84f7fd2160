//! Writing a body: the chunks in order, and the index that follows from them (core/spec/snapshot.md section 5). The compiler and deltas
//! share it, so that a body rebuilt from its chunks is the same to the byte.

use alloc::vec::Vec;

use super::body::{ChunkType, HEADER_BYTES, LAYOUT, MAGIC, chunk_hash, chunk_name, most_bytes};
use super::{Kind, Refusal};
use crate::bytes::u32_at;
use crate::limits::{MAX_CHUNK_BYTES, MAX_CHUNKS, MAX_FLAGS};

/// A body whose chunks arrive one after the other, each in pieces.
#[derive(Debug)]
pub(super) struct Layout {
    bytes: Vec<u8>,
    chunks: usize,
    slots: usize,
    /// Chunks that are complete.
    ended: usize,
    flags: usize,
    /// Where the current chunk starts.
    start: usize,
    /// Slots that may still be passed over: names made to collide must not take a turn round the table each.
    probes: usize,
}

/// Slots passed over for each chunk, on average, are fewer than one; a body with more than this is refused.
const MAX_PROBES: usize = 64;

impl Layout {
    /// Allocates the body once: `content` is the length of its `chunks` together.
    pub(super) fn new(kind: Kind, chunks: usize, content: usize) -> Result<Self, Refusal> {
        if chunks > MAX_CHUNKS {
            return Err(Refusal::OverLimits);
        }
        let slots = ((chunks + 1) * 2).next_power_of_two();
        let table = HEADER_BYTES + 4 * (chunks + 1);
        let start = table + 4 * slots;
        let length = start.checked_add(content).filter(|length| *length <= most_bytes(kind));
        let length = length.ok_or(Refusal::OverLimits)?;
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&LAYOUT.to_le_bytes());
        bytes.extend_from_slice(&[kind as u8, 0]);
        for field in [length, chunks, 0, slots, HEADER_BYTES, table] {
            bytes.extend_from_slice(&(field as u32).to_le_bytes());
        }
        bytes.resize(start, 0);
        let probes = MAX_PROBES * (chunks + 1);
        Ok(Self { bytes, chunks, slots, ended: 0, flags: 0, start, probes })
    }

    /// Adds to the current chunk.
    pub(super) fn extend(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    /// Ends the current chunk: enters it in the directory and in the table. None if it is one too many, is over its limit or has no name.
    pub(super) fn end_chunk(&mut self) -> Option<()> {
        let chunk = self.bytes.get(self.start..)?;
        if self.ended == self.chunks || chunk.len() > MAX_CHUNK_BYTES {
            return None;
        }
        let (chunk_type, key) = chunk_name(chunk)?;
        let hash = chunk_hash(chunk_type, key);
        if chunk_type == ChunkType::Flag as u8 {
            self.flags += 1;
        }
        self.put(HEADER_BYTES + 4 * self.ended, self.start);
        let table = HEADER_BYTES + 4 * (self.chunks + 1);
        let mut slot = hash as usize & (self.slots - 1);
        while u32_at(&self.bytes, table + 4 * slot)? != 0 {
            self.probes = self.probes.checked_sub(1)?;
            slot = (slot + 1) & (self.slots - 1);
        }
        self.ended += 1;
        self.put(table + 4 * slot, (hash & 0xFFFF_0000) as usize | self.ended);
        self.start = self.bytes.len();
        Some(())
    }

    /// The body. None if it has too many flags, or not the chunks and the length that were announced.
    pub(super) fn finish(mut self) -> Option<Vec<u8>> {
        let length = u32_at(&self.bytes, 8)? as usize;
        if self.ended != self.chunks || length != self.bytes.len() || self.flags > MAX_FLAGS {
            return None;
        }
        self.put(16, self.flags);
        self.put(HEADER_BYTES + 4 * self.chunks, length);
        Some(self.bytes)
    }

    fn put(&mut self, offset: usize, word: usize) {
        if let Some(place) = self.bytes.get_mut(offset..offset + 4) {
            place.copy_from_slice(&(word as u32).to_le_bytes());
        }
    }
}

/// Lays out a body: `chunks` are (type, key, payload), each (type, key) once. The order of the arguments does not matter.
///
/// # Errors
/// [`Refusal::OverLimits`].
#[cfg(feature = "compile")]
pub(crate) fn assemble(
    kind: Kind,
    mut chunks: Vec<(ChunkType, &[u8], &[u8])>,
) -> Result<Vec<u8>, Refusal> {
    chunks.sort_by_key(|(chunk_type, key, _)| (*chunk_type as u8, *key));
    let content = chunks.iter().map(|(_, key, payload)| 3 + key.len() + payload.len()).sum();
    let mut layout = Layout::new(kind, chunks.len(), content)?;
    for (chunk_type, key, payload) in chunks {
        layout.extend(&[chunk_type as u8]);
        layout.extend(&(key.len() as u16).to_le_bytes());
        layout.extend(key);
        layout.extend(payload);
        layout.end_chunk().ok_or(Refusal::OverLimits)?;
    }
    layout.finish().ok_or(Refusal::OverLimits)
}
