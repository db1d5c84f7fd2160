//! Deltas: what makes one body of an environment and kind out of another (core/spec/snapshot.md section 9).
//!
//! A delta proves nothing and is not signed. What [`apply`] answers is to be hashed and offered to the same acceptance as a body that was
//! fetched whole; where that refuses it, the whole body is fetched.

use alloc::vec::Vec;

use super::body::{chunk_name, most_bytes};
use super::layout::Layout;
use super::{Refusal, Snapshot};
use crate::bytes::Reader;

const MAGIC: [u8; 4] = *b"PND1";
const HEADER_BYTES: usize = 12;

/// A run of chunks of the old body: first, count.
const COPY: u8 = 1;
/// A chunk made of the start and the end of an old one, and bytes of its own between.
const PATCH: u8 = 2;

/// One step of a delta.
#[derive(Clone, Copy, Debug)]
enum Step<'d> {
    Copy { first: usize, count: usize },
    Patch { chunk: usize, head: usize, tail: usize, middle: &'d [u8] },
}

/// Rebuilds the body that `delta` leads to from `base`, to the byte. Allocates that body alone, after checking that it is within the
/// limit of its kind.
///
/// # Errors
/// [`Refusal::MalformedDelta`], also for many a delta of another base; [`Refusal::OverLimits`].
pub fn apply(base: &Snapshot, delta: &[u8]) -> Result<Vec<u8>, Refusal> {
    let limit = most_bytes(base.kind());
    if delta.len() > limit {
        return Err(Refusal::OverLimits);
    }
    let malformed = Refusal::MalformedDelta;
    let mut reader = Reader::new(delta);
    if reader.array() != Some(&MAGIC) {
        return Err(malformed);
    }
    let chunks = reader.u32().ok_or(malformed)? as usize;
    let content = reader.u32().ok_or(malformed)? as usize;
    // Whatever the steps say, nothing is written beyond what was announced and allocated here.
    let mut layout = Layout::new(base.kind(), chunks, content)?;
    let mut left = content;
    let mut chunk = |pieces: [&[u8]; 3]| {
        for piece in pieces {
            left = left.checked_sub(piece.len())?;
            layout.extend(piece);
        }
        layout.end_chunk()
    };
    while !reader.is_empty() {
        match Step::read(&mut reader).ok_or(malformed)? {
            Step::Copy { first, count } => {
                for index in first..first.saturating_add(count) {
                    let whole = base.chunk(index).ok_or(malformed)?;
                    chunk([whole, &[], &[]]).ok_or(malformed)?;
                }
            }
            Step::Patch { chunk: index, head, tail, middle } => {
                let old = base.chunk(index).unwrap_or_default();
                let head = old.get(..head).ok_or(malformed)?;
                let tail = old.len().checked_sub(tail).and_then(|start| old.get(start..));
                chunk([head, middle, tail.ok_or(malformed)?]).ok_or(malformed)?;
            }
        }
    }
    layout.finish().ok_or(malformed)
}

/// The delta that [`apply`] makes `to` of `from` with. Chunks that are equal are named, and of one that changed only what lies between its
/// first and its last difference travels.
///
/// # Errors
/// [`Refusal::WrongKind`] for bodies of two kinds.
pub fn make(from: &Snapshot, to: &Snapshot) -> Result<Vec<u8>, Refusal> {
    if from.kind() != to.kind() {
        return Err(Refusal::WrongKind);
    }
    let chunks = |body: &Snapshot| body.chunk_count();
    let mut content = 0;
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut old = 0;
    for index in 0..chunks(to) {
        let new = to.chunk(index).ok_or(Refusal::MalformedBody)?;
        content += new.len();
        // Both stand in the order of their names.
        let name = chunk_name(new).ok_or(Refusal::MalformedBody)?;
        while old < chunks(from) && from.chunk(old).and_then(chunk_name) < Some(name) {
            old += 1;
        }
        let base = from.chunk(old).unwrap_or_default();
        if base == new {
            match steps.last_mut() {
                Some(Step::Copy { first, count }) if *first + *count == old => *count += 1,
                _ => steps.push(Step::Copy { first: old, count: 1 }),
            }
            continue;
        }
        let head = common(base.iter(), new.iter());
        let (base_rest, new_rest) = (base.split_at(head).1, new.split_at(head).1);
        let tail = common(base_rest.iter().rev(), new_rest.iter().rev());
        let middle = new_rest.split_at(new_rest.len() - tail).0;
        steps.push(Step::Patch { chunk: old, head, tail, middle });
    }
    let mut delta = Vec::with_capacity(HEADER_BYTES);
    delta.extend_from_slice(&MAGIC);
    delta.extend_from_slice(&(chunks(to) as u32).to_le_bytes());
    delta.extend_from_slice(&(content as u32).to_le_bytes());
    steps.iter().for_each(|step| step.write(&mut delta));
    Ok(delta)
}

/// How many bytes two sequences start with alike.
fn common<'b>(left: impl Iterator<Item = &'b u8>, right: impl Iterator<Item = &'b u8>) -> usize {
    left.zip(right).take_while(|(left, right)| left == right).count()
}

impl<'d> Step<'d> {
    fn read(reader: &mut Reader<'d>) -> Option<Self> {
        let step = reader.u8()?;
        let chunk = reader.u32()? as usize;
        Some(match step {
            COPY => Self::Copy { first: chunk, count: reader.u32()? as usize },
            PATCH => {
                let (head, tail) = (reader.u32()? as usize, reader.u32()? as usize);
                Self::Patch { chunk, head, tail, middle: reader.long()? }
            }
            _ => return None,
        })
    }

    fn write(&self, delta: &mut Vec<u8>) {
        let mut words = |step: u8, words: &[usize]| {
            delta.push(step);
            words.iter().for_each(|word| delta.extend_from_slice(&(*word as u32).to_le_bytes()));
        };
        match *self {
            Self::Copy { first, count } => words(COPY, &[first, count]),
            Self::Patch { chunk, head, tail, middle } => {
                words(PATCH, &[chunk, head, tail, middle.len()]);
                delta.extend_from_slice(middle);
            }
        }
    }
}

#[cfg(test)]
mod tests;
