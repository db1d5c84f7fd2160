//! The tree of conditions (core/spec/evaluation.md section 5).

use crate::bytes::Reader;
use crate::context::{Attribute, Entry};
use crate::hash::name_hash;
use crate::limits::MAX_DEPTH;
use crate::snapshot::{KeyTable, NAME_HEADER_BYTES, Name, Page, SegmentChunk};

use super::bucket::Digits;
use super::operator::{self, order_holds};
use super::trace::observe;
use super::{Evaluation, Observer, Step, bucket, deep, number};

/// The nodes of the tree, as numbered in core/spec/snapshot.md section 5.
pub(crate) mod op {
    pub(crate) const ALL: u8 = 1;
    pub(crate) const ANY: u8 = 2;
    pub(crate) const NOT: u8 = 3;
    pub(crate) const SEGMENT: u8 = 4;
    pub(crate) const FLAG: u8 = 5;
    pub(crate) const SOME: u8 = 6;
    pub(crate) const BUCKET: u8 = 7;
    pub(crate) const NOW: u8 = 8;
    pub(crate) const ERROR: u8 = 9;
    pub(crate) const EXISTS: u8 = 10;
    pub(crate) const EQUALS: u8 = 11;
    pub(crate) const IN: u8 = 12;
    pub(crate) const CONTAINS: u8 = 13;
    pub(crate) const STARTS_WITH: u8 = 14;
    pub(crate) const ENDS_WITH: u8 = 15;
    pub(crate) const NUMBER: u8 = 16;
    pub(crate) const SEMVER: u8 = 17;
    pub(crate) const FOLDED: u8 = 18;
    pub(crate) const MATCHES: u8 = 19;
    pub(crate) const TEXT: u8 = 20;
    pub(crate) const DATETIME: u8 = 21;
    pub(crate) const PADDED_VERSION: u8 = 22;
    pub(crate) const IP_IN_CIDR: u8 = 23;
    pub(crate) const SIZE: u8 = 24;
    pub(crate) const IS_TYPE: u8 = 25;
    pub(crate) const PARSED_NUMBER: u8 = 26;
    pub(crate) const PARTIAL_SEMVER: u8 = 27;
    pub(crate) const DEEP_EQUALS: u8 = 28;
    pub(crate) const UNIX_TIME: u8 = 29;

    /// The operators that need no more than an attribute's value.
    pub(crate) const PLAIN: core::ops::RangeInclusive<u8> = EXISTS..=PARTIAL_SEMVER;
}

/// A node of the tree. A copy is what functions off the hot way get: one that is lent out cannot stay in registers.
#[derive(Clone, Copy)]
struct Node<'s> {
    op: u8,
    /// The attribute, the segment or the flag that it is about.
    name: Name<'s>,
    operand: Reader<'s>,
}

impl<'s> Node<'s> {
    /// The header of a name with the operator in its first byte, the length of what is behind (4), the name, the operand.
    #[inline(always)]
    fn read(reader: &mut Reader<'s>) -> Option<Self> {
        let (header, mut operand) = Self::outline(reader)?;
        Some(Self { op: header[0], name: Name::behind(header, &mut operand)?, operand })
    }

    /// The header, and what is behind it.
    #[inline(always)]
    fn outline(reader: &mut Reader<'s>) -> Option<(&'s [u8; NAME_HEADER_BYTES], Reader<'s>)> {
        let header = reader.array::<{ NAME_HEADER_BYTES + 4 }>()?;
        let (name, length) = (header.first_chunk()?, header.last_chunk()?);
        Some((name, Reader::new(reader.take(u32::from_le_bytes(*length) as usize)?)))
    }
}

