//! A name in a chunk, with its hash: an attribute, a segment, a flag.

use crate::bytes::Reader;
use crate::limits::MAX_PATH_NAMES;

/// In front of a name: a byte that belongs to a node of conditions, the number of names in the path that this one begins, the name's
/// length (2), its hash (4).
pub(crate) const NAME_HEADER_BYTES: usize = 8;

/// An attribute reference, or the key of a segment or a flag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'s> {
    /// How many names the reference has; none stand for the element of a list.
    pub(crate) names: u8,
    pub(crate) hash: u32,
    pub(crate) text: &'s [u8],
    /// The same, and what stands behind it.
    pub(crate) from: &'s [u8],
    /// The names behind the first.
    more: Reader<'s>,
}

impl<'s> Name<'s> {
    /// Reads the header and the names.
    #[inline(always)]
    pub(crate) fn read(reader: &mut Reader<'s>) -> Option<Self> {
        let header = reader.array::<NAME_HEADER_BYTES>()?;
        Self::behind(header, reader)
    }

    /// Reads the names behind a header.
    #[inline(always)]
    pub(crate) fn behind(
        header: &[u8; NAME_HEADER_BYTES],
        reader: &mut Reader<'s>,
    ) -> Option<Self> {
        let [_, names, low, high, hash @ ..] = *header;
        let from = reader.rest();
        let text = reader.take(usize::from(u16::from_le_bytes([low, high])))?;
        let more = *reader;
        if names > 1 {
            skip(names, reader)?;
        }
        Some(Self { names, hash: u32::from_le_bytes(hash), text, from, more })
    }

    /// The names behind the first, each with its hash.
    pub(crate) fn rest(&self) -> impl Iterator<Item = Name<'s>> + '_ {
        let mut more = self.more;
        (1..self.names).map_while(move |_| Name::read(&mut more))
    }
}

#[cold]
fn skip(names: u8, reader: &mut Reader<'_>) -> Option<()> {
    if usize::from(names) > MAX_PATH_NAMES {
        return None;
    }
    for _ in 1..names {
        let [_, _, low, high, ..] = *reader.array::<NAME_HEADER_BYTES>()?;
        reader.take(usize::from(u16::from_le_bytes([low, high])))?;
    }
    Some(())
}
