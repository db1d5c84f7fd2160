//! The evaluation context: named attributes, one of which is the targeting key.
//!
//! A context is one buffer in the encoding of core/spec/snapshot.md section 6, written by the host (JavaScript writes it straight
//! into WebAssembly's memory), and a small hash table over its names. It knows nothing of a snapshot, so that it stays valid when a
//! newer snapshot arrives.

mod build;
#[cfg(any(feature = "compile", feature = "protocol"))]
mod json;

use alloc::vec::Vec;
use core::fmt;

use crate::bytes::{Reader, same};
use crate::hash::name_hash;
use crate::limits::{MAX_CONTEXT_ATTRIBUTES, MAX_CONTEXT_BYTES, MAX_CONTEXT_DEPTH, MAX_NAME_BYTES};

pub use build::ContextBuilder;
#[cfg(any(feature = "compile", feature = "protocol"))]
pub(crate) use json::attributes_to_json as to_json;

/// The name of the attribute that identifies the subject of an evaluation.
pub const TARGETING_KEY: &str = "targetingKey";

pub(crate) mod tag {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const FALSE: u8 = 1;
    pub(crate) const TRUE: u8 = 2;
    pub(crate) const NUMBER: u8 = 3;
    pub(crate) const STRING: u8 = 4;
    pub(crate) const LIST: u8 = 5;
    pub(crate) const OBJECT: u8 = 6;
}

/// Why a context was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextError {
    /// The buffer ends early or holds an unknown tag.
    Malformed,
    /// A name or a string is not UTF-8.
    NotUtf8,
    /// Two attributes of one object have the same name.
    DuplicateName,
    /// Larger than `MAX_CONTEXT_BYTES`, or a name over `MAX_NAME_BYTES`.
    TooLarge,
    /// More than `MAX_CONTEXT_ATTRIBUTES` attributes.
    TooManyAttributes,
    /// Nested deeper than `MAX_CONTEXT_DEPTH`.
    TooDeep,
    /// A number that is not finite.
    NotFinite,
    /// The context is not an object.
    NotAnObject,
    /// The targeting key is neither a string nor an integer.
    TargetingKeyType,
}

impl fmt::Display for ContextError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => formatter.write_str("the context's encoding is damaged"),
            Self::NotUtf8 => formatter.write_str("the context holds text that is not UTF-8"),
            Self::DuplicateName => formatter.write_str("the context names an attribute twice"),
            Self::TooLarge => {
                write!(
                    formatter,
                    "the context is larger than {MAX_CONTEXT_BYTES} bytes or has a name over {MAX_NAME_BYTES}"
                )
            }
            Self::TooManyAttributes => {
                write!(formatter, "the context has more than {MAX_CONTEXT_ATTRIBUTES} attributes")
            }
            Self::TooDeep => {
                write!(formatter, "the context nests deeper than {MAX_CONTEXT_DEPTH} levels")
            }
            Self::NotFinite => formatter.write_str("the context holds a number that is not finite"),
            Self::NotAnObject => formatter.write_str("the context must be a JSON object"),
            Self::TargetingKeyType => {
                formatter.write_str("targetingKey must be a string or an integer")
            }
        }
    }
}

impl core::error::Error for ContextError {}

/// An attribute's value, borrowed from the context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Attribute<'c> {
    Boolean(bool),
    Number(f64),
    String(&'c [u8]),
    /// The encoded elements.
    List(&'c [u8]),
    Object,
}

/// Slots of the table for up to sixteen attributes.
const SMALLEST_TABLE: usize = 32;

/// One name in the table. `parent` is where the enclosing object's value starts; 0 means the top.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    hash: u32,
    parent: u32,
    name: u32,
    /// Where the value's tag lies; 0 marks an empty slot (offset 0 always holds a name's length).
    value: u32,
    name_length: u16,
}

/// Attributes ready for evaluation.
#[derive(Clone, Debug, Default)]
pub struct Context {
    bytes: Vec<u8>,
    table: Vec<Entry>,
}

impl Context {
    /// A context without attributes.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Checks an encoded context and indexes its names.
    ///
    /// # Errors
    /// What is wrong with the encoding, or which limit it exceeds.
    pub fn decode(bytes: &[u8]) -> Result<Self, ContextError> {
        let mut context = Self::default();
        context.replace(bytes)?;
        Ok(context)
    }

    /// As [`Context::decode`], into the buffers of this context. After an error the context is empty.
    ///
    /// # Errors
    /// As [`Context::decode`].
    pub fn replace(&mut self, bytes: &[u8]) -> Result<(), ContextError> {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        let indexed = self.index();
        if indexed.is_err() {
            self.bytes.clear();
            self.table.fill(Entry::default());
        }
        indexed
    }

