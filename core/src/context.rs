//! The evaluation context: named attributes, one of which is the targeting key.
//!
//! A context is one buffer in the encoding of core/spec/snapshot.md section 6, written by the host (JavaScript writes it straight
//! into WebAssembly's memory), and a small index over its names. It knows nothing of a snapshot, so that it stays valid when a
//! newer snapshot arrives.

mod build;
#[cfg(any(feature = "compile", feature = "protocol"))]
mod json;

use alloc::vec::Vec;
use core::fmt;

use crate::bytes::{Reader, begin_alike};
use crate::hash::{name_hash, name_hash_and_ascii};
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

/// Slots for up to sixteen attributes.
const SMALLEST_TABLE: usize = 32;

/// One name and its value. Offsets and lengths fit 16 bits, because the whole encoding does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry {
    /// Of the name, inside of its object.
    hash: u32,
    /// Of a string's text: lists are looked through by it, several for each evaluation.
    text_hash: u32,
    /// Where the enclosing object's value starts; 0 means the top.
    parent: u16,
    /// Where the name starts.
    name: u16,
    name_length: u16,
    /// Where the value's tag lies.
    value: u16,
    /// Of what stands behind the tag of a string, a list or an object, and their own length.
    length: u16,
    tag: u8,
}

impl Entry {
    /// The tag of the value.
    #[inline(always)]
    pub(crate) fn tag(&self) -> u8 {
        self.tag
    }

    /// Where the value's tag lies.
    #[inline(always)]
    pub(crate) fn value(&self) -> u32 {
        u32::from(self.value)
    }
}

