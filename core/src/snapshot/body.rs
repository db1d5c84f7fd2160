//! The body: an index and one opaque chunk per flag, segment and so on, opened without parsing a chunk
//! (core/spec/snapshot.md section 5).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};

use super::{FlagChunk, KeyTable, Kind, Name, Refusal, SegmentChunk};
use crate::bytes::{Reader, same, u32_at};
use crate::context::Context;
use crate::evaluate::{Observer, evaluate};
use crate::explain::Recorder;
use crate::hash::name_hash;
use crate::limits::{
    MAX_BODY_BYTES, MAX_CHUNK_BYTES, MAX_CHUNKS, MAX_CLIENT_BODY_BYTES, MAX_FLAGS, MAX_PAGE_BYTES,
};
use crate::outcome::{ErrorCode, FlagType, Outcome};

pub(super) const MAGIC: [u8; 4] = *b"PNB1";
pub(super) const LAYOUT: u16 = 1;
pub(super) const HEADER_BYTES: usize = 32;

/// What a chunk describes. Chunks are found by type and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ChunkType {
    Flag = 1,
    Segment = 2,
    /// The SDK keys that an edge admits.
    #[cfg_attr(
        not(any(feature = "compile", feature = "protocol")),
        expect(dead_code, reason = "browsers neither make nor read one")
    )]
    Access = 3,
    /// A part of a segment's keys.
    SegmentPage = 4,
}

/// An opened body. Nothing in it is parsed before it is asked for.
#[derive(Debug)]
pub struct Snapshot {
    bytes: Vec<u8>,
    kind: Kind,
    chunks: usize,
    flags: usize,
    directory: usize,
    table: usize,
    mask: u32,
    /// What is known of each flag's texts: checked once, at the flag's first evaluation.
    states: Box<[AtomicU8]>,
}

/// In WebAssembly, which travels, the evaluator is there once, and each step asks whether somebody watches; elsewhere it is there once
/// for nobody and once for who watches.
#[cfg(target_arch = "wasm32")]
mod watched {
    use super::Recorder;

    pub(super) const NOBODY: Option<&mut Recorder> = None;

    pub(super) fn watching(recorder: &mut Recorder) -> Option<&mut Recorder> {
        Some(recorder)
    }
}
#[cfg(not(target_arch = "wasm32"))]
mod watched {
    use super::Recorder;
    use crate::evaluate::Silent;

    pub(super) const NOBODY: Silent = Silent;

    pub(super) fn watching(recorder: &mut Recorder) -> &mut Recorder {
        recorder
    }
}
use watched::{NOBODY, watching};

const UNKNOWN: u8 = 0;
const SOUND: u8 = 1;
const SPOILED: u8 = 2;

/// What the index says of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lookup<'s> {
    Missing,
    Found { index: usize, payload: &'s [u8] },
}

/// A flag in a snapshot.
#[derive(Clone, Copy, Debug)]
pub struct FlagRef<'s> {
    key: &'s str,
    chunk: FlagChunk<'s>,
}

impl<'s> FlagRef<'s> {
    pub fn key(&self) -> &'s str {
        self.key
    }

    /// None when the chunk names a type that this program does not know.
    pub fn flag_type(&self) -> Option<FlagType> {
        self.chunk.flag_type()
    }

    pub fn client_visible(&self) -> bool {
        self.chunk.client_visible()
    }

    pub fn enabled(&self) -> bool {
        self.chunk.enabled()
    }

    /// Attributes in the encoding of a context, each a string, a number or a boolean.
    pub fn metadata(&self) -> &'s [u8] {
        self.chunk.metadata()
    }

    /// The name and the value of a variant, by its position.
    pub fn variant(&self, position: u8) -> Option<(&'s str, crate::outcome::Value<'s>)> {
        self.chunk.variant(position).map(|variant| (variant.key, variant.value))
    }

    /// A rule's id, by its position.
    pub fn rule_id(&self, position: u16) -> Option<&'s str> {
        self.chunk.rule_id(position)
    }
}

