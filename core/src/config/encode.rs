//! Writing the parts of chunks (core/spec/snapshot.md section 5). What does not fit the format's counts has been refused by `check`.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::literal::{network, path, salt};
use super::{
    Bucketing, Comparison, Condition, ContextType, In, Scalar, Serve, Texts, Variant, VendorHash,
    pattern,
};
use crate::context::tag;
use crate::evaluate::{
    Moment, UNSERVED, Version, algorithm, context_type, fold, op, serving, text_mode,
};
use crate::hash::name_hash;
use crate::limits::MAX_PATH_NAMES;
use crate::outcome::FlagType;
use crate::snapshot::{KeyTable, TAG_JSON};

/// The cut point of all SipHash buckets.
const SIPHASH_BUCKETS: u64 = 1 << 32;
/// The largest bucket of SHA-1, which stands for the fraction 1.
const SHA1_LAST: u128 = 0x0FFF_FFFF_FFFF_FFFF;

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

    fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn f64(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Room for a 32-bit length that is not known yet; answers where it is.
    pub(super) fn length(&mut self) -> usize {
        self.u32(0);
        self.bytes.len() - 4
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
        let at = self.length();
        inside(self);
        self.patch(at, self.bytes.len() - at - 4);
    }

    /// Writes a 32-bit number over an earlier one.
    pub(super) fn patch(&mut self, at: usize, value: usize) {
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
        }
    }

    /// An attribute reference; no names stand for the element of a list.
    pub(super) fn attribute(&mut self, reference: &str) {
        let names = names(reference);
        self.header(0, &names);
        self.names(&names);
    }

    /// The key of a segment or a flag.
    pub(super) fn key(&mut self, key: &str) {
        self.header(0, &[key.to_string()]);
        self.names(&[key.to_string()]);
    }

    /// In front of the first of some names: the byte of a node, their number, the length and the hash of the first.
    fn header(&mut self, node: u8, names: &[String]) {
        let first = names.first().map_or("", String::as_str);
        self.u8(node);
        self.u8(names.len().min(MAX_PATH_NAMES + 1) as u8);
        self.u16(first.len());
        self.u32(if names.is_empty() { 0 } else { name_hash(first.as_bytes()) as usize });
    }

    /// Behind its header the first name, and behind it the others, each behind a header of its own.
    fn names(&mut self, names: &[String]) {
        let mut names = names.iter();
        if let Some(first) = names.next() {
            self.bytes.extend_from_slice(first.as_bytes());
        }
        for name in names {
            self.header(0, core::slice::from_ref(name));
            self.bytes.extend_from_slice(name.as_bytes());
        }
    }

    /// Units, algorithm and its parameters.
    pub(super) fn bucketing(&mut self, by: &Bucketing) {
        self.u8(by.fallback_units.len() as u8 + 1);
        self.u8(match &by.hash {
            None => algorithm::SIPHASH,
            Some(VendorHash::Murmur3Modulo(_)) => algorithm::MURMUR3_MODULO,
            Some(VendorHash::Murmur3Scaled(_)) => algorithm::MURMUR3_SCALED,
            Some(VendorHash::Fnv1a(_)) => algorithm::FNV1A,
            Some(VendorHash::Fnv1aTwice(_)) => algorithm::FNV1A_TWICE,
            Some(VendorHash::Sha1(_)) => algorithm::SHA1,
        });
        self.attribute(&by.unit);
        by.fallback_units.iter().for_each(|unit| self.attribute(unit));
        match &by.hash {
            None => {
                let salt = by.salt.as_deref().and_then(salt).unwrap_or_default();
                self.bytes.extend_from_slice(&salt);
            }
            Some(VendorHash::Murmur3Modulo(murmur) | VendorHash::Murmur3Scaled(murmur)) => {
                self.u32(murmur.seed as usize);
                self.u32(murmur.size as usize);
                self.short(murmur.prefix.as_bytes());
            }
            Some(VendorHash::Fnv1a(fnv)) => self.short(fnv.suffix.as_bytes()),
            Some(VendorHash::Fnv1aTwice(fnv)) => self.short(fnv.prefix.as_bytes()),
            Some(VendorHash::Sha1(sha1)) => self.short(sha1.prefix.as_bytes()),
        }
    }

    /// The first bucket that is not below `weight` parts of `by.size()`.
    pub(super) fn cut(&mut self, by: &Bucketing, weight: u32) {
        let (weight, size) = (u64::from(weight), u64::from(by.size()));
        let cut = match &by.hash {
            None => weight * SIPHASH_BUCKETS / size,
            // A bucket is inside if bucket / last < weight / size; the last one stands for 1, which is inside of the whole.
            Some(VendorHash::Sha1(_)) if weight == size => SHA1_LAST as u64 + 1,
            Some(VendorHash::Sha1(_)) => {
                (u128::from(weight) * SHA1_LAST).div_ceil(u128::from(size)) as u64
            }
            Some(_) => weight,
        };
        self.bytes.extend_from_slice(&cut.to_le_bytes());
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

    /// A variant's name without a value.
    pub(super) fn hidden_variant(&mut self, key: &str) {
        self.short(key.as_bytes());
        self.u8(tag::NULL);
    }

    /// *long* of attributes, as in a context.
    pub(super) fn metadata(&mut self, metadata: &BTreeMap<String, Scalar>) {
        self.sized(|writer| {
            for (name, value) in metadata {
                writer.short(name.as_bytes());
                writer.scalar(value);
            }
        });
    }

    /// A table of keys, each followed by what `payload` writes.
    pub(super) fn table<P>(
        &mut self,
        entries: &BTreeMap<&str, P>,
        payload: impl Fn(&mut Self, &P),
    ) {
        let mut content = Self::default();
        let mut offsets = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            offsets.push((name_hash(key.as_bytes()), content.bytes.len()));
            content.short(key.as_bytes());
            payload(&mut content, value);
        }
        let small = entries.len() <= KeyTable::SMALL as usize
            && content.bytes.len() <= usize::from(u16::MAX);
        if small {
            self.u32(offsets.len());
            offsets.iter().for_each(|(hash, _)| self.u8(KeyTable::tag(*hash)));
            (offsets.len()..offsets.len().next_multiple_of(8)).for_each(|_| self.u8(0));
            offsets.iter().for_each(|(_, offset)| self.u16(*offset));
        } else {
            let slots = (entries.len() * 2).next_power_of_two().max(2 * KeyTable::SMALL as usize);
            let mut table = alloc::vec![0u32; slots];
            for (hash, offset) in offsets {
                let mut slot = hash as usize & (slots - 1);
                while table.get(slot).is_some_and(|entry| *entry != 0) {
                    slot = (slot + 1) & (slots - 1);
                }
                if let Some(entry) = table.get_mut(slot) {
                    let offset = offset as u32 + 1;
                    *entry = (hash & !KeyTable::OFFSET_MASK) | (offset & KeyTable::OFFSET_MASK);
                }
            }
            self.u32(slots);
            for entry in table {
                self.u32(entry as usize);
            }
        }
        self.long(&content.bytes);
    }

    pub(super) fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::All(list) => self.node(op::ALL, |writer| writer.conditions(list)),
            Condition::Any(list) => self.node(op::ANY, |writer| writer.conditions(list)),
            Condition::Not(inner) => self.node(op::NOT, |writer| writer.condition(inner)),
            Condition::Segment(key) => self.named(op::SEGMENT, core::slice::from_ref(key), |_| ()),
            Condition::Flag(flag) => {
                self.named(op::FLAG, core::slice::from_ref(&flag.flag), |writer| {
                    writer.served(&flag.variants)
                });
            }
            Condition::Some(some) => {
                self.leaf(op::SOME, &some.attribute, |writer| writer.condition(&some.when));
            }
            Condition::Bucket(range) => self.node(op::BUCKET, |writer| {
                writer.bucketing(&range.by);
                writer.cut(&range.by, range.from);
                writer.cut(&range.by, range.below);
            }),
            Condition::Now(instant) => self.node(op::NOW, |writer| {
                writer.u8(instant.is.bits());
                writer.i64(instant.value);
            }),
            Condition::Error(_) => self.node(op::ERROR, |_| ()),
            Condition::Exists(exists) => self.leaf(op::EXISTS, &exists.attribute, |_| ()),
            Condition::IsType(is) => self.leaf(op::IS_TYPE, &is.attribute, |writer| {
                writer.u8(match is.value_type {
                    ContextType::Boolean => context_type::BOOLEAN,
                    ContextType::String => context_type::STRING,
                    ContextType::Number => context_type::NUMBER,
                    ContextType::List => context_type::LIST,
                    ContextType::Object => context_type::OBJECT,
                });
            }),
            Condition::Equals(equals) => match &equals.value {
                Scalar::String(text) if equals.ignore_case => {
                    self.folded(text_mode::EQUALS, &equals.attribute, core::iter::once(text));
                }
                value => self.leaf(op::EQUALS, &equals.attribute, |writer| writer.scalar(value)),
            },
            Condition::In(list) => self.list(list),
            Condition::Contains(texts) => self.texts(op::CONTAINS, text_mode::CONTAINS, texts),
            Condition::StartsWith(texts) => {
                self.texts(op::STARTS_WITH, text_mode::STARTS_WITH, texts);
            }
            Condition::EndsWith(texts) => self.texts(op::ENDS_WITH, text_mode::ENDS_WITH, texts),
            Condition::Matches(matches) => self.leaf(op::MATCHES, &matches.attribute, |writer| {
                // `check` has compiled it once: here it cannot fail.
                let automaton = pattern::compile(&matches.pattern).unwrap_or_default();
                writer.bytes.extend_from_slice(&automaton);
            }),
            Condition::Text(text) => {
                self.compared(op::TEXT, &text.attribute, text.is, |writer| {
                    writer.short(text.value.as_bytes());
                });
            }
            Condition::PaddedVersion(text) => {
                self.compared(op::PADDED_VERSION, &text.attribute, text.is, |writer| {
                    writer.short(text.value.as_bytes());
                });
            }
            Condition::Number(number) => {
                let node = if number.parse { op::PARSED_NUMBER } else { op::NUMBER };
                self.compared(node, &number.attribute, number.is, |writer| {
                    writer.f64(number.value);
                });
            }
            Condition::Size(number) => {
                self.compared(op::SIZE, &number.attribute, number.is, |writer| {
                    writer.f64(number.value);
                });
            }
            Condition::DeepEquals(equals) => {
                self.leaf(op::DEEP_EQUALS, &equals.attribute, |writer| writer.tree(&equals.value));
            }
            Condition::UnixTime(time) => {
                self.compared(op::UNIX_TIME, &time.attribute, time.is, |writer| {
                    writer.u8(u8::from(time.parse));
                });
            }
            Condition::Datetime(date) => {
                self.compared(op::DATETIME, &date.attribute, date.is, |writer| {
                    let moment = Moment::parse(date.value.as_bytes());
                    let moment = moment.unwrap_or(Moment { seconds: 0, nanoseconds: 0 });
                    writer.i64(moment.seconds);
                    writer.u32(moment.nanoseconds as usize);
                });
            }
            Condition::Semver(semver) => {
                let node = if semver.partial { op::PARTIAL_SEMVER } else { op::SEMVER };
                self.compared(node, &semver.attribute, semver.is, |writer| {
                    // `check` has parsed it once: here it cannot fail.
                    if let Some(version) = Version::parse(semver.value.as_bytes(), semver.partial) {
                        version.numbers.iter().for_each(|number| writer.u64(*number));
                        writer.short(version.prerelease);
                    }
                });
            }
            Condition::IpInCidr(texts) => self.leaf(op::IP_IN_CIDR, &texts.attribute, |writer| {
                writer.u16(texts.values.len());
                for (address, prefix) in texts.values.iter().filter_map(|value| network(value)) {
                    writer.u8(prefix);
                    writer.short(&address);
                }
            }),
            Condition::AnyOf(list) => self.leaf(op::SOME, &list.attribute, |writer| {
                writer.list(&In { attribute: String::new(), ..list.clone() });
            }),
            Condition::AllOf(list) => self.condition(&all_of(list)),
            Condition::NoneOf(list) => self.condition(&none_of(list)),
        }
    }

    fn leaf(&mut self, node: u8, attribute: &str, operand: impl FnOnce(&mut Self)) {
        self.named(node, &names(attribute), operand);
    }

    /// A node about an attribute, a segment or a flag.
    fn named(&mut self, node: u8, names: &[String], operand: impl FnOnce(&mut Self)) {
        self.header(node, names);
        self.sized(|writer| {
            writer.names(names);
            operand(writer);
        });
    }

    fn compared(
        &mut self,
        node: u8,
        attribute: &str,
        is: Comparison,
        operand: impl FnOnce(&mut Self),
    ) {
        self.leaf(node, attribute, |writer| {
            writer.u8(is.bits());
            operand(writer);
        });
    }

    pub(super) fn prerequisite(&mut self, flag: &str, variants: &[String]) {
        self.key(flag);
        self.served(variants);
    }

    /// The variants that another flag may serve.
    fn served(&mut self, variants: &[String]) {
        self.u8(variants.len() as u8);
        variants.iter().for_each(|variant| self.short(variant.as_bytes()));
    }

    fn node(&mut self, node: u8, operand: impl FnOnce(&mut Self)) {
        self.named(node, &[], operand);
    }

    fn conditions(&mut self, list: &[Condition]) {
        list.iter().for_each(|condition| self.condition(condition));
    }

    fn texts(&mut self, node: u8, mode: u8, texts: &Texts) {
        if texts.ignore_case {
            return self.folded(mode, &texts.attribute, texts.values.iter());
        }
        self.leaf(node, &texts.attribute, |writer| {
            writer.u16(texts.values.len());
            texts.values.iter().for_each(|value| writer.short(value.as_bytes()));
        });
    }

    fn folded<'a>(
        &mut self,
        mode: u8,
        attribute: &str,
        values: impl ExactSizeIterator<Item = &'a String>,
    ) {
        self.leaf(op::FOLDED, attribute, |writer| {
            writer.u8(mode);
            writer.u16(values.len());
            values.for_each(|value| writer.short(fold(value).collect::<String>().as_bytes()));
        });
    }

    pub(super) fn scalar(&mut self, value: &Scalar) {
        match value {
            Scalar::Boolean(value) => self.u8(if *value { tag::TRUE } else { tag::FALSE }),
            Scalar::Number(number) => {
                self.u8(tag::NUMBER);
                self.f64(*number);
            }
            Scalar::String(text) => {
                self.u8(tag::STRING);
                self.long(text.as_bytes());
            }
        }
    }

    /// A value with all that is in it, laid out to be compared with a context's.
    fn tree(&mut self, value: &Value) {
        match value {
            Value::Null => self.u8(tag::NULL),
            Value::Bool(value) => self.u8(if *value { tag::TRUE } else { tag::FALSE }),
            Value::Number(number) => {
                self.u8(tag::NUMBER);
                self.f64(number.as_f64().unwrap_or(f64::NAN));
            }
            Value::String(text) => {
                self.u8(tag::STRING);
                self.long(text.as_bytes());
            }
            Value::Array(list) => {
                self.u8(tag::LIST);
                self.u32(list.len());
                list.iter().for_each(|element| self.tree(element));
            }
            Value::Object(object) => {
                self.u8(tag::OBJECT);
                self.u32(object.len());
                let sorted: BTreeMap<&String, &Value> = object.iter().collect();
                for (name, member) in sorted {
                    self.u32(name_hash(name.as_bytes()) as usize);
                    self.short(name.as_bytes());
                    self.tree(member);
                }
            }
        }
    }

    /// Whether the value is one of these. Without regard to case, texts are compared one by one, the rest as usual.
    fn list(&mut self, list: &In) {
        if list.ignore_case {
            let texts: Vec<&String> = list.values.iter().filter_map(text).collect();
            let others = list.values.iter().filter(|value| text(value).is_none()).cloned();
            let others = In { values: others.collect(), ignore_case: false, ..list.clone() };
            return self.node(op::ANY, |writer| {
                writer.folded(text_mode::EQUALS, &list.attribute, texts.into_iter());
                writer.list(&others);
            });
        }
        self.leaf(op::IN, &list.attribute, |writer| writer.scalars(&list.values));
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
        self.u8(0);
        self.u16(numbers.len());
        numbers.into_iter().for_each(|number| self.f64(number));
        self.table(&strings, |_, ()| {});
    }

    /// `position` finds a variant's number by its key.
    pub(super) fn serve(&mut self, what: &Serve, position: impl Fn(&str) -> u8) {
        match what {
            Serve::Variant(variant) => {
                self.u8(serving::VARIANT);
                self.u8(position(variant));
            }
            Serve::Split(split) => {
                self.u8(serving::SPLIT);
                self.u8(UNSERVED);
                self.bucketing(&split.by);
                // A part without weight holds no bucket.
                let parts: Vec<_> = split.weights.iter().filter(|part| part.weight > 0).collect();
                self.u16(parts.len());
                let mut cumulative = 0_u32;
                for part in parts {
                    // Whatever does not sum to the whole is refused; its bytes are counted all the same.
                    cumulative = cumulative.saturating_add(part.weight);
                    self.cut(&split.by, cumulative);
                    self.u8(part.variant.as_deref().map_or(UNSERVED, &position));
                }
            }
            Serve::Ramp(ramp) => {
                self.u8(serving::RAMP);
                self.u8(UNSERVED);
                self.bucketing(&ramp.by);
                self.u16(ramp.variants.len());
                for variant in &ramp.variants {
                    self.u8(variant.as_deref().map_or(UNSERVED, &position));
                }
                self.u16(ramp.steps.len());
                for step in &ramp.steps {
                    self.i64(step.at);
                    let mut cumulative = 0_u32;
                    for weight in &step.weights {
                        cumulative = cumulative.saturating_add(*weight);
                        self.cut(&ramp.by, cumulative);
                    }
                }
            }
        }
    }
}

/// The names of an attribute reference.
fn names(reference: &str) -> Vec<String> {
    if reference.is_empty() { Vec::new() } else { path(reference).unwrap_or_default() }
}

fn text(value: &Scalar) -> Option<&String> {
    match value {
        Scalar::String(text) => Some(text),
        _ => None,
    }
}

/// It is a list, and each value is held by an element.
pub(super) fn all_of(list: &In) -> Condition {
    if list.values.is_empty() {
        return is_list(list);
    }
    Condition::All(
        list.values
            .iter()
            .map(|value| {
                Condition::AnyOf(In { values: alloc::vec![value.clone()], ..list.clone() })
            })
            .collect(),
    )
}

/// It is a list, and no element holds one of the values.
pub(super) fn none_of(list: &In) -> Condition {
    Condition::All(alloc::vec![
        is_list(list),
        Condition::Not(alloc::boxed::Box::new(Condition::AnyOf(list.clone()))),
    ])
}

fn is_list(list: &In) -> Condition {
    let attribute = list.attribute.clone();
    Condition::IsType(super::IsType { attribute, value_type: ContextType::List })
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
