//! The compiler: a configuration becomes the body of one kind (core/spec/snapshot.md section 5, core/spec/config.md section 5).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::check::Problem;
use super::client::{ForClients, for_clients, problems as client_problems};
use super::encode::Writer;
use super::finding::Code;
use super::literal::pointer;
use super::{Configuration, Flag, Rule, Segment, Serve};
use crate::evaluate::{NEVER, rule_bit};
use crate::hash::name_hash;
use crate::limits::{MAX_CHUNK_BYTES, MAX_ORIGIN_BYTES, MAX_ORIGINS, MAX_PAGE_BYTES, MAX_SDK_KEYS};
use crate::snapshot::{
    BIT_CLIENT_VISIBLE, BIT_ENABLED, BIT_HIDDEN, ChunkType, FLAG_HEADER_BYTES, Kind, NO_VARIANT,
    Page, Refusal, Section, SegmentChunk, assemble, fits,
};

/// An SDK key that an edge admits; only its hash travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    pub sha256: [u8; 32],
    /// The kind of snapshot that the key is for.
    pub kind: Kind,
}

/// Whom an edge lets ask, which the edge kind alone carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admission<'a> {
    pub keys: &'a [Access],
    /// The origins whose pages may ask; empty: all of them.
    pub origins: &'a [String],
    /// How often one key may be used; none: as often as one likes.
    pub requests_per_minute: Option<u32>,
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

/// Type, key and payload.
pub(super) type Chunk = (ChunkType, Vec<u8>, Vec<u8>);
pub(super) type Chunks = Vec<Chunk>;
/// The same, kept elsewhere.
pub(super) type ChunkRef<'c> = (ChunkType, &'c [u8], &'c [u8]);

/// A chunk without its copy.
pub(super) fn borrowed((chunk_type, key, payload): &Chunk) -> ChunkRef<'_> {
    (*chunk_type, key, payload)
}

/// Compiles a configuration into the body of `kind`. The same configuration gives the same bytes. `keys` are those that an edge admits, of
/// every origin and without a limit.
///
/// # Errors
/// Every problem at once, or the limit that is exceeded.
pub fn compile(
    configuration: &Configuration,
    kind: Kind,
    keys: &[Access],
) -> Result<Vec<u8>, CompileError> {
    compile_admitting(configuration, kind, Admission { keys, ..Admission::default() })
}

/// As [`compile`], and says whom an edge lets ask.
///
/// # Errors
/// As [`compile`].
pub fn compile_admitting(
    configuration: &Configuration,
    kind: Kind,
    admission: Admission<'_>,
) -> Result<Vec<u8>, CompileError> {
    let mut problems = configuration.problems();
    if kind == Kind::Client {
        problems.extend(client_problems(configuration));
    }
    if !problems.is_empty() {
        return Err(CompileError::Problems(problems));
    }
    body(configuration, kind, admission)
}

/// Compiles what has no problems. What has some gives a body that is not sound.
pub(super) fn body(
    configuration: &Configuration,
    kind: Kind,
    admission: Admission<'_>,
) -> Result<Vec<u8>, CompileError> {
    let chunks = chunks(configuration, kind);
    put_together(kind, chunks.iter().map(borrowed).collect(), admission)
}

/// The chunks of flags and segments.
pub(super) fn chunks(configuration: &Configuration, kind: Kind) -> Chunks {
    let pruned = (kind == Kind::Client).then(|| for_clients(configuration));
    let nobody = BTreeSet::new();
    let (configuration, hidden) = match &pruned {
        Some(ForClients { configuration, hidden }) => (configuration, hidden),
        None => (configuration, &nobody),
    };
    let mut chunks = Chunks::new();
    for (key, flag) in &configuration.flags {
        let form =
            Form { configuration, for_client: pruned.is_some(), hidden: hidden.contains(key) };
        chunks.push((ChunkType::Flag, key.as_bytes().to_vec(), form.flag(flag)));
    }
    for (key, segment) in &configuration.segments {
        segment_chunks(key, segment, &mut chunks);
    }
    chunks
}