impl Snapshot {
    /// Checks the index of a body and keeps it.
    ///
    /// # Errors
    /// [`Refusal::MalformedBody`], [`Refusal::UnknownFormat`], [`Refusal::WrongKind`] or [`Refusal::OverLimits`].
    pub fn open(bytes: Vec<u8>, kind: Kind) -> Result<Self, Refusal> {
        if bytes.len() > most_bytes(kind) {
            return Err(Refusal::OverLimits);
        }
        let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(Refusal::MalformedBody)?;
        if header[..4] != MAGIC {
            return Err(Refusal::MalformedBody);
        }
        if header[4..6] != LAYOUT.to_le_bytes() {
            return Err(Refusal::UnknownFormat);
        }
        if header[6] != kind as u8 {
            return Err(Refusal::WrongKind);
        }
        let field = |at| u32_at(header, at).unwrap_or(0) as usize;
        let (length, chunks, flags, slots) = (field(8), field(12), field(16), field(20));
        let (directory, table) = (field(24), field(28));
        if chunks > MAX_CHUNKS || flags > MAX_FLAGS {
            return Err(Refusal::OverLimits);
        }
        let sound = length == bytes.len()
            && flags <= chunks
            && slots.is_power_of_two()
            && slots > chunks
            && slots <= MAX_CHUNKS * 4
            && directory == HEADER_BYTES
            && table == directory + 4 * (chunks + 1)
            && directory_is_sound(&bytes, directory, chunks, table + 4 * slots);
        if !sound {
            return Err(Refusal::MalformedBody);
        }
        let states = (0..flags).map(|_| AtomicU8::new(UNKNOWN)).collect();
        let mask = slots as u32 - 1;
        Ok(Self { bytes, kind, chunks, flags, directory, table, mask, states })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn flag_count(&self) -> usize {
        self.flags
    }

    /// The flag at a position below [`Snapshot::flag_count`]; flags stand in the order of their keys' bytes. None also when its
    /// chunk is too damaged to name it.
    pub fn flag_at(&self, position: usize) -> Option<FlagRef<'_>> {
        if position >= self.flags {
            return None;
        }
        let (key, payload) = split_key(self.chunk(position)?, ChunkType::Flag)?;
        let chunk = FlagChunk::new(payload).filter(|chunk| !chunk.hidden())?;
        Some(FlagRef { key: core::str::from_utf8(key).ok()?, chunk })
    }

    /// The position of a flag.
    pub fn find(&self, key: &str) -> Option<usize> {
        match self.by_name(ChunkType::Flag, key.as_bytes()) {
            Lookup::Found { index, .. } => Some(index),
            Lookup::Missing => None,
        }
    }