/// Attributes ready for evaluation.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// An encoding and, where others have replaced its values, those.
    bytes: Vec<u8>,
    /// The length of the encoding.
    named: usize,
    entries: Vec<Entry>,
    /// Open addressing over the entries, at most half full: 0 is free, else an entry's position plus one.
    slots: Vec<u16>,
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
        self.named = bytes.len();
        let indexed = self.index();
        self.unless_refused(indexed)
    }

    /// Takes new values for the names of the encoding that it was made of, in their order, each as core/spec/snapshot.md section 6 writes it:
    /// neither names nor their index are made again. For attributes without parts: values that have some, and other values than the encoding
    /// has names, are malformed. After an error the context is empty.
    ///
    /// # Errors
    /// As [`Context::decode`].
    pub fn replace_values(&mut self, values: &[u8]) -> Result<(), ContextError> {
        self.bytes.truncate(self.named);
        self.bytes.extend_from_slice(values);
        let indexed = self.index_values();
        self.unless_refused(indexed)
    }

    fn unless_refused(&mut self, indexed: Result<(), ContextError>) -> Result<(), ContextError> {
        if indexed.is_err() {
            self.bytes.clear();
            self.named = 0;
            self.entries.clear();
            self.slots.fill(0);
        }
        indexed
    }

    /// The encoding that it was made of: equal bytes evaluate equally.
    pub fn encoded(&self) -> &[u8] {
        self.bytes.get(..self.named).unwrap_or_default()
    }

    fn index(&mut self) -> Result<(), ContextError> {
        if self.bytes.len() > MAX_CONTEXT_BYTES {
            return Err(ContextError::TooLarge);
        }
        self.entries.clear();
        self.slots.fill(0);
        if self.slots.is_empty() {
            self.slots.resize(SMALLEST_TABLE, 0);
            self.entries.reserve(SMALLEST_TABLE / 2);
        }
        let bytes = &self.bytes[..];
        let mut walk = Walk { bytes, entries: &mut self.entries, slots: &mut self.slots };
        walk.attributes(Reader::new(bytes), bytes.len(), 0, 1)?;
        self.check_targeting_key()
    }

    fn index_values(&mut self) -> Result<(), ContextError> {
        let bytes = &self.bytes[..];
        if bytes.len() > MAX_CONTEXT_BYTES {
            return Err(ContextError::TooLarge);
        }
        let mut reader = Reader::at(bytes, self.named).ok_or(ContextError::Malformed)?;
        for entry in &mut self.entries {
            entry.value = offset(bytes.len() - reader.rest().len())?;
            entry.tag = reader.u8().ok_or(ContextError::Malformed)?;
            let content = scalar(entry.tag, &mut reader)?;
            entry.length = offset(content.len())?;
            entry.text_hash = if entry.tag == tag::STRING { hash_of_text(content)? } else { 0 };
            if entry.parent != 0 {
                return Err(ContextError::Malformed);
            }
        }
        if !reader.is_empty() {
            return Err(ContextError::Malformed);
        }
        self.check_targeting_key()
    }

    fn check_targeting_key(&self) -> Result<(), ContextError> {
        let targeting_key = TARGETING_KEY.as_bytes();
        let found = self.member(name_hash(targeting_key), 0, targeting_key);
        match found.and_then(|entry| self.attribute(entry)) {
            None | Some(Attribute::String(_)) => Ok(()),
            Some(Attribute::Number(number)) if number % 1.0 == 0.0 => Ok(()),
            Some(_) => Err(ContextError::TargetingKeyType),
        }
    }

    /// The entry of a name inside the object whose value lies at `parent`. Behind the name's `length` bytes there may be more.
    #[inline(always)]
    pub(crate) fn find(
        &self,
        hash: u32,
        parent: u32,
        name: &[u8],
        length: usize,
    ) -> Option<&Entry> {
        let mask = self.slots.len().wrapping_sub(1);
        let hash = under(hash, parent);
        let mut slot = hash as usize & mask;
        // The slots are never full: `grow` keeps them at most half filled.
        loop {
            // A free slot's position is beyond all entries.
            let position = usize::from(*self.slots.get(slot)?).wrapping_sub(1);
            let entry = self.entries.get(position)?;
            if entry.hash == hash
                && u32::from(entry.parent) == parent
                && usize::from(entry.name_length) == length
                && begin_alike(self.bytes.get(usize::from(entry.name)..)?, name, length)
            {
                return Some(entry);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The same where it is not worth a copy of the look-up.
    #[inline(never)]
    pub(crate) fn member(&self, hash: u32, parent: u32, name: &[u8]) -> Option<&Entry> {
        self.find(hash, parent, name, name.len())
    }

    /// What stands behind the tag and the length of a string's, a list's or an object's entry.
    #[inline(always)]
    fn content(&self, entry: &Entry) -> Option<&[u8]> {
        let start = entry.value() as usize + 5;
        self.bytes.get(start..start + usize::from(entry.length))
    }

    /// The text of a string's entry.
    #[inline(always)]
    pub(crate) fn text(&self, entry: &Entry) -> Option<&[u8]> {
        if entry.tag == tag::STRING { self.content(entry) } else { None }
    }

    /// The same with its name hash.
    #[inline(always)]
    pub(crate) fn hashed_text(&self, entry: &Entry) -> Option<(u32, &[u8])> {
        Some((entry.text_hash, self.text(entry)?))
    }

    /// The number of a number's entry.
    #[inline(always)]
    pub(crate) fn number(&self, entry: &Entry) -> Option<f64> {
        if entry.tag != tag::NUMBER {
            return None;
        }
        let start = entry.value() as usize + 1;
        Some(f64::from_le_bytes(*self.bytes.get(start..start + 8)?.first_chunk()?))
    }

    /// The value of an entry; none for null.
    #[inline]
    pub(crate) fn attribute(&self, entry: &Entry) -> Option<Attribute<'_>> {
        Some(match entry.tag {
            tag::STRING => Attribute::String(self.content(entry)?),
            tag::NUMBER => Attribute::Number(self.number(entry)?),
            tag::FALSE => Attribute::Boolean(false),
            tag::TRUE => Attribute::Boolean(true),
            tag::LIST => Attribute::List(self.content(entry)?),
            tag::OBJECT => Attribute::Object,
            _ => return None,
        })
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

    /// The value whose tag lies at `offset`; none for null.
    pub(crate) fn read(&self, offset: u32) -> Option<Attribute<'_>> {
        self.attribute(&self.unnamed(offset)?)
    }

    /// An entry for the value whose tag lies at `offset`: an element of a list has none in the index.
    pub(crate) fn unnamed(&self, offset: u32) -> Option<Entry> {
        let mut reader = Reader::at(&self.bytes, offset as usize)?;
        let tag = reader.u8()?;
        let content = match tag {
            tag::STRING | tag::LIST | tag::OBJECT => reader.long()?,
            _ => &[],
        };
        let text_hash = if tag == tag::STRING { name_hash(content) } else { 0 };
        let (value, length) = (u16::try_from(offset).ok()?, u16::try_from(content.len()).ok()?);
        Some(Entry { text_hash, value, length, tag, ..Entry::default() })
    }
}

/// Reads one value; none for null, and for what is malformed.
#[cfg(any(feature = "compile", feature = "protocol"))]
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

/// Checks the encoding and indexes its names in one pass.
struct Walk<'a> {
    bytes: &'a [u8],
    entries: &'a mut Vec<Entry>,
    slots: &'a mut Vec<u16>,
}

