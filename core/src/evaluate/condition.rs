//! The tree of conditions (core/spec/evaluation.md section 5).

use crate::bytes::Reader;
use crate::context::Attribute;
use crate::hash::name_hash;
use crate::limits::{MAX_DEPTH, MAX_PATH_NAMES};
use crate::snapshot::{KeyTable, SegmentChunk};

use super::operator::{self, order_holds};
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
}

impl<'s, 'c, O: Observer> Evaluation<'s, 'c, '_, O> {
    /// Section 5.1: whether the condition holds. `level` counts the nodes above, those of enclosing segments included; `base` is where
    /// the list's element lies that the condition is about, 0 for the context itself.
    pub(crate) fn condition(
        &mut self,
        reader: &mut Reader<'s>,
        level: usize,
        base: u32,
    ) -> Option<bool> {
        if level > MAX_DEPTH {
            return None;
        }
        self.spend()?;
        let node = reader.u8()?;
        let mut operand = Reader::new(reader.long()?);
        if node >= op::EXISTS {
            let reference = operand;
            let attribute = self.read_attribute(&mut operand, base)?;
            let holds = match operator::holds(node, attribute, &mut operand) {
                Some(holds) => holds,
                None => self.beyond_attribute(node, reference, attribute, base)?,
            };
            if O::ACTIVE {
                let reference = Reference(reference);
                self.observer.step(Step::Operator { node, reference, actual: attribute, holds });
            }
            return Some(holds);
        }
        self.observer.step(Step::Begins { node });
        let holds = match node {
            op::ALL => self.all(operand, level, base)?,
            op::ANY => self.any(operand, level, base)?,
            op::NOT => !self.condition(&mut operand, level + 1, base)?,
            op::SEGMENT => self.segment(operand.short()?, level)?,
            op::FLAG => self.flag_serves(&mut operand)?,
            op::SOME => self.some(operand, level, base)?,
            op::BUCKET => self.bucket_in_range(operand)?,
            op::NOW => self.time(operand)?,
            _ => return None,
        };
        self.observer.step(Step::Ends { holds });
        Some(holds)
    }

    fn all(&mut self, mut list: Reader<'s>, level: usize, base: u32) -> Option<bool> {
        while !list.is_empty() {
            if !self.condition(&mut list, level + 1, base)? {
                return Some(false);
            }
        }
        Some(true)
    }

    fn any(&mut self, mut list: Reader<'s>, level: usize, base: u32) -> Option<bool> {
        while !list.is_empty() {
            if self.condition(&mut list, level + 1, base)? {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Section 6: excluded beats included beats the condition.
    fn segment(&mut self, key: &'s [u8], level: usize) -> Option<bool> {
        let segment = self.snapshot.segment(key)?;
        if let Some(excluded) = segment.part(SegmentChunk::EXCLUDED)
            && self.listed(key, b'-', excluded)?
        {
            self.observer.step(Step::Segment { key, how: "excluded", holds: false });
            return Some(false);
        }
        if let Some(included) = segment.part(SegmentChunk::INCLUDED)
            && self.listed(key, b'+', included)?
        {
            self.observer.step(Step::Segment { key, how: "included", holds: true });
            return Some(true);
        }
        let holds = match segment.part(SegmentChunk::CONDITION) {
            Some(mut inside) => self.condition(&mut inside, level + 1, 0)?,
            None => false,
        };
        self.observer.step(Step::Segment { key, how: "condition", holds });
        Some(holds)
    }

    /// Whether one of the groups lists its attribute's value, here or on a page of its own.
    fn listed(&mut self, segment: &[u8], part: u8, mut groups: Reader<'s>) -> Option<bool> {
        for group in 0..groups.u8()? {
            let unit = self.read_attribute(&mut groups, 0)?;
            let page_bits = u32::from(groups.u8()?);
            let inline = if page_bits == 0 { Some(KeyTable::read(&mut groups)?) } else { None };
            let snapshot = self.snapshot;
            let found = bucket::with_unit(unit, |key| {
                let hash = name_hash(key);
                let table = match inline {
                    Some(table) => table,
                    None => {
                        // The upper bits choose the page, so that one more key touches one page.
                        let page = hash.checked_shr(32u32.checked_sub(page_bits)?)?;
                        snapshot.page(segment, part, group, page)?
                    }
                };
                Some(table.find(hash, key).is_some())
            });
            match found {
                Some(Some(true)) => return Some(true),
                Some(None) => return None,
                Some(Some(false)) | None => {}
            }
        }
        Some(false)
    }

    /// Section 5.4: whether an element of the list meets the condition.
    fn some(&mut self, mut operand: Reader<'s>, level: usize, base: u32) -> Option<bool> {
        let offset = self.attribute_offset(&mut operand, base)?;
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
        self.observer.step(Step::Bucket { bucket, from, to });
        Some(holds)
    }

    /// The operators that need more than the attribute's value.
    #[cold]
    fn beyond_attribute(
        &mut self,
        node: u8,
        mut operand: Reader<'s>,
        attribute: Option<Attribute<'c>>,
        base: u32,
    ) -> Option<bool> {
        let offset = self.attribute_offset(&mut operand, base)?;
        match node {
            op::DEEP_EQUALS => {
                let Some(offset) = offset else { return Some(false) };
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

    /// Reads an attribute reference and looks it up; the inner `None` is a missing or null attribute.
    #[inline]
    pub(crate) fn read_attribute(
        &self,
        reader: &mut Reader<'_>,
        base: u32,
    ) -> Option<Option<Attribute<'c>>> {
        let offset = self.attribute_offset(reader, base)?;
        Some(offset.and_then(|offset| self.context.read(offset)))
    }

    /// Where the referenced attribute's value lies.
    #[inline]
    fn attribute_offset(&self, reader: &mut Reader<'_>, base: u32) -> Option<Option<u32>> {
        let names = reader.u8()?;
        if names == 0 {
            return Some((base != 0).then_some(base));
        }
        let hash = reader.u32()?;
        let name = reader.short()?;
        let mut found = self.context.find(hash, base, name);
        if names > 1 {
            if usize::from(names) > MAX_PATH_NAMES {
                return None;
            }
            for _ in 1..names {
                let hash = reader.u32()?;
                let name = reader.short()?;
                found = found.and_then(|parent| self.context.find(hash, parent, name));
            }
        }
        Some(found)
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

/// An attribute reference as the chunk carries it; read again only for a trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference<'s>(pub(crate) Reader<'s>);