    /// Evaluates a flag by its key, at `now` in Unix milliseconds.
    #[inline]
    pub fn evaluate(&self, key: &str, context: &Context, now: i64) -> Outcome<'_> {
        self.evaluate_observed(key, context, now, NOBODY)
    }

    /// As [`Snapshot::evaluate`], and what led there: section 8 of core/spec/evaluation.md, as JSON.
    pub fn explain(&self, key: &str, context: &Context, now: i64) -> (Outcome<'_>, String) {
        let mut recorder = Recorder::default();
        let outcome = self.evaluate_observed(key, context, now, watching(&mut recorder));
        (outcome, recorder.finish())
    }

    /// As [`Snapshot::evaluate`]; `observer` is told each step.
    pub(crate) fn evaluate_observed<O: Observer>(
        &self,
        key: &str,
        context: &Context,
        now: i64,
        observer: O,
    ) -> Outcome<'_> {
        match self.by_name(ChunkType::Flag, key.as_bytes()) {
            Lookup::Found { index, payload } => {
                self.evaluate_chunk(index, payload, context, now, observer)
            }
            Lookup::Missing => Outcome::error(ErrorCode::FlagNotFound),
        }
    }

    /// Evaluates the flag at a position.
    #[inline]
    pub fn evaluate_at(&self, position: usize, context: &Context, now: i64) -> Outcome<'_> {
        if position >= self.flags {
            return Outcome::error(ErrorCode::FlagNotFound);
        }
        match self.chunk(position).and_then(|chunk| split_key(chunk, ChunkType::Flag)) {
            Some((_, payload)) => self.evaluate_chunk(position, payload, context, now, NOBODY),
            None => Outcome::error(ErrorCode::ParseError),
        }
    }

    fn evaluate_chunk<'s, O: Observer>(
        &'s self,
        index: usize,
        payload: &'s [u8],
        context: &Context,
        now: i64,
        observer: O,
    ) -> Outcome<'s> {
        let Some(flag) = FlagChunk::new(payload) else {
            return Outcome::error(ErrorCode::ParseError);
        };
        if flag.hidden() {
            return Outcome::error(ErrorCode::FlagNotFound);
        }
        let state = self.states.get(index);
        let known = state.map_or(UNKNOWN, |state| state.load(Ordering::Relaxed));
        let sound = match known {
            UNKNOWN => {
                let sound = flag.texts_are_sound();
                if let Some(state) = state {
                    state.store(if sound { SOUND } else { SPOILED }, Ordering::Relaxed);
                }
                sound
            }
            known => known == SOUND,
        };
        if !sound {
            return Outcome::error(ErrorCode::ParseError);
        }
        evaluate(self, flag, context, now, observer)
    }

    /// A flag as a prerequisite, hidden ones included.
    pub(crate) fn flag(&self, key: Name<'_>) -> Option<FlagChunk<'_>> {
        match self.lookup(ChunkType::Flag, key.hash, key.text) {
            Lookup::Found { payload, .. } => FlagChunk::new(payload),
            Lookup::Missing => None,
        }
    }

    /// One page of a segment's keys.
    pub(crate) fn page(&self, segment: Name<'_>, page: Page) -> Option<KeyTable<'_>> {
        let tail = page.key();
        let is_it = |key: &[u8]| {
            key.split_last_chunk()
                .is_some_and(|(named, its)| *its == tail && same(named, segment.text))
        };
        match self.search(ChunkType::SegmentPage, page.hash(segment.hash), is_it) {
            Lookup::Found { payload, .. } if payload.len() > MAX_PAGE_BYTES => None,
            Lookup::Found { payload, .. } => KeyTable::read(&mut Reader::new(payload)),
            Lookup::Missing => None,
        }
    }

    pub(crate) fn segment(&self, key: Name<'_>) -> Option<SegmentChunk<'_>> {
        match self.lookup(ChunkType::Segment, key.hash, key.text) {
            Lookup::Found { payload, .. } => SegmentChunk::new(payload),
            Lookup::Missing => None,
        }
    }

    /// The SDK keys of an edge body.
    #[cfg(feature = "protocol")]
    pub(crate) fn access(&self) -> Option<Reader<'_>> {
        match self.by_name(ChunkType::Access, b"") {
            Lookup::Found { payload, .. } => Some(Reader::new(payload)),
            Lookup::Missing => None,
        }
    }

    /// The payload of the chunk of this type and key.
    fn by_name(&self, chunk_type: ChunkType, key: &[u8]) -> Lookup<'_> {
        self.lookup(chunk_type, name_hash(key), key)
    }

    /// As `by_name` for a key whose name hash is known.
    #[inline]
    fn lookup(&self, chunk_type: ChunkType, hash: u32, key: &[u8]) -> Lookup<'_> {
        self.search(chunk_type, hash, |found| same(found, key))
    }

    /// The chunk of this type whose key is the one that is looked for and has this hash.
    #[inline]
    fn search(
        &self,
        chunk_type: ChunkType,
        hash: u32,
        is_it: impl Fn(&[u8]) -> bool,
    ) -> Lookup<'_> {
        let hash = typed_hash(chunk_type as u8, hash);
        let mut slot = hash & self.mask;
        // At most one turn round the table, even if a hostile one has no free slot.
        for _ in 0..=self.mask {
            let Some(entry) = u32_at(&self.bytes, self.table + 4 * slot as usize) else {
                break;
            };
            if entry == 0 {
                break;
            }
            if entry >> 16 == hash >> 16 {
                let index = ((entry & 0xFFFF) as usize).wrapping_sub(1);
                if let Some((found, payload)) =
                    self.chunk(index).and_then(|chunk| split_key(chunk, chunk_type))
                    && is_it(found)
                {
                    return Lookup::Found { index, payload };
                }
            }
            slot = (slot + 1) & self.mask;
        }
        Lookup::Missing
    }

    pub(super) fn chunk_count(&self) -> usize {
        self.chunks
    }

    #[inline]
    pub(super) fn chunk(&self, index: usize) -> Option<&[u8]> {
        if index >= self.chunks {
            return None;
        }
        let at = self.directory + 4 * index;
        let start = u32_at(&self.bytes, at)? as usize;
        let end = u32_at(&self.bytes, at + 4)? as usize;
        self.bytes.get(start..end)
    }
}

