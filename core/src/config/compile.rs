//! The compiler: a configuration becomes the body of one kind (core/spec/snapshot.md section 5, core/spec/config.md section 5).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::check::Problem;
use super::encode::Writer;
use super::{Condition, Configuration, Flag, Segment, Serve};
use crate::evaluate::{NEVER, window};
use crate::limits::{MAX_CLIENT_SEGMENT_KEYS, MAX_SDK_KEYS};
use crate::snapshot::{
    BIT_CLIENT_VISIBLE, BIT_ENABLED, ChunkType, FLAG_HEADER_BYTES, Kind, NO_VARIANT, Refusal,
    Section, SegmentChunk, assemble,
};

/// An SDK key that an edge admits; only its hash travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    pub sha256: [u8; 32],
    /// The kind of snapshot that the key is for.
    pub kind: Kind,
}

/// Why nothing was compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompileError {
    /// Each to be mended by the author.
    Problems(Vec<Problem>),
    /// The body, or a chunk of it, is over a limit.
    OverLimits(String),
}

impl fmt::Display for CompileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problems(problems) => {
                problems.iter().enumerate().try_for_each(|(at, problem)| {
                    let separator = if at == 0 { "" } else { "; " };
                    write!(formatter, "{separator}{problem}")
                })
            }
            Self::OverLimits(message) => formatter.write_str(message),
        }
    }
}

impl core::error::Error for CompileError {}

/// Compiles a configuration into the body of `kind`. The same configuration gives the same bytes. `access` counts for the edge kind
/// alone.
///
/// # Errors
/// Every problem at once, or the limit that is exceeded.
pub fn compile(
    configuration: &Configuration,
    kind: Kind,
    access: &[Access],
) -> Result<Vec<u8>, CompileError> {
    let mut problems = configuration.problems();
    if kind == Kind::Client {
        problems.extend(client_problems(configuration));
    }
    if !problems.is_empty() {
        return Err(CompileError::Problems(problems));
    }
    let for_client = kind == Kind::Client;
    let flags =
        || configuration.flags.iter().filter(|(_, flag)| !for_client || flag.client_visible);

    let mut chunks: Vec<(ChunkType, &str, Vec<u8>)> = Vec::new();
    for (key, flag) in flags() {
        chunks.push((ChunkType::Flag, key, flag_payload(flag, for_client)));
    }
    let needed = for_client.then(|| segments_used(configuration, flags().map(|(_, flag)| flag)));
    for (key, segment) in &configuration.segments {
        if needed.as_ref().is_none_or(|needed| needed.contains(key.as_str())) {
            chunks.push((ChunkType::Segment, key, segment_payload(segment)));
        }
    }
    if kind == Kind::Edge {
        if access.len() > MAX_SDK_KEYS {
            let message = format!("an environment admits at most {MAX_SDK_KEYS} SDK keys");
            return Err(CompileError::OverLimits(message));
        }
        chunks.push((ChunkType::Access, "", access_payload(access)));
    }
    assemble(kind, chunks).map_err(|refusal| match refusal {
        Refusal::OverLimits => CompileError::OverLimits(format!(
            "the {} snapshot, or one flag or segment in it, is over its limit in bytes",
            kind.as_str()
        )),
        other => CompileError::OverLimits(format!("{other}")),
    })
}

