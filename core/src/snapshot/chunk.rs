//! Reading chunks in place: flags, segments and tables of keys (core/spec/snapshot.md section 5). Every read is checked; `None` means
//! that the chunk is malformed.

use crate::bytes::{Reader, same, u32_at};
use crate::context::tag;
use crate::outcome::{FlagType, Value};

/// A variant's value that is a JSON text; the other tags are those of a context.
pub(crate) const TAG_JSON: u8 = 7;
/// No off variant: the caller's default applies.
pub(crate) const NO_VARIANT: u8 = 255;
pub(crate) const BIT_ENABLED: u8 = 1;
pub(crate) const BIT_CLIENT_VISIBLE: u8 = 2;
/// A prerequisite that may not be evaluated by name: it has variants' names but no values.
pub(crate) const BIT_HIDDEN: u8 = 4;
/// Type, bits, off variant and variant count, then the sections' offsets.
pub(crate) const FLAG_HEADER_BYTES: usize = 4 + 4 * Section::COUNT;

/// The parts of a flag's chunk that may be absent.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Section {
    Prerequisites = 0,
    Targets = 1,
    Holdout = 2,
    Rules = 3,
    Fallthrough = 4,
    Metadata = 5,
}

impl Section {
    pub(crate) const COUNT: usize = 6;
}

/// A flag's chunk behind its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlagChunk<'s> {
    payload: &'s [u8],
}

/// One variant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant<'s> {
    pub(crate) key: &'s str,
    pub(crate) value: Value<'s>,
}

impl<'s> FlagChunk<'s> {
    pub(crate) fn new(payload: &'s [u8]) -> Option<Self> {
        (payload.len() >= FLAG_HEADER_BYTES).then_some(Self { payload })
    }

    /// The part that every flag has; `new` has seen that it is there.
    #[inline]
    fn header(&self) -> &'s [u8; FLAG_HEADER_BYTES] {
        self.payload.first_chunk().unwrap_or(&[0; FLAG_HEADER_BYTES])
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.payload.get(at).copied().unwrap_or(0)
    }

    pub(crate) fn flag_type(&self) -> Option<FlagType> {
        FlagType::from_byte(self.byte(0))
    }

    #[inline]
    pub(crate) fn enabled(&self) -> bool {
        self.byte(1) & BIT_ENABLED != 0
    }

    pub(crate) fn client_visible(&self) -> bool {
        self.byte(1) & BIT_CLIENT_VISIBLE != 0
    }

    pub(crate) fn hidden(&self) -> bool {
        self.byte(1) & BIT_HIDDEN != 0
    }

    pub(crate) fn off_variant(&self) -> Option<u8> {
        Some(self.byte(2)).filter(|variant| *variant != NO_VARIANT)
    }

    #[inline]
    pub(crate) fn variant_count(&self) -> u8 {
        self.byte(3)
    }

    /// The section's content up to the chunk's end; none when it is absent.
    #[inline]
    pub(crate) fn section(&self, section: Section) -> Option<Reader<'s>> {
        let offset = u32_at(self.header(), 4 + 4 * section as usize)?;
        if offset == 0 {
            return None;
        }
        // An offset past the end reads as an empty section, whose first field is then missing.
        Some(Reader::at(self.payload, offset as usize).unwrap_or(Reader::new(&[])))
    }

    /// The variant at a position, up to the chunk's end.
    #[inline]
    fn variant_reader(&self, position: u8) -> Option<Reader<'s>> {
        if position >= self.variant_count() {
            return None;
        }
        let offset = u32_at(self.payload, FLAG_HEADER_BYTES + 4 * usize::from(position))?;
        Reader::at(self.payload, offset as usize)
    }

    pub(crate) fn variant_name(&self, position: u8) -> Option<&'s [u8]> {
        self.variant_reader(position)?.short()
    }

    pub(crate) fn variant(&self, position: u8) -> Option<Variant<'s>> {
        let key = core::str::from_utf8(self.variant_name(position)?).ok()?;
        Some(Variant { key, value: self.value(position)? })
    }

    /// A variant's value, without a look at its name.
    #[inline]
    pub(crate) fn value(&self, position: u8) -> Option<Value<'s>> {
        let mut reader = self.variant_reader(position)?;
        reader.short()?;
        Some(match reader.u8()? {
            tag::FALSE => Value::Boolean(false),
            tag::TRUE => Value::Boolean(true),
            tag::NUMBER => Value::Number(reader.f64()?),
            tag::STRING => Value::String(core::str::from_utf8(reader.long()?).ok()?),
            TAG_JSON => Value::Json(core::str::from_utf8(reader.long()?).ok()?),
            _ => return None,
        })
    }

    /// Whether every variant can be read and has the flag's type.
    pub(crate) fn texts_are_sound(&self) -> bool {
        let Some(flag_type) = self.flag_type() else {
            return false;
        };
        (0..self.variant_count()).all(|position| {
            self.variant(position).is_some_and(|variant| {
                matches!(
                    (flag_type, variant.value),
                    (FlagType::Boolean, Value::Boolean(_))
                        | (FlagType::String, Value::String(_))
                        | (FlagType::Number, Value::Number(_))
                        | (FlagType::Json, Value::Json(_))
                )
            })
        })
    }

    /// Attributes in the encoding of a context.
    pub(crate) fn metadata(&self) -> &'s [u8] {
        self.section(Section::Metadata).and_then(|mut section| section.long()).unwrap_or(&[])
    }

    pub(crate) fn rule_id(&self, position: u16) -> Option<&'s str> {
        let mut rules = self.section(Section::Rules)?;
        let count = rules.u16()?;
        if position >= count {
            return None;
        }
        for _ in 0..position {
            RuleChunk::read(&mut rules)?;
        }
        core::str::from_utf8(RuleChunk::read(&mut rules)?.id).ok()
    }
}

