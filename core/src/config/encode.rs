//! Writing the parts of chunks (core/spec/snapshot.md section 5). What does not fit the format's counts has been refused by `check`.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::check::{path, salt};
use super::{Condition, Scalar, Serve, Texts, Variant};
use crate::context::tag;
use crate::evaluate::{CUT_END, ONE_HUNDRED_PERCENT, SIPHASH, op, serve};
use crate::hash::name_hash;
use crate::limits::MAX_PATH_NAMES;
use crate::outcome::FlagType;
use crate::snapshot::{KeyTable, TAG_JSON};

/// Bytes under construction.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(super) fn u16(&mut self, value: usize) {
        self.bytes.extend_from_slice(&u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: usize) {
        self.bytes.extend_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn f64(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Bytes behind a 16-bit length.
    pub(super) fn short(&mut self, bytes: &[u8]) {
        self.u16(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    fn long(&mut self, bytes: &[u8]) {
        self.u32(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// What `inside` writes, behind its 32-bit length.
    pub(super) fn sized(&mut self, inside: impl FnOnce(&mut Self)) {
        let at = self.bytes.len();
        self.u32(0);
        inside(self);
        let length = self.bytes.len() - at - 4;
        self.patch(at, length);
    }

    /// Writes a 32-bit number over an earlier one.
    pub(super) fn patch(&mut self, at: usize, value: usize) {
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
        }
    }

    pub(super) fn attribute(&mut self, reference: &str) {
        let names = path(reference).unwrap_or_default();
        self.u8(names.len().min(MAX_PATH_NAMES + 1) as u8);
        for name in names {
            self.u32(name_hash(name.as_bytes()) as usize);
            self.short(name.as_bytes());
        }
    }

    pub(super) fn variant(&mut self, flag_type: FlagType, variant: &Variant) {
        self.short(variant.key.as_bytes());
        match (flag_type, &variant.value) {
            (FlagType::Json, value) => {
                self.u8(TAG_JSON);
                self.long(canonical(value).to_string().as_bytes());
            }
            (_, Value::Bool(value)) => self.u8(if *value { tag::TRUE } else { tag::FALSE }),
            (_, Value::Number(number)) => {
                self.u8(tag::NUMBER);
                self.f64(number.as_f64().unwrap_or(f64::NAN));
            }
            (_, Value::String(text)) => {
                self.u8(tag::STRING);
                self.long(text.as_bytes());
            }
            _ => self.u8(tag::NULL),
        }
    }

    /// A table of keys, each followed by what `payload` writes.
    pub(super) fn table<P>(
        &mut self,
        entries: &BTreeMap<&str, P>,
        payload: impl Fn(&mut Self, &P),
    ) {
        let slots = (entries.len() * 2).next_power_of_two();
        let mut table = alloc::vec![0u32; slots];
        let mut content = Self::default();
        for (key, value) in entries {
            let hash = name_hash(key.as_bytes());
            let mut slot = hash as usize & (slots - 1);
            while table.get(slot).is_some_and(|entry| *entry != 0) {
                slot = (slot + 1) & (slots - 1);
            }
            if let Some(entry) = table.get_mut(slot) {
                let offset = content.bytes.len() as u32 + 1;
                *entry = (hash & !KeyTable::OFFSET_MASK) | (offset & KeyTable::OFFSET_MASK);
            }
            content.short(key.as_bytes());
            payload(&mut content, value);
        }
        self.u32(slots);
        for entry in table {
            self.u32(entry as usize);
        }
        self.long(&content.bytes);
    }

    /// The values of one attribute that a segment includes or excludes: one group, without pages.
    pub(super) fn keys(&mut self, unit: &str, keys: &[String]) {
        self.u8(1);
        self.attribute(unit);
        self.u8(0);
        self.table(&keys.iter().map(|key| (key.as_str(), ())).collect(), |_, ()| {});
    }

    pub(super) fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::All(list) => self.node(op::ALL, |writer| writer.conditions(list)),
            Condition::Any(list) => self.node(op::ANY, |writer| writer.conditions(list)),
            Condition::Not(inner) => self.node(op::NOT, |writer| writer.condition(inner)),
            Condition::Segment(key) => {
                self.node(op::SEGMENT, |writer| writer.short(key.as_bytes()));
            }
            Condition::Exists(exists) => {
                self.node(op::EXISTS, |writer| writer.attribute(&exists.attribute));
            }
            Condition::Equals(equals) => self.node(op::EQUALS, |writer| {
                writer.attribute(&equals.attribute);
                match &equals.value {
                    Scalar::Boolean(value) => {
                        writer.u8(if *value { tag::TRUE } else { tag::FALSE })
                    }
                    Scalar::Number(number) => {
                        writer.u8(tag::NUMBER);
                        writer.f64(*number);
                    }
                    Scalar::String(text) => {
                        writer.u8(tag::STRING);
                        writer.long(text.as_bytes());
                    }
                }
            }),
            Condition::In(list) => self.node(op::IN, |writer| {
                writer.attribute(&list.attribute);
                writer.scalars(&list.values);
            }),
            Condition::Contains(texts) => self.texts(op::CONTAINS, texts),
            Condition::StartsWith(texts) => self.texts(op::STARTS_WITH, texts),
            Condition::EndsWith(texts) => self.texts(op::ENDS_WITH, texts),
            Condition::Number(number) => self.node(op::NUMBER, |writer| {
                writer.attribute(&number.attribute);
                writer.u8(number.is.bits());
                writer.f64(number.value);
            }),
            Condition::Semver(semver) => self.node(op::SEMVER, |writer| {
                writer.attribute(&semver.attribute);
                writer.u8(semver.is.bits());
                writer.short(semver.value.as_bytes());
            }),
        }
    }

    fn node(&mut self, node: u8, operand: impl FnOnce(&mut Self)) {
        self.u8(node);
        self.sized(operand);
    }

    fn conditions(&mut self, list: &[Condition]) {
        list.iter().for_each(|condition| self.condition(condition));
    }

    fn texts(&mut self, node: u8, texts: &Texts) {
        self.node(node, |writer| {
            writer.attribute(&texts.attribute);
            writer.u16(texts.values.len());
            texts.values.iter().for_each(|value| writer.short(value.as_bytes()));
        });
    }

    /// Booleans as two bits, numbers as a list, strings as a table.
    fn scalars(&mut self, values: &[Scalar]) {
        let mut booleans = 0;
        let mut numbers = Vec::new();
        let mut strings = BTreeMap::new();
        for value in values {
            match value {
                Scalar::Boolean(value) => booleans |= 1 << u8::from(*value),
                Scalar::Number(number) => numbers.push(*number),
                Scalar::String(text) => {
                    strings.insert(text.as_str(), ());
                }
            }
        }
        self.u8(booleans);
        self.u16(numbers.len());
        numbers.into_iter().for_each(|number| self.f64(number));
        self.table(&strings, |_, ()| {});
    }

    /// `position` finds a variant's number by its key.
    pub(super) fn serve(&mut self, what: &Serve, position: impl Fn(&str) -> u8) {
        match what {
            Serve::Variant(variant) => {
                self.u8(serve::VARIANT);
                self.u8(position(variant));
            }
            Serve::Split(split) => {
                self.u8(serve::SPLIT);
                self.attribute(&split.unit);
                self.u8(SIPHASH);
                self.bytes.extend_from_slice(&salt(&split.salt).unwrap_or_default());
                // A part without weight holds no bucket.
                let parts: Vec<_> = split.weights.iter().filter(|part| part.weight > 0).collect();
                self.u16(parts.len());
                let mut cumulative = 0;
                for part in parts {
                    cumulative += u64::from(part.weight);
                    let cut = cumulative * CUT_END / u64::from(ONE_HUNDRED_PERCENT);
                    self.bytes.extend_from_slice(&cut.to_le_bytes());
                    self.u8(position(&part.variant));
                }
            }
        }
    }
}

/// The value with the keys of its objects in the order of their bytes, whatever map `serde_json` was built with.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(canonical).collect(),
        Value::Object(object) => {
            let sorted: BTreeMap<&String, &Value> = object.iter().collect();
            sorted.into_iter().map(|(key, value)| (key.clone(), canonical(value))).collect()
        }
        other => other.clone(),
    }
}