/// The payload of a flag that is named as its author named it.
pub(super) fn flag_payload(documents: &Configuration, flag: &Flag, for_client: bool) -> Vec<u8> {
    Form { configuration: documents, for_client, hidden: false }.flag(flag)
}

/// The body that has these chunks.
pub(super) fn put_together(
    kind: Kind,
    chunks: Vec<ChunkRef<'_>>,
    admission: Admission<'_>,
) -> Result<Vec<u8>, CompileError> {
    with_admission(kind, chunks, admission, |chunks| assemble(kind, chunks))
}

/// Whether [`put_together`] makes a body of them, without making it.
pub(super) fn fits_together(
    kind: Kind,
    chunks: Vec<ChunkRef<'_>>,
    admission: Admission<'_>,
) -> Result<(), CompileError> {
    with_admission(kind, chunks, admission, |chunks| fits(kind, &chunks))
}

fn with_admission<T>(
    kind: Kind,
    chunks: Vec<ChunkRef<'_>>,
    admission: Admission<'_>,
    and_then: impl FnOnce(Vec<ChunkRef<'_>>) -> Result<T, Refusal>,
) -> Result<T, CompileError> {
    let payload = if kind == Kind::Edge { access_payload(admission) } else { Vec::new() };
    let mut chunks = chunks;
    if kind == Kind::Edge {
        let over = if admission.keys.len() > MAX_SDK_KEYS {
            Some(format!("an environment admits at most {MAX_SDK_KEYS} SDK keys"))
        } else if admission.origins.len() > MAX_ORIGINS {
            Some(format!("an environment names at most {MAX_ORIGINS} origins"))
        } else if admission.origins.iter().any(|origin| origin.len() > MAX_ORIGIN_BYTES) {
            Some(format!("an origin has at most {MAX_ORIGIN_BYTES} bytes"))
        } else {
            None
        };
        if let Some(message) = over {
            return Err(CompileError::OverLimits(message));
        }
        chunks.push((ChunkType::Access, &[], &payload));
    }
    let too_large: Vec<Problem> = chunks.iter().copied().filter_map(too_large).collect();
    if !too_large.is_empty() {
        return Err(CompileError::Problems(too_large));
    }
    and_then(chunks).map_err(|refusal| match refusal {
        Refusal::OverLimits => CompileError::OverLimits(format!(
            "the {} snapshot is over its limit in bytes",
            kind.as_str()
        )),
        other => CompileError::OverLimits(format!("{other}")),
    })
}

/// A flag, a segment's condition, or a page of its keys, that makes a chunk over its limit.
pub(super) fn too_large((chunk_type, key, payload): ChunkRef<'_>) -> Option<Problem> {
    // In front of the payload stand the type and the key.
    let chunk = 3 + key.len() + payload.len();
    let (parts, key, length, limit) = match chunk_type {
        ChunkType::Flag => ("/flags", key, chunk, MAX_CHUNK_BYTES),
        ChunkType::Segment => ("/segments", key, chunk, MAX_CHUNK_BYTES),
        ChunkType::SegmentPage => {
            let segment = key.len().checked_sub(Page::KEY_BYTES).and_then(|end| key.get(..end))?;
            ("/segments", segment, payload.len(), MAX_PAGE_BYTES)
        }
        ChunkType::Access => return None,
    };
    if length <= limit {
        return None;
    }
    let key = String::from_utf8_lossy(key);
    let what = if chunk_type == ChunkType::SegmentPage { "a page of keys of" } else { "makes" };
    let flag = (chunk_type == ChunkType::Flag).then(|| key.clone().into_owned());
    Some(Problem {
        code: Code::OverLimit,
        flag,
        place: pointer(parts, &key),
        message: format!("{what} {length} bytes, more than {limit}"),
    })
}

/// How a flag is written.
struct Form<'a> {
    configuration: &'a Configuration,
    /// A client gets only what can be served to it: of a disabled flag the off variant alone.
    for_client: bool,
    /// Only as a prerequisite: its values do not travel.
    hidden: bool,
}