/// The largest body of a kind.
pub(super) fn most_bytes(kind: Kind) -> usize {
    if kind == Kind::Client { MAX_CLIENT_BODY_BYTES } else { MAX_BODY_BYTES }
}

/// A part of a segment's keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// `+` for included keys, `-` for excluded ones.
    pub(crate) part: u8,
    pub(crate) group: u8,
    pub(crate) number: u32,
}

impl Page {
    pub(crate) const KEY_BYTES: usize = 7;

    /// What the page's key has behind the segment's: 0, part, group, number (4, little-endian).
    #[inline]
    pub(crate) fn key(self) -> [u8; Self::KEY_BYTES] {
        let [a, b, c, d] = self.number.to_le_bytes();
        [0, self.part, self.group, a, b, c, d]
    }

    /// Instead of a name hash: made of the segment's, which is known already.
    #[inline]
    fn hash(self, segment: u32) -> u32 {
        let word = self.number ^ u32::from(self.part) << 16 ^ u32::from(self.group) << 24;
        segment.wrapping_add(word.wrapping_mul(0x85EB_CA6B))
    }
}

/// Offsets rise from `first` to the body's end, and no chunk is over its limit.
fn directory_is_sound(bytes: &[u8], directory: usize, chunks: usize, first: usize) -> bool {
    let Some(offsets) = bytes.get(directory..directory + 4 * (chunks + 1)) else {
        return false;
    };
    let mut before = first;
    for (index, offset) in offsets.chunks_exact(4).enumerate() {
        let offset = u32_at(offset, 0).unwrap_or(0) as usize;
        let starts_right = if index == 0 { offset == first } else { offset >= before };
        if !starts_right || offset - before > MAX_CHUNK_BYTES {
            return false;
        }
        before = offset;
    }
    before == bytes.len()
}

#[inline]
fn typed_hash(chunk_type: u8, hash: u32) -> u32 {
    hash ^ u32::from(chunk_type).wrapping_mul(0x9E37_79B1)
}

/// Where a chunk of this key is looked for.
pub(super) fn chunk_hash(chunk_type: u8, key: &[u8]) -> u32 {
    let hash = match key.split_last_chunk::<{ Page::KEY_BYTES }>() {
        Some((segment, [_, part, group, number @ ..]))
            if chunk_type == ChunkType::SegmentPage as u8 =>
        {
            let number = u32::from_le_bytes(*number);
            Page { part: *part, group: *group, number }.hash(name_hash(segment))
        }
        _ => name_hash(key),
    };
    typed_hash(chunk_type, hash)
}

/// The key and the payload of a chunk of this type.
#[inline]
fn split_key(chunk: &[u8], chunk_type: ChunkType) -> Option<(&[u8], &[u8])> {
    let mut reader = Reader::new(chunk);
    if reader.u8()? != chunk_type as u8 {
        return None;
    }
    let key = reader.short()?;
    Some((key, reader.rest()))
}

/// The type and the key of a chunk.
pub(super) fn chunk_name(chunk: &[u8]) -> Option<(u8, &[u8])> {
    let mut reader = Reader::new(chunk);
    Some((reader.u8()?, reader.short()?))
}