    /// The encoding: equal bytes evaluate equally.
    pub fn encoded(&self) -> &[u8] {
        &self.bytes
    }

    fn index(&mut self) -> Result<(), ContextError> {
        if self.bytes.len() > MAX_CONTEXT_BYTES {
            return Err(ContextError::TooLarge);
        }
        self.table.fill(Entry::default());
        if self.table.is_empty() {
            self.table.resize(SMALLEST_TABLE, Entry::default());
        }
        let mut walk = Walk { bytes: &self.bytes, count: 0, table: &mut self.table };
        walk.attributes(Reader::new(&self.bytes), self.bytes.len(), 0, 1)?;
        let targeting_key = TARGETING_KEY.as_bytes();
        match self.find(name_hash(targeting_key), 0, targeting_key).and_then(|at| self.read(at)) {
            None | Some(Attribute::String(_)) => Ok(()),
            Some(Attribute::Number(number)) if number % 1.0 == 0.0 => Ok(()),
            Some(_) => Err(ContextError::TargetingKeyType),
        }
    }

    /// The value inside the object that lies at `parent`, as an offset to go on from.
    #[inline]
    pub(crate) fn find(&self, hash: u32, parent: u32, name: &[u8]) -> Option<u32> {
        let mask = self.table.len().wrapping_sub(1);
        let hash = under(hash, parent);
        let mut slot = hash as usize & mask;
        // The table is never full: `grow` keeps it at most half filled.
        loop {
            let entry = self.table.get(slot)?;
            if entry.value == 0 {
                return None;
            }
            if entry.hash == hash
                && entry.parent == parent
                && same(
                    self.bytes.get(entry.name as usize..)?.get(..usize::from(entry.name_length))?,
                    name,
                )
            {
                return Some(entry.value);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Where the elements of the list at `offset` begin and end; none when there is no list.
    pub(crate) fn elements(&self, offset: u32) -> Option<(u32, u32)> {
        let mut reader = Reader::at(&self.bytes, offset as usize)?;
        if reader.u8()? != tag::LIST {
            return None;
        }
        let length = reader.u32()?;
        let start = offset.checked_add(5)?;
        Some((start, start.checked_add(length)?))
    }

    /// How many attributes the object at `offset` has, those that are null counted; none when there is no object.
    pub(crate) fn members(&self, offset: u32) -> Option<usize> {
        let mut reader = Reader::at(&self.bytes, offset as usize)?;
        if reader.u8()? != tag::OBJECT {
            return None;
        }
        let mut attributes = Reader::new(reader.long()?);
        let mut count = 0;
        while !attributes.is_empty() {
            attributes.short()?;
            skip_value(&mut attributes)?;
            count += 1;
        }
        Some(count)
    }

    /// Where the value behind the one at `offset` begins.
    pub(crate) fn after(&self, offset: u32) -> Option<u32> {
        let mut reader = Reader::at(&self.bytes, offset as usize)?;
        let before = reader.rest().len();
        skip_value(&mut reader)?;
        offset.checked_add((before - reader.rest().len()) as u32)
    }

    /// Reads the value whose tag lies at `offset`.
    #[inline]
    pub(crate) fn read(&self, offset: u32) -> Option<Attribute<'_>> {
        let mut reader = Reader::at(&self.bytes, offset as usize)?;
        read_value(&mut reader)
    }
}

/// Reads one value; none for null, and for what is malformed.
pub(crate) fn read_value<'c>(reader: &mut Reader<'c>) -> Option<Attribute<'c>> {
    Some(match reader.u8()? {
        tag::FALSE => Attribute::Boolean(false),
        tag::TRUE => Attribute::Boolean(true),
        tag::NUMBER => Attribute::Number(reader.f64()?),
        tag::STRING => Attribute::String(reader.long()?),
        tag::LIST => Attribute::List(reader.long()?),
        tag::OBJECT => {
            reader.long()?;
            Attribute::Object
        }
        _ => return None,
    })
}

fn skip_value(reader: &mut Reader<'_>) -> Option<()> {
    match reader.u8()? {
        tag::NULL | tag::FALSE | tag::TRUE => {}
        tag::NUMBER => drop(reader.f64()?),
        _ => drop(reader.long()?),
    }
    Some(())
}

/// How many elements an encoded list has.
pub(crate) fn elements_in(list: &[u8]) -> usize {
    let mut reader = Reader::new(list);
    let mut count = 0;
    while !reader.is_empty() && skip_value(&mut reader).is_some() {
        count += 1;
    }
    count
}