impl Form<'_> {
    fn flag(&self, flag: &Flag) -> Vec<u8> {
        let served = self.for_client.then(|| variants_served(flag));
        let variants: Vec<_> = flag
            .variants
            .iter()
            .filter(|variant| served.as_ref().is_none_or(|served| served.contains(&*variant.key)))
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
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        writer.u8(bit(flag.enabled, BIT_ENABLED)
            | bit(flag.client_visible, BIT_CLIENT_VISIBLE)
            | bit(self.hidden, BIT_HIDDEN));
        writer.u8(flag.off_variant.as_deref().map_or(NO_VARIANT, position));
        writer.u8(variants.len() as u8);
        writer.bytes.resize(FLAG_HEADER_BYTES + 4 * variants.len(), 0);
        for (at, variant) in variants.iter().enumerate() {
            let offset = writer.bytes.len();
            writer.patch(FLAG_HEADER_BYTES + 4 * at, offset);
            if self.hidden {
                writer.hidden_variant(&variant.key);
            } else {
                writer.variant(flag.flag_type.into(), variant);
            }
        }

        let mut section = |section: Section, write: &dyn Fn(&mut Writer)| {
            let offset = writer.bytes.len();
            writer.patch(4 + 4 * section as usize, offset);
            write(&mut writer);
        };
        if !flag.metadata.is_empty() {
            section(Section::Metadata, &|writer| writer.metadata(&flag.metadata));
        }
        if self.for_client && !flag.enabled {
            return writer.bytes;
        }
        if !flag.prerequisites.is_empty() {
            section(Section::Prerequisites, &|writer| {
                writer.u16(flag.prerequisites.len());
                for prerequisite in &flag.prerequisites {
                    writer.prerequisite(&prerequisite.flag, &prerequisite.variants);
                }
            });
        }
        if flag.targets.iter().any(|target| !target.keys.is_empty()) {
            section(Section::Targets, &|writer| targets(writer, flag, position));
        }
        if let Some(held) = &flag.holdout
            && let Some(holdout) = self.configuration.holdouts.get(&held.holdout)
        {
            section(Section::Holdout, &|writer| {
                writer.short(held.holdout.as_bytes());
                writer.u8(position(&held.variant));
                writer.bucketing(&holdout.by);
                writer.cut(&holdout.by, holdout.weight);
            });
        }
        if !flag.rules.is_empty() {
            section(Section::Rules, &|writer| {
                writer.u16(flag.rules.len());
                for rule in &flag.rules {
                    self.rule(writer, rule, position);
                }
            });
        }
        section(Section::Fallthrough, &|writer| writer.serve(&flag.fallthrough, position));
        writer.bytes
    }

    fn rule(&self, writer: &mut Writer, rule: &Rule, position: impl Fn(&str) -> u8) {
        let slot = rule
            .layer
            .as_ref()
            .and_then(|slot| Some((slot, self.configuration.layers.get(&slot.layer)?)));
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let length = writer.length();
        writer.u8(bit(rule.from.is_some(), rule_bit::FROM)
            | bit(rule.to.is_some(), rule_bit::TO)
            | bit(slot.is_some(), rule_bit::LAYER));
        writer.u8(0);
        writer.u16(rule.id.len());
        let start = writer.bytes.len();
        writer.bytes.extend_from_slice(rule.id.as_bytes());
        rule.from.iter().chain(&rule.to).for_each(|time| writer.i64(*time));
        if let Some((slot, layer)) = slot {
            writer.short(slot.layer.as_bytes());
            writer.bucketing(&layer.by);
            writer.cut(&layer.by, slot.from);
            writer.cut(&layer.by, slot.to);
        }
        writer.condition(&rule.when);
        writer.serve(&rule.serve, position);
        writer.patch(length, writer.bytes.len() - start);
    }
}