impl<'s, 'c, O: Observer> Evaluation<'s, 'c, O> {
    /// Section 5.1: whether the condition holds. `level` counts the nodes above, those of enclosing segments included; `base` is where
    /// the list's element lies that the condition is about, 0 for the context itself.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn condition(
        &mut self,
        reader: &mut Reader<'s>,
        level: usize,
        base: u32,
    ) -> Option<bool> {
        let start = *reader;
        let (header, inside) = Node::outline(reader)?;
        if header[0] != op::ALL {
            return self.single(start.until(reader)?, level, base);
        }
        // What most rules are. It has no name.
        self.enter(level)?;
        observe!(self, Step::Begins { node: op::ALL });
        let holds = self.list(inside, level + 1, base, false)?;
        observe!(self, Step::Ends { holds });
        Some(holds)
    }

    /// Any other condition than `all`, by itself.
    #[inline(never)]
    fn single(&mut self, mut reader: Reader<'s>, level: usize, base: u32) -> Option<bool> {
        let start = reader;
        let node = Node::read(&mut reader)?;
        if node.op >= op::EXISTS {
            return self.list(start, level, base, false);
        }
        self.enter(level)?;
        self.branch(node, level, base)
    }

    /// Counts a condition on a level.
    #[inline(always)]
    fn enter(&mut self, level: usize) -> Option<()> {
        if level > MAX_DEPTH {
            return None;
        }
        self.spend()
    }

    /// All, or any, of a list: the first condition that comes to `until` decides. Each is on `level`.
    fn list(&mut self, mut list: Reader<'s>, level: usize, base: u32, until: bool) -> Option<bool> {
        while !list.is_empty() {
            let node = Node::read(&mut list)?;
            self.enter(level)?;
            let holds = if node.op < op::EXISTS {
                self.branch(node, level, base)?
            } else {
                let context = self.context;
                let distant;
                let entry = if node.name.names == 1 {
                    self.named(&node.name, base)
                } else {
                    distant = self.distant(node.name, base);
                    distant.as_ref()
                };
                let holds = match operator::holds(node.op, context, entry, node.operand) {
                    Some(holds) => holds,
                    None => {
                        let attribute = entry.and_then(|entry| context.attribute(entry));
                        self.beyond_attribute(node, attribute, base)?
                    }
                };
                observe!(
                    self,
                    Step::Operator {
                        node: node.op,
                        attribute: node.name,
                        actual: entry.and_then(|entry| context.attribute(entry)),
                        holds
                    }
                );
                holds
            };
            if holds == until {
                return Some(until);
            }
        }
        Some(!until)
    }

    /// A node that has conditions of its own, or that is about something else than an attribute.
    #[inline(never)]
    fn branch(&mut self, node: Node<'s>, level: usize, base: u32) -> Option<bool> {
        observe!(self, Step::Begins { node: node.op });
        let mut operand = node.operand;
        let holds = match node.op {
            op::ALL => self.list(operand, level + 1, base, false)?,
            op::ANY => self.list(operand, level + 1, base, true)?,
            op::NOT => !self.condition(&mut operand, level + 1, base)?,
            op::SEGMENT => self.segment(node.name, level)?,
            op::FLAG => self.flag_serves(node.name, &mut operand)?,
            op::SOME => self.some(&node.name, operand, level, base)?,
            op::BUCKET => self.bucket_in_range(operand)?,
            op::NOW => self.time(operand)?,
            _ => return None,
        };
        observe!(self, Step::Ends { holds });
        Some(holds)
    }

    /// Section 5.3: excluded beats included beats the condition.
    fn segment(&mut self, key: Name<'s>, level: usize) -> Option<bool> {
        let segment = self.snapshot.segment(key)?;
        if let Some(excluded) = segment.part(SegmentChunk::EXCLUDED)
            && self.listed(key, b'-', excluded)?
        {
            observe!(self, Step::Segment { key: key.text, how: "excluded", holds: false });
            return Some(false);
        }
        if let Some(included) = segment.part(SegmentChunk::INCLUDED)
            && self.listed(key, b'+', included)?
        {
            observe!(self, Step::Segment { key: key.text, how: "included", holds: true });
            return Some(true);
        }
        let holds = match segment.part(SegmentChunk::CONDITION) {
            Some(mut inside) => self.condition(&mut inside, level + 1, 0)?,
            None => false,
        };
        observe!(self, Step::Segment { key: key.text, how: "condition", holds });
        Some(holds)
    }

    /// Whether one of the groups lists its attribute's value, here or on a page of its own.
    fn listed(&mut self, segment: Name<'s>, part: u8, mut groups: Reader<'s>) -> Option<bool> {
        for group in 0..groups.u8()? {
            let unit = Name::read(&mut groups)?;
            let unit = self.attribute(&unit);
            let page_bits = u32::from(groups.u8()?);
            let inline = if page_bits == 0 { Some(KeyTable::read(&mut groups)?) } else { None };
            let mut digits = Digits::default();
            let Some(key) = bucket::unit(unit, &mut digits) else { continue };
            let hash = name_hash(key);
            let table = match inline {
                Some(table) => table,
                None => {
                    // The upper bits choose the page, so that one more key touches one page.
                    let number = hash.checked_shr(32u32.checked_sub(page_bits)?)?;
                    self.snapshot.page(segment, Page { part, group, number })?
                }
            };
            if table.find(hash, key).is_some() {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Section 5.4: whether an element of the list meets the condition.
    fn some(
        &mut self,
        list: &Name<'s>,
        operand: Reader<'s>,
        level: usize,
        base: u32,
    ) -> Option<bool> {
        let offset = self.offset(list, base);
        let Some((mut element, end)) = offset.and_then(|offset| self.context.elements(offset))
        else {
            return Some(false);
        };
        while element < end {
            let mut inside = operand;
            if self.condition(&mut inside, level + 1, element)? {
                return Some(true);
            }
            element = self.context.after(element)?;
        }
        Some(false)
    }

    fn bucket_in_range(&mut self, mut operand: Reader<'s>) -> Option<bool> {
        let bucket = self.bucket(&mut operand)?.ok();
        let (from, to) = (operand.u64()?, operand.u64()?);
        let holds = bucket.is_some_and(|bucket| (from..to).contains(&bucket));
        observe!(self, Step::Bucket { bucket, from, to });
        Some(holds)
    }

    /// The operators that need more than the attribute's value.
    #[cold]
    fn beyond_attribute(
        &mut self,
        node: Node<'s>,
        attribute: Option<Attribute<'c>>,
        base: u32,
    ) -> Option<bool> {
        let mut operand = node.operand;
        match node.op {
            op::DEEP_EQUALS => {
                let Some(offset) = self.offset(&node.name, base) else { return Some(false) };
                deep::equals(self.context, offset, &mut operand, 1)
            }
            op::UNIX_TIME => self.unix_time(operand, attribute),
            _ => None,
        }
    }

    /// Section 5.5: a number of seconds against the evaluation's time.
    fn unix_time(
        &mut self,
        mut operand: Reader<'s>,
        attribute: Option<Attribute<'c>>,
    ) -> Option<bool> {
        let compared = operand.u8()?;
        let parse = operand.u8()? != 0;
        let seconds = match attribute {
            Some(Attribute::Number(number)) => number,
            Some(Attribute::String(text)) if parse => match number::parse(text) {
                Some(number) => number,
                None => return Some(false),
            },
            _ => return Some(false),
        };
        // The order turns at the first second that is not below the number, and at the first above it.
        for turn in [first_second_from(seconds), first_second_above(seconds)] {
            let change = turn.saturating_mul(1_000).min(LAST_INSTANT);
            if self.now < change {
                self.sooner(change);
            }
        }
        let now = self.now.div_euclid(1_000) as f64;
        seconds.partial_cmp(&now).map_or(Some(false), |order| order_holds(compared, order))
    }

    /// Section 5.5: the evaluation's own time.
    fn time(&mut self, mut operand: Reader<'s>) -> Option<bool> {
        let compared = operand.u8()?;
        let instant = operand.i64()?;
        for change in [instant, instant.saturating_add(1)] {
            if self.now < change {
                self.sooner(change);
            }
        }
        order_holds(compared, self.now.cmp(&instant))
    }

    /// The value of an attribute; none for a missing or null one.
    #[inline]
    pub(crate) fn attribute(&self, name: &Name<'_>) -> Option<Attribute<'c>> {
        if name.names == 1 {
            return self.context.attribute(self.named(name, 0)?);
        }
        self.context.attribute(&self.distant(*name, 0)?)
    }

    /// The entry of the first name inside the object at `parent`.
    #[inline(always)]
    fn named(&self, name: &Name<'_>, parent: u32) -> Option<&'c Entry> {
        self.context.find(name.hash, parent, name.from, name.text.len())
    }

    /// The entry of an attribute that has another number of names than one.
    #[cold]
    fn distant(&self, name: Name<'_>, base: u32) -> Option<Entry> {
        self.context.unnamed(self.offset(&name, base)?)
    }

    /// Where the value of an attribute lies.
    fn offset(&self, name: &Name<'_>, base: u32) -> Option<u32> {
        if name.names == 0 {
            return (base != 0).then_some(base);
        }
        let first = self.context.member(name.hash, base, name.text)?.value();
        name.rest().try_fold(first, |parent, name| {
            Some(self.context.member(name.hash, parent, name.text)?.value())
        })
    }
}

/// An instant beyond is not a whole number in JavaScript.
const LAST_INSTANT: i64 = 1 << 53;

/// Whole seconds, those of the farthest past and future for what lies beyond.
fn first_second_from(seconds: f64) -> i64 {
    let below = seconds as i64;
    if (below as f64) < seconds { below.saturating_add(1) } else { below }
}

fn first_second_above(seconds: f64) -> i64 {
    let from = first_second_from(seconds);
    if from as f64 > seconds { from } else { from.saturating_add(1) }
}