fn flag_payload(flag: &Flag, for_client: bool) -> Vec<u8> {
    // A disabled flag serves its off variant alone: a client needs, and gets, no more.
    let off_only = for_client && !flag.enabled;
    let variants: Vec<_> = flag
        .variants
        .iter()
        .filter(|variant| !off_only || flag.off_variant.as_ref() == Some(&variant.key))
        .collect();
    let position = |key: &str| {
        variants
            .iter()
            .position(|variant| variant.key == key)
            .and_then(|position| u8::try_from(position).ok())
            .unwrap_or(NO_VARIANT)
    };

    let mut writer = Writer::default();
    writer.u8(crate::outcome::FlagType::from(flag.flag_type) as u8);
    let visible = if flag.client_visible { BIT_CLIENT_VISIBLE } else { 0 };
    writer.u8(if flag.enabled { BIT_ENABLED } else { 0 } | visible);
    writer.u8(flag.off_variant.as_deref().map_or(NO_VARIANT, position));
    writer.u8(variants.len() as u8);
    writer.bytes.resize(FLAG_HEADER_BYTES + 4 * variants.len(), 0);
    for (at, variant) in variants.iter().enumerate() {
        let offset = writer.bytes.len();
        writer.patch(FLAG_HEADER_BYTES + 4 * at, offset);
        writer.variant(flag.flag_type.into(), variant);
    }
    if off_only {
        return writer.bytes;
    }

    let mut section = |section: Section, write: &dyn Fn(&mut Writer)| {
        let offset = writer.bytes.len();
        writer.patch(4 + 4 * section as usize, offset);
        write(&mut writer);
    };
    if flag.targets.iter().any(|target| !target.keys.is_empty()) {
        section(Section::Targets, &|writer| targets(writer, flag, position));
    }
    if !flag.rules.is_empty() {
        section(Section::Rules, &|writer| rules(writer, flag, position));
    }
    section(Section::Fallthrough, &|writer| writer.serve(&flag.fallthrough, position));
    writer.bytes
}

/// One table for each unit, in the order of the units' first targets.
fn targets(writer: &mut Writer, flag: &Flag, position: impl Fn(&str) -> u8) {
    let mut units: Vec<&str> = Vec::new();
    for target in &flag.targets {
        if !units.contains(&target.unit.as_str()) {
            units.push(&target.unit);
        }
    }
    writer.u8(units.len() as u8);
    for unit in units {
        let mut table: BTreeMap<&str, (u8, i64)> = BTreeMap::new();
        for target in flag.targets.iter().filter(|target| target.unit == unit) {
            let served = (position(&target.variant), target.expires.unwrap_or(NEVER));
            table.extend(target.keys.iter().map(|key| (key.as_str(), served)));
        }
        writer.attribute(unit);
        writer.table(&table, |writer, (variant, expires)| {
            writer.u8(*variant);
            writer.i64(*expires);
        });
    }
}

fn rules(writer: &mut Writer, flag: &Flag, position: impl Fn(&str) -> u8) {
    writer.u16(flag.rules.len());
    for rule in &flag.rules {
        writer.sized(|writer| {
            writer.short(rule.id.as_bytes());
            let bit = |time: Option<i64>, bit| if time.is_some() { bit } else { 0 };
            writer.u8(bit(rule.from, window::FROM) | bit(rule.to, window::TO));
            rule.from.iter().chain(&rule.to).for_each(|time| writer.i64(*time));
            writer.condition(&rule.when);
            writer.serve(&rule.serve, &position);
        });
    }
}

fn segment_payload(segment: &Segment) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes.resize(4 * SegmentChunk::PARTS, 0);
    for (part, keys) in
        [(SegmentChunk::EXCLUDED, &segment.excluded), (SegmentChunk::INCLUDED, &segment.included)]
    {
        if !keys.is_empty() {
            let offset = writer.bytes.len();
            writer.patch(4 * part, offset);
            writer.keys(&segment.unit, keys);
        }
    }
    if let Some(condition) = &segment.when {
        let offset = writer.bytes.len();
        writer.patch(4 * SegmentChunk::CONDITION, offset);
        writer.condition(condition);
    }
    writer.bytes
}

/// Sorted by hash, for a binary search.
fn access_payload(access: &[Access]) -> Vec<u8> {
    let sorted: BTreeSet<&Access> = access.iter().collect();
    let mut writer = Writer::default();
    writer.u16(sorted.len());
    for key in sorted {
        writer.bytes.extend_from_slice(&key.sha256);
        writer.u8(key.kind as u8);
    }
    writer.bytes
}