/// The variants that the flag can serve as it is.
fn variants_served(flag: &Flag) -> BTreeSet<&str> {
    let mut served: BTreeSet<&str> = flag.off_variant.iter().map(String::as_str).collect();
    if flag.enabled {
        served.extend(flag.targets.iter().map(|target| target.variant.as_str()));
        served.extend(flag.holdout.iter().map(|held| held.variant.as_str()));
        let serves = flag.rules.iter().map(|rule| &rule.serve).chain([&flag.fallthrough]);
        for serve in serves {
            match serve {
                Serve::Variant(variant) => drop(served.insert(variant)),
                Serve::Split(split) => {
                    let parts = split.weights.iter().filter(|part| part.weight > 0);
                    served.extend(parts.filter_map(|part| part.variant.as_deref()));
                }
                Serve::Ramp(ramp) => {
                    served.extend(ramp.variants.iter().flatten().map(|v| v.as_str()))
                }
            }
        }
    }
    served
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

/// The segment's own chunk, and pages for keys that are too many for it.
pub(super) fn segment_chunks(key: &str, segment: &Segment, chunks: &mut Chunks) {
    let mut writer = Writer::default();
    writer.bytes.resize(4 * SegmentChunk::PARTS, 0);
    for (part, sign, keys) in [
        (SegmentChunk::EXCLUDED, b'-', &segment.excluded),
        (SegmentChunk::INCLUDED, b'+', &segment.included),
    ] {
        if keys.is_empty() {
            continue;
        }
        let offset = writer.bytes.len();
        writer.patch(4 * part, offset);
        writer.u8(1);
        writer.attribute(&segment.unit);
        let keys: BTreeMap<&str, ()> = keys.iter().map(|key| (key.as_str(), ())).collect();
        let mut whole = Writer::default();
        whole.table(&keys, |_, ()| {});
        if whole.bytes.len() <= MAX_PAGE_BYTES {
            writer.u8(0);
            writer.bytes.extend_from_slice(&whole.bytes);
            continue;
        }
        let (bits, pages) = pages(&keys);
        writer.u8(bits);
        for (page, table) in pages.into_iter().enumerate() {
            let page = Page { part: sign, group: 0, number: page as u32 };
            let name = [key.as_bytes(), &page.key()].concat();
            chunks.push((ChunkType::SegmentPage, name, table));
        }
    }
    if let Some(condition) = &segment.when {
        let offset = writer.bytes.len();
        writer.patch(4 * SegmentChunk::CONDITION, offset);
        writer.condition(condition);
    }
    chunks.push((ChunkType::Segment, key.as_bytes().to_vec(), writer.bytes));
}

/// The fewest pages, a power of two of them, of which none is too large; a key's page is given by the upper bits of its hash.
fn pages(keys: &BTreeMap<&str, ()>) -> (u8, Vec<Vec<u8>>) {
    let mut bits = 1;
    loop {
        let mut split: Vec<BTreeMap<&str, ()>> = alloc::vec![BTreeMap::new(); 1 << bits];
        for key in keys.keys() {
            let page = name_hash(key.as_bytes()) >> (32 - u32::from(bits));
            if let Some(split) = split.get_mut(page as usize) {
                split.insert(key, ());
            }
        }
        let tables: Vec<Vec<u8>> = split
            .iter()
            .map(|keys| {
                let mut writer = Writer::default();
                writer.table(keys, |_, ()| {});
                writer.bytes
            })
            .collect();
        // 2^12 pages hold any segment within the limits; keys that all fall on one page would not be split by more.
        if bits == 12 || tables.iter().all(|table| table.len() <= MAX_PAGE_BYTES) {
            return (bits, tables);
        }
        bits += 1;
    }
}

/// Keys sorted by hash; behind them origins and the limit, where there are any.
fn access_payload(admission: Admission<'_>) -> Vec<u8> {
    let sorted: BTreeSet<&Access> = admission.keys.iter().collect();
    let mut writer = Writer::default();
    writer.u16(sorted.len());
    for key in sorted {
        writer.bytes.extend_from_slice(&key.sha256);
        writer.u8(key.kind as u8);
    }
    if !admission.origins.is_empty() || admission.requests_per_minute.is_some() {
        let origins: BTreeSet<&String> = admission.origins.iter().collect();
        writer.u16(origins.len());
        for origin in origins {
            writer.short(origin.as_bytes());
        }
        writer.u32(admission.requests_per_minute.unwrap_or(0) as usize);
    }
    writer.bytes
}