/// A rule, its parts not yet read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleChunk<'s> {
    pub(crate) bits: u8,
    pub(crate) id: &'s [u8],
    /// Windows, layer, condition, serve.
    pub(crate) rest: Reader<'s>,
}

impl<'s> RuleChunk<'s> {
    /// Length of what is behind these eight bytes (4), bits (1), zero (1), length of the id (2).
    #[inline]
    pub(crate) fn read(reader: &mut Reader<'s>) -> Option<Self> {
        let [a, b, c, d, bits, _, low, high] = *reader.array::<8>()?;
        let mut rest = Reader::new(reader.take(u32::from_le_bytes([a, b, c, d]) as usize)?);
        let id = rest.take(usize::from(u16::from_le_bytes([low, high])))?;
        Some(Self { bits, id, rest })
    }
}

/// A segment's chunk behind its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentChunk<'s> {
    payload: &'s [u8],
}

impl<'s> SegmentChunk<'s> {
    pub(crate) const EXCLUDED: usize = 0;
    pub(crate) const INCLUDED: usize = 1;
    pub(crate) const CONDITION: usize = 2;
    pub(crate) const PARTS: usize = 3;

    pub(crate) fn new(payload: &'s [u8]) -> Option<Self> {
        (payload.len() >= 4 * Self::PARTS).then_some(Self { payload })
    }

    /// The part's content; none when it is absent.
    #[inline]
    pub(crate) fn part(&self, part: usize) -> Option<Reader<'s>> {
        let offset = u32_at(self.payload, 4 * part)?;
        if offset == 0 {
            return None;
        }
        Some(Reader::at(self.payload, offset as usize).unwrap_or(Reader::new(&[])))
    }
}

/// A table of keys, each with the same small number of bytes behind it. Up to sixteen keys are found by the highest byte of their hash, eight
/// at a time; more by open addressing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeyTable<'s> {
    Small { tags: &'s [u8], offsets: &'s [u8], entries: &'s [u8] },
    Large { slots: &'s [u8], entries: &'s [u8] },
}

impl<'s> KeyTable<'s> {
    /// Counts up to this one stand for small tables; above it, for the slots of large ones, which are more by far.
    pub(crate) const SMALL: u32 = 16;
    pub(crate) const TAG_SHIFT: u32 = 20;
    pub(crate) const OFFSET_MASK: u32 = (1 << Self::TAG_SHIFT) - 1;

    #[inline(always)]
    pub(crate) fn read(reader: &mut Reader<'s>) -> Option<Self> {
        let count = reader.u32()?;
        if count <= Self::SMALL {
            let count = count as usize;
            let tags = reader.take(count.next_multiple_of(8))?;
            let offsets = reader.take(2 * count)?;
            let entries = reader.long()?;
            return Some(Self::Small { tags, offsets, entries });
        }
        if !count.is_power_of_two() {
            return None;
        }
        let slots = reader.take((count as usize).checked_mul(4)?)?;
        let entries = reader.long()?;
        Some(Self::Large { slots, entries })
    }

    /// The byte of a hash that small tables compare.
    #[inline(always)]
    pub(crate) fn tag(hash: u32) -> u8 {
        (hash >> 24) as u8
    }

    /// What stands behind `key`, whose name hash is `hash`.
    #[inline(never)]
    pub(crate) fn find(&self, hash: u32, key: &[u8]) -> Option<Reader<'s>> {
        match self {
            Self::Small { tags, offsets, entries } => {
                let wanted = u64::from(Self::tag(hash)) * EACH_BYTE;
                let mut rest = *tags;
                let mut first = 0;
                while let Some((word, behind)) = rest.split_first_chunk::<8>() {
                    let mut same = zero_bytes(u64::from_le_bytes(*word) ^ wanted);
                    while same != 0 {
                        let position = first + same.trailing_zeros() as usize / 8;
                        // A tag behind the last key's has no offset.
                        let offset = offsets.get(2 * position..)?.first_chunk::<2>()?;
                        let offset = usize::from(u16::from_le_bytes(*offset));
                        if let Some(payload) = entry(entries, offset, key) {
                            return Some(payload);
                        }
                        same &= same - 1;
                    }
                    rest = behind;
                    first += 8;
                }
                None
            }
            Self::Large { slots, entries } => {
                let mask = (slots.len() / 4).wrapping_sub(1);
                let mut slot = hash as usize & mask;
                for _ in 0..=mask {
                    let found = u32_at(slots, 4 * slot)?;
                    if found == 0 {
                        return None;
                    }
                    if found >> Self::TAG_SHIFT == hash >> Self::TAG_SHIFT {
                        let offset = (found & Self::OFFSET_MASK).wrapping_sub(1) as usize;
                        if let Some(payload) = entry(entries, offset, key) {
                            return Some(payload);
                        }
                    }
                    slot = (slot + 1) & mask;
                }
                None
            }
        }
    }
}

const EACH_BYTE: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte that is zero (Warren, *Hacker's Delight*, section 6-1).
#[inline(always)]
fn zero_bytes(word: u64) -> u64 {
    let low = 0x7F * EACH_BYTE;
    !(((word & low) + low) | word | low)
}

/// What stands behind the entry at `offset`, if it is `key`'s.
#[inline(always)]
fn entry<'s>(entries: &'s [u8], offset: usize, key: &[u8]) -> Option<Reader<'s>> {
    let mut reader = Reader::at(entries, offset)?;
    same(reader.short()?, key).then_some(reader)
}
