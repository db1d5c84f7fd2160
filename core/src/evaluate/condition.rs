//! The tree of conditions (core/spec/evaluation.md section 5).

use crate::bytes::Reader;
use crate::context::{Attribute, Context};
use crate::hash::name_hash;
use crate::limits::{MAX_DEPTH, MAX_PATH_NAMES};
use crate::snapshot::{KeyTable, SegmentChunk};

use super::{Scope, bucket, operator};

/// The nodes of the tree, as numbered in core/spec/snapshot.md section 5.
pub(crate) mod op {
    pub(crate) const ALL: u8 = 1;
    pub(crate) const ANY: u8 = 2;
    pub(crate) const NOT: u8 = 3;
    pub(crate) const SEGMENT: u8 = 4;
    pub(crate) const EXISTS: u8 = 10;
    pub(crate) const EQUALS: u8 = 11;
    pub(crate) const IN: u8 = 12;
    pub(crate) const CONTAINS: u8 = 13;
    pub(crate) const STARTS_WITH: u8 = 14;
    pub(crate) const ENDS_WITH: u8 = 15;
    pub(crate) const NUMBER: u8 = 16;
    pub(crate) const SEMVER: u8 = 17;
}

/// Section 5.1: whether the condition holds. `level` counts the nodes above, those of enclosing segments included.
pub(crate) fn condition(
    scope: Scope<'_, '_>,
    reader: &mut Reader<'_>,
    level: usize,
) -> Option<bool> {
    if level > MAX_DEPTH {
        return None;
    }
    let node = reader.u8()?;
    let mut operand = Reader::new(reader.long()?);
    match node {
        op::ALL => {
            while !operand.is_empty() {
                if !condition(scope, &mut operand, level + 1)? {
                    return Some(false);
                }
            }
            Some(true)
        }
        op::ANY => {
            while !operand.is_empty() {
                if condition(scope, &mut operand, level + 1)? {
                    return Some(true);
                }
            }
            Some(false)
        }
        op::NOT => Some(!condition(scope, &mut operand, level + 1)?),
        op::SEGMENT => segment(scope, operand.short()?, level),
        _ => {
            let attribute = read_attribute(scope.context, &mut operand)?;
            operator::holds(node, attribute, &mut operand)
        }
    }
}

/// Section 6: excluded beats included beats the condition.
fn segment(scope: Scope<'_, '_>, key: &[u8], level: usize) -> Option<bool> {
    let segment = scope.snapshot.segment(key)?;
    if let Some(excluded) = segment.part(SegmentChunk::EXCLUDED)
        && listed(scope.context, excluded)?
    {
        return Some(false);
    }
    if let Some(included) = segment.part(SegmentChunk::INCLUDED)
        && listed(scope.context, included)?
    {
        return Some(true);
    }
    match segment.part(SegmentChunk::CONDITION) {
        Some(mut inside) => condition(scope, &mut inside, level + 1),
        None => Some(false),
    }
}

/// Whether one of the groups lists its attribute's value.
fn listed(context: &Context, mut groups: Reader<'_>) -> Option<bool> {
    for _ in 0..groups.u8()? {
        let unit = read_attribute(context, &mut groups)?;
        // Pages: none in this version of the layout.
        if groups.u8()? != 0 {
            return None;
        }
        let table = KeyTable::read(&mut groups)?;
        let found = bucket::with_unit(unit, |key| table.find(name_hash(key), key).is_some());
        if found == Some(true) {
            return Some(true);
        }
    }
    Some(false)
}

/// Reads an attribute reference and looks it up; the inner `None` is a missing or null attribute.
#[inline]
pub(crate) fn read_attribute<'c>(
    context: &'c Context,
    reader: &mut Reader<'_>,
) -> Option<Option<Attribute<'c>>> {
    let names = reader.u8()?;
    let hash = reader.u32()?;
    let name = reader.short()?;
    if names == 1 {
        return Some(context.attribute(hash, name));
    }
    if names == 0 || usize::from(names) > MAX_PATH_NAMES {
        return None;
    }
    let mut found = context.find(hash, 0, name);
    for _ in 1..names {
        let hash = reader.u32()?;
        let name = reader.short()?;
        found = found.and_then(|parent| context.find(hash, parent, name));
    }
    Some(found.and_then(|offset| context.read(offset)))
}