impl<'a> Walk<'a> {
    /// The attributes of one object: `reader` holds them all and ends at offset `end`.
    fn attributes(
        &mut self,
        mut reader: Reader<'a>,
        end: usize,
        parent: u16,
        depth: usize,
    ) -> Result<(), ContextError> {
        while !reader.is_empty() {
            let name = reader.short().ok_or(ContextError::Malformed)?;
            if name.len() > MAX_NAME_BYTES {
                return Err(ContextError::TooLarge);
            }
            let name_hash = hash_of_text(name)?;
            let value = offset(end - reader.rest().len())?;
            let tag = reader.rest().first().copied().ok_or(ContextError::Malformed)?;
            let position = self.entries.len();
            self.insert(
                Entry {
                    hash: under(name_hash, u32::from(parent)),
                    parent,
                    name: value - name.len() as u16,
                    name_length: name.len() as u16,
                    value,
                    tag,
                    ..Entry::default()
                },
                name,
            )?;
            let content = self.value(&mut reader, end, depth)?;
            if let Some(entry) = self.entries.get_mut(position) {
                entry.length = offset(content.len())?;
                if tag == tag::STRING {
                    entry.text_hash = hash_of_text(content)?;
                }
            }
        }
        Ok(())
    }

    /// Checks a value, all but whether a string is UTF-8; answers its content, if it has some.
    fn value(
        &mut self,
        reader: &mut Reader<'a>,
        end: usize,
        depth: usize,
    ) -> Result<&'a [u8], ContextError> {
        let start = end - reader.rest().len();
        match reader.u8().ok_or(ContextError::Malformed)? {
            container @ (tag::LIST | tag::OBJECT) => {
                if depth >= MAX_CONTEXT_DEPTH {
                    return Err(ContextError::TooDeep);
                }
                let content = reader.long().ok_or(ContextError::Malformed)?;
                let (inside, inside_end) = (Reader::new(content), end - reader.rest().len());
                if container == tag::OBJECT {
                    self.attributes(inside, inside_end, offset(start)?, depth + 1)?;
                } else {
                    self.elements(inside, inside_end, depth + 1)?;
                }
                Ok(content)
            }
            tag => scalar(tag, reader),
        }
    }

    fn elements(
        &mut self,
        mut reader: Reader<'a>,
        end: usize,
        depth: usize,
    ) -> Result<(), ContextError> {
        while !reader.is_empty() {
            let tag = reader.rest().first().copied();
            let content = self.value(&mut reader, end, depth)?;
            if tag == Some(tag::STRING) {
                hash_of_text(content)?;
            }
        }
        Ok(())
    }

    fn insert(&mut self, entry: Entry, name: &[u8]) -> Result<(), ContextError> {
        let count = self.entries.len() + 1;
        if count > MAX_CONTEXT_ATTRIBUTES {
            return Err(ContextError::TooManyAttributes);
        }
        if count * 2 > self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut slot = entry.hash as usize & mask;
        while let Some(taken) = self.entry_at(slot) {
            if taken.hash == entry.hash
                && taken.parent == entry.parent
                && self
                    .bytes
                    .get(usize::from(taken.name)..)
                    .and_then(|rest| rest.get(..usize::from(taken.name_length)))
                    == Some(name)
            {
                return Err(ContextError::DuplicateName);
            }
            slot = (slot + 1) & mask;
        }
        self.entries.push(entry);
        if let Some(place) = self.slots.get_mut(slot) {
            *place = count as u16;
        }
        Ok(())
    }

    /// None for a free slot.
    fn entry_at(&self, slot: usize) -> Option<&Entry> {
        self.entries.get(usize::from(*self.slots.get(slot)?).wrapping_sub(1))
    }

    /// Doubles the slots, so that they stay at most half full.
    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        self.slots.clear();
        self.slots.resize(size, 0);
        for (entry, position) in self.entries.iter().zip(1..) {
            let mut slot = entry.hash as usize & (size - 1);
            while self.slots.get(slot).is_some_and(|taken| *taken != 0) {
                slot = (slot + 1) & (size - 1);
            }
            if let Some(place) = self.slots.get_mut(slot) {
                *place = position;
            }
        }
    }
}

/// Checks what stands behind the tag of a value that has no parts, all but whether a string is UTF-8; answers a string's text.
#[inline]
fn scalar<'a>(tag: u8, reader: &mut Reader<'a>) -> Result<&'a [u8], ContextError> {
    match tag {
        tag::NULL | tag::FALSE | tag::TRUE => Ok(&[]),
        tag::NUMBER => match reader.f64() {
            Some(number) if number.is_finite() => Ok(&[]),
            Some(_) => Err(ContextError::NotFinite),
            None => Err(ContextError::Malformed),
        },
        tag::STRING => reader.long().ok_or(ContextError::Malformed),
        _ => Err(ContextError::Malformed),
    }
}

/// An offset or a length in 16 bits: the encoding is not longer.
fn offset(number: usize) -> Result<u16, ContextError> {
    u16::try_from(number).map_err(|_| ContextError::TooLarge)
}

/// The name hash of what has to be UTF-8. Most texts are ASCII, which hashing them tells.
fn hash_of_text(bytes: &[u8]) -> Result<u32, ContextError> {
    let (hash, ascii) = name_hash_and_ascii(bytes);
    if ascii || core::str::from_utf8(bytes).is_ok() { Ok(hash) } else { Err(ContextError::NotUtf8) }
}

#[cfg(test)]
mod tests;