/// The segments that `flags` name, and those that these name.
fn segments_used<'a>(
    configuration: &'a Configuration,
    flags: impl Iterator<Item = &'a Flag>,
) -> BTreeSet<&'a str> {
    let mut used = BTreeSet::new();
    let mut open: Vec<&Condition> = flags
        .filter(|flag| flag.enabled)
        .flat_map(|flag| &flag.rules)
        .map(|rule| &rule.when)
        .collect();
    while let Some(condition) = open.pop() {
        match condition {
            Condition::All(list) | Condition::Any(list) => open.extend(list),
            Condition::Not(inner) => open.push(inner),
            Condition::Segment(key) if used.insert(key.as_str()) => {
                open.extend(
                    configuration.segments.get(key).and_then(|segment| segment.when.as_ref()),
                );
            }
            _ => {}
        }
    }
    used
}

/// What may not reach a client: private attributes, and segments over the client's limit.
fn client_problems(configuration: &Configuration) -> Vec<Problem> {
    let private = |attribute: &str| {
        let names = super::check::path(attribute).unwrap_or_default();
        let whole = configuration.attributes.get(attribute);
        let top = names.first().and_then(|name| configuration.attributes.get(name));
        [whole, top].into_iter().flatten().any(|attribute| attribute.private)
    };
    let mut problems = Vec::new();
    for (key, flag) in &configuration.flags {
        if !flag.client_visible || !flag.enabled {
            continue;
        }
        let mut read: BTreeSet<&str> = BTreeSet::new();
        read.extend(flag.targets.iter().map(|target| target.unit.as_str()));
        let serves = flag.rules.iter().map(|rule| &rule.serve).chain([&flag.fallthrough]);
        read.extend(serves.filter_map(|serve| match serve {
            Serve::Split(split) => Some(split.unit.as_str()),
            Serve::Variant(_) => None,
        }));
        for rule in &flag.rules {
            attributes_read(&rule.when, &mut read);
        }
        let mut report = |place: String, message: String| {
            problems.push(Problem { flag: Some(key.clone()), place, message });
        };
        let place = || super::check::pointer("/flags", key);
        for name in segments_used(configuration, core::iter::once(flag)) {
            let Some(segment) = configuration.segments.get(name) else {
                continue;
            };
            if !segment.included.is_empty() || !segment.excluded.is_empty() {
                read.insert(&segment.unit);
            }
            if let Some(condition) = &segment.when {
                attributes_read(condition, &mut read);
            }
            if segment.included.len().max(segment.excluded.len()) > MAX_CLIENT_SEGMENT_KEYS {
                report(
                    place(),
                    format!(
                        "is visible to clients and uses segment `{name}`, which lists more than {MAX_CLIENT_SEGMENT_KEYS} keys"
                    ),
                );
            }
        }
        for attribute in read.into_iter().filter(|attribute| private(attribute)) {
            report(
                place(),
                format!(
                    "is visible to clients and reads the private attribute `{attribute}`: hide the flag from clients or make the attribute public"
                ),
            );
        }
    }
    problems
}

fn attributes_read<'a>(condition: &'a Condition, read: &mut BTreeSet<&'a str>) {
    match condition {
        Condition::All(list) | Condition::Any(list) => {
            list.iter().for_each(|inner| attributes_read(inner, read));
        }
        Condition::Not(inner) => attributes_read(inner, read),
        Condition::Segment(_) => {}
        Condition::Exists(exists) => drop(read.insert(&exists.attribute)),
        Condition::Equals(equals) => drop(read.insert(&equals.attribute)),
        Condition::In(list) => drop(read.insert(&list.attribute)),
        Condition::Contains(texts) | Condition::StartsWith(texts) | Condition::EndsWith(texts) => {
            read.insert(&texts.attribute);
        }
        Condition::Number(number) => drop(read.insert(&number.attribute)),
        Condition::Semver(semver) => drop(read.insert(&semver.attribute)),
    }
}
