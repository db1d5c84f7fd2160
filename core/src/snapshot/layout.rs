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

/// Where the parts of a body stand, and how long it is.
struct Measures {
    slots: usize,
    table: usize,
    /// Of the first chunk.
    start: usize,
    length: usize,
}

impl Measures {
    fn of(kind: Kind, chunks: usize, content: usize) -> Result<Self, Refusal> {
        if chunks > MAX_CHUNKS {
            return Err(Refusal::OverLimits);
        }
        let slots = ((chunks + 1) * 2).next_power_of_two();
        let table = HEADER_BYTES + 4 * (chunks + 1);
        let start = table + 4 * slots;
        let length = start.checked_add(content).filter(|length| *length <= most_bytes(kind));
        Ok(Self { slots, table, start, length: length.ok_or(Refusal::OverLimits)? })
    }
}

impl Layout {
    /// Allocates the body once: `content` is the length of its `chunks` together.
    pub(super) fn new(kind: Kind, chunks: usize, content: usize) -> Result<Self, Refusal> {
        let Measures { slots, table, start, length } = Measures::of(kind, chunks, content)?;
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
    let content = chunks.iter().copied().map(chunk_length).sum();
    let mut layout = Layout::new(kind, chunks.len(), content)?;
    for (chunk_type, key, payload) in chunks {
        layout.extend(&[chunk_type as u8]);
        let key_length = u16::try_from(key.len()).map_err(|_| Refusal::OverLimits)?;
        layout.extend(&key_length.to_le_bytes());
        layout.extend(key);
        layout.extend(payload);
        layout.end_chunk().ok_or(Refusal::OverLimits)?;
    }
    layout.finish().ok_or(Refusal::OverLimits)
}

/// Whether [`assemble`] makes a body of these chunks, without making it.
///
/// # Errors
/// As [`assemble`].
#[cfg(feature = "compile")]
pub(crate) fn fits(kind: Kind, chunks: &[(ChunkType, &[u8], &[u8])]) -> Result<(), Refusal> {
    let content = chunks.iter().copied().map(chunk_length).sum();
    let slots = Measures::of(kind, chunks.len(), content)?.slots;
    let is_flag = |(chunk_type, _, _): &&(ChunkType, _, _)| *chunk_type == ChunkType::Flag;
    let is_too_long = |chunk: &(ChunkType, &[u8], &[u8])| {
        chunk_length(*chunk) > MAX_CHUNK_BYTES || u16::try_from(chunk.1.len()).is_err()
    };
    if chunks.iter().filter(is_flag).count() > MAX_FLAGS || chunks.iter().any(is_too_long) {
        return Err(Refusal::OverLimits);
    }
    // How many slots are passed over in all does not depend on the order of the chunks: where two meet, one of them moves on, and either may be
    // the one (linear probing; Peterson, *Addressing for Random-Access Storage*, 1957).
    let mut probes = MAX_PROBES * (chunks.len() + 1);
    let mut taken = alloc::vec![false; slots];
    for (chunk_type, key, _) in chunks {
        let mut slot = chunk_hash(*chunk_type as u8, key) as usize & (slots - 1);
        while core::mem::replace(taken.get_mut(slot).ok_or(Refusal::OverLimits)?, true) {
            probes = probes.checked_sub(1).ok_or(Refusal::OverLimits)?;
            slot = (slot + 1) & (slots - 1);
        }
    }
    Ok(())
}

/// In front of the payload stand the type, the key's length and the key.
#[cfg(feature = "compile")]
fn chunk_length((_, key, payload): (ChunkType, &[u8], &[u8])) -> usize {
    3 + key.len() + payload.len()
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    /// What both say of flags with these keys, the last one with a payload of so many bytes.
    fn both(kind: Kind, keys: &[String], last: usize) -> bool {
        let long = alloc::vec![0; last];
        let payload = |at: usize| if at + 1 == keys.len() { long.as_slice() } else { &[0; 40] };
        let chunks: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(at, key)| (ChunkType::Flag, key.as_bytes(), payload(at)))
            .collect();
        let fit = fits(kind, &chunks);
        assert_eq!(fit, assemble(kind, chunks).map(drop), "{} keys, {last} bytes", keys.len());
        fit.is_ok()
    }

    #[test]
    fn what_fits_is_what_can_be_assembled() {
        let keys: Vec<String> = (0..12_000).map(|number| format!("flag-{number}")).collect();
        for count in [0, 1, 2, 3, 127, 128, 1_000, 10_000] {
            assert!(both(Kind::Edge, &keys[..count], 40));
        }
        assert!(!both(Kind::Edge, &keys[..MAX_FLAGS + 1], 40));
        // One byte is too much.
        assert!(both(Kind::Server, &keys[..1], MAX_CHUNK_BYTES - 3 - keys[0].len()));
        assert!(!both(Kind::Server, &keys[..1], MAX_CHUNK_BYTES - 2 - keys[0].len()));
        let longest = String::from_utf8(alloc::vec![b'k'; usize::from(u16::MAX)]).unwrap();
        assert!(both(Kind::Server, core::slice::from_ref(&longest), 0));
        assert!(!both(Kind::Server, &[longest + "k"], 0));
    }

    #[test]
    fn names_made_to_collide_do_not_fit() {
        // Of 300,000 names those that begin in one of a few slots, so that each passes over those before it.
        let names = (0..300_000).map(|number| format!("flag-{number}"));
        let begins = |name: &String| chunk_hash(ChunkType::Flag as u8, name.as_bytes()) & 2_047;
        let crowded: Vec<String> = names.filter(|name| begins(name) < 6).collect();
        assert!(crowded.len() > 700, "{}", crowded.len());
        let refused: Vec<usize> = (100..700)
            .step_by(50)
            .filter(|count| !both(Kind::Edge, &crowded[..*count], 40))
            .collect();
        assert!(refused.len() > 3 && refused.len() < 12, "{refused:?}");
    }
}