/// The hash of a name inside the object at `parent`.
#[inline]
fn under(hash: u32, parent: u32) -> u32 {
    hash ^ parent.wrapping_mul(0x9E37_79B1)
}

/// Checks the encoding and fills the table in one pass.
struct Walk<'a> {
    bytes: &'a [u8],
    count: usize,
    table: &'a mut Vec<Entry>,
}

impl<'a> Walk<'a> {
    /// The attributes of one object: `reader` holds them all and ends at offset `end`.
    fn attributes(
        &mut self,
        mut reader: Reader<'a>,
        end: usize,
        parent: u32,
        depth: usize,
    ) -> Result<(), ContextError> {
        while !reader.is_empty() {
            let name = reader.short().ok_or(ContextError::Malformed)?;
            if name.len() > MAX_NAME_BYTES {
                return Err(ContextError::TooLarge);
            }
            text(name)?;
            let value = end - reader.rest().len();
            self.insert(
                Entry {
                    hash: under(name_hash(name), parent),
                    parent,
                    name: (value - name.len()) as u32,
                    value: value as u32,
                    name_length: name.len() as u16,
                },
                name,
            )?;
            self.value(&mut reader, end, depth)?;
        }
        Ok(())
    }

    fn value(
        &mut self,
        reader: &mut Reader<'a>,
        end: usize,
        depth: usize,
    ) -> Result<(), ContextError> {
        let start = (end - reader.rest().len()) as u32;
        match reader.u8().ok_or(ContextError::Malformed)? {
            tag::NULL | tag::FALSE | tag::TRUE => Ok(()),
            tag::NUMBER => match reader.f64() {
                Some(number) if number.is_finite() => Ok(()),
                Some(_) => Err(ContextError::NotFinite),
                None => Err(ContextError::Malformed),
            },
            tag::STRING => text(reader.long().ok_or(ContextError::Malformed)?),
            container @ (tag::LIST | tag::OBJECT) => {
                if depth >= MAX_CONTEXT_DEPTH {
                    return Err(ContextError::TooDeep);
                }
                let inside = Reader::new(reader.long().ok_or(ContextError::Malformed)?);
                let inside_end = end - reader.rest().len();
                if container == tag::OBJECT {
                    self.attributes(inside, inside_end, start, depth + 1)
                } else {
                    self.elements(inside, inside_end, depth + 1)
                }
            }
            _ => Err(ContextError::Malformed),
        }
    }

    fn elements(
        &mut self,
        mut reader: Reader<'a>,
        end: usize,
        depth: usize,
    ) -> Result<(), ContextError> {
        while !reader.is_empty() {
            self.value(&mut reader, end, depth)?;
        }
        Ok(())
    }

    fn insert(&mut self, entry: Entry, name: &[u8]) -> Result<(), ContextError> {
        if self.count == MAX_CONTEXT_ATTRIBUTES {
            return Err(ContextError::TooManyAttributes);
        }
        self.count += 1;
        if self.count * 2 > self.table.len() {
            self.grow();
        }
        let slot = self.slot(entry, Some(name))?;
        if let Some(place) = self.table.get_mut(slot) {
            *place = entry;
        }
        Ok(())
    }

    /// The free slot for `entry`; an error when an entry of the same name is met first.
    fn slot(&self, entry: Entry, name: Option<&[u8]>) -> Result<usize, ContextError> {
        let mask = self.table.len() - 1;
        let mut slot = entry.hash as usize & mask;
        while let Some(taken) = self.table.get(slot).filter(|taken| taken.value != 0) {
            if taken.hash == entry.hash
                && taken.parent == entry.parent
                && name.is_some()
                && self
                    .bytes
                    .get(taken.name as usize..)
                    .and_then(|rest| rest.get(..usize::from(taken.name_length)))
                    == name
            {
                return Err(ContextError::DuplicateName);
            }
            slot = (slot + 1) & mask;
        }
        Ok(slot)
    }

    /// Doubles the table, so that it stays at most half full.
    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(SMALLEST_TABLE);
        let old = core::mem::replace(self.table, alloc::vec![Entry::default(); size]);
        for entry in old.into_iter().filter(|entry| entry.value != 0) {
            if let Ok(slot) = self.slot(entry, None)
                && let Some(place) = self.table.get_mut(slot)
            {
                *place = entry;
            }
        }
    }
}

fn text(bytes: &[u8]) -> Result<(), ContextError> {
    core::str::from_utf8(bytes).map(drop).map_err(|_| ContextError::NotUtf8)
}

#[cfg(test)]
mod tests;
