//! A configuration that is kept compiled, so that after a change only what the change touches is checked and compiled again. What comes out
//! is what [`compile`](super::compile) makes of the whole, to the byte.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use rpds::RedBlackTreeMapSync;

use super::check::Problem;
use super::client::problems as client_problems;
use super::compile::{
    Chunk, ChunkRef, Chunks, borrowed, chunks, fits_together, flag_payload, put_together,
    segment_chunks,
};
use super::{Admission, CompileError, Configuration, Flag, uses};
use crate::snapshot::{ChunkType, Kind};

/// The flags of an environment, each compiled by itself, and what they share. A clone costs nothing: it shares everything that is not changed.
#[derive(Clone, Debug)]
pub struct Compilation {
    /// Everything but the flags, which is the same for the compilation's whole life.
    documents: Arc<Configuration>,
    /// The chunks of each segment.
    segments: Arc<BTreeMap<String, Chunks>>,
    /// Segments that ask for flags.
    asking: Arc<[Asking]>,
    flags: RedBlackTreeMapSync<Arc<str>, Arc<Compiled>>,
    problems: Vec<Problem>,
}

/// A segment that asks which variant some flags serve.
#[derive(Debug)]
struct Asking {
    flags: Vec<String>,
    /// The segment itself and those within it.
    segments: Vec<String>,
}

#[derive(Debug)]
struct Compiled {
    flag: Flag,
    /// Flags that it depends on, through segments as well.
    needs: Vec<String>,
    /// Segments that it uses, those within them included.
    segments: Vec<String>,
    server: Arc<[u8]>,
    /// None when it is not for clients, or when its form depends on other flags, which may have other names there.
    client: Option<Arc<[u8]>>,
}

impl Compiled {
    fn new(documents: &Configuration, flag: Flag) -> Self {
        let uses = uses::of_flag(documents, &flag);
        let (needs, segments) = (owned(uses.flags), owned(uses.segments));
        let server: Arc<[u8]> = flag_payload(documents, &flag, false).into();
        let client = (flag.client_visible && needs.is_empty()).then(|| {
            let client = flag_payload(documents, &flag, true);
            if *client == *server { Arc::clone(&server) } else { client.into() }
        });
        Self { flag, needs, segments, server, client }
    }
}

impl Compilation {
    /// Checks and compiles all of it.
    pub fn new(mut configuration: Configuration) -> Self {
        let problems = problems(&configuration);
        let flags = mem::take(&mut configuration.flags);
        let documents = configuration;
        let segments = documents.segments.iter().map(|(key, segment)| {
            let mut chunks = Chunks::new();
            segment_chunks(key, segment, &mut chunks);
            (key.clone(), chunks)
        });
        let segments = Arc::new(segments.collect());
        let asking = documents.segments.keys().filter_map(|key| {
            let uses = uses::of_segment(&documents, key);
            let asking = Asking { flags: owned(uses.flags), segments: owned(uses.segments) };
            (!asking.flags.is_empty()).then_some(asking)
        });
        let asking = asking.collect();
        let flags = flags
            .into_iter()
            .map(|(key, flag)| (key.into(), Arc::new(Compiled::new(&documents, flag))));
        let flags = flags.collect();
        Self { documents: Arc::new(documents), segments, asking, flags, problems }
    }

    /// Writes flags, new or over the old ones, and takes away those that come without one.
    pub fn change(&mut self, changes: impl IntoIterator<Item = (String, Option<Flag>)>) {
        let mut changed: Vec<String> = Vec::new();
        for (key, flag) in changes {
            match flag {
                Some(flag) => {
                    let compiled = Arc::new(Compiled::new(&self.documents, flag));
                    self.flags.insert_mut(key.as_str().into(), compiled);
                }
                None => drop(self.flags.remove_mut(key.as_str())),
            }
            changed.push(key);
        }
        // Where nothing was wrong, only these flags and those that depend on them can have become so.
        self.problems = if self.problems.is_empty() {
            problems(&self.around(changed.iter().map(String::as_str)))
        } else {
            problems(&self.configuration())
        };
    }

    /// What keeps it from compiling, for servers or for clients.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many flags there are.
    pub fn flag_count(&self) -> usize {
        self.flags.size()
    }

    /// The names of the attributes that the project knows.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.documents.attributes.keys().map(String::as_str)
    }

    /// A flag.
    pub fn flag(&self, key: &str) -> Option<&Flag> {
        self.flags.get(key).map(|compiled| &compiled.flag)
    }

    /// All of it, as it was given.
    pub fn configuration(&self) -> Configuration {
        let flags = self.flags.iter();
        Configuration {
            flags: flags
                .map(|(key, compiled)| (key.as_ref().into(), compiled.flag.clone()))
                .collect(),
            ..(*self.documents).clone()
        }
    }

    /// The part of it that says what is wrong with these flags, and with what depends on them: they, flags that depend on them, segments
    /// that ask for them, and all that these depend on.
    pub fn around<'c>(&'c self, keys: impl Iterator<Item = &'c str>) -> Configuration {
        let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, compiled) in &self.flags {
            for need in &compiled.needs {
                users.entry(need).or_default().push(key);
            }
        }
        let mut dependent: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = keys.collect();
        while let Some(key) = open.pop() {
            if dependent.insert(key) {
                open.extend(users.get(key).into_iter().flatten().copied());
            }
        }
        let mut segments: BTreeSet<&str> = BTreeSet::new();
        open.extend(&dependent);
        for asking in &*self.asking {
            if asking.flags.iter().any(|flag| dependent.contains(flag.as_str())) {
                segments.extend(asking.segments.iter().map(String::as_str));
                open.extend(asking.flags.iter().map(String::as_str));
            }
        }
        self.closure(open, segments)
    }

    /// These flags and segments, and all that the flags depend on.
    fn closure<'c>(
        &'c self,
        mut open: Vec<&'c str>,
        mut segments: BTreeSet<&'c str>,
    ) -> Configuration {
        let mut flags = BTreeMap::new();
        while let Some(key) = open.pop() {
            let Some(compiled) = self.flags.get(key).filter(|_| !flags.contains_key(key)) else {
                continue;
            };
            flags.insert(key.into(), compiled.flag.clone());
            open.extend(compiled.needs.iter().map(String::as_str));
            segments.extend(compiled.segments.iter().map(String::as_str));
        }
        let documents = &*self.documents;
        let segments = segments.into_iter().filter_map(|key| {
            documents
                .segments
                .get_key_value(key)
                .map(|(key, segment)| (key.clone(), segment.clone()))
        });
        Configuration {
            schema: None,
            format: documents.format,
            attributes: documents.attributes.clone(),
            segments: segments.collect(),
            layers: documents.layers.clone(),
            holdouts: documents.holdouts.clone(),
            flags,
        }
    }

    /// The body of `kind`; `admission` counts for the edge kind alone.
    ///
    /// # Errors
    /// As [`compile`](super::compile); what keeps it from compiling for clients keeps it from compiling at all.
    pub fn body(&self, kind: Kind, admission: Admission<'_>) -> Result<Vec<u8>, CompileError> {
        self.with_chunks(kind, |chunks| put_together(kind, chunks, admission))
    }

    /// Whether there is a [`body`](Self::body), without making it.
    ///
    /// # Errors
    /// As [`body`](Self::body).
    pub fn fits(&self, kind: Kind, admission: Admission<'_>) -> Result<(), CompileError> {
        self.with_chunks(kind, |chunks| fits_together(kind, chunks, admission))
    }

    fn with_chunks<T>(
        &self,
        kind: Kind,
        and_then: impl FnOnce(Vec<ChunkRef<'_>>) -> Result<T, CompileError>,
    ) -> Result<T, CompileError> {
        if !self.problems.is_empty() {
            return Err(CompileError::Problems(self.problems.clone()));
        }
        if kind == Kind::Client {
            let dependent = self.dependent();
            return and_then(self.for_clients(&dependent));
        }
        let mut all: Vec<ChunkRef<'_>> =
            Vec::with_capacity(self.flags.size() + self.segments.len() + 1);
        all.extend(self.flags.iter().map(|(key, compiled)| flag_chunk(key, &compiled.server)));
        all.extend(self.segments.values().flatten().map(borrowed));
        and_then(all)
    }

    /// The client's chunks of flags that depend on others, of those that they depend on, and of their segments. Which names hidden flags get
    /// depends on all of these, and on no other flag.
    fn dependent(&self) -> Chunks {
        let dependent = self
            .flags
            .iter()
            .filter(|(_, compiled)| compiled.flag.client_visible && !compiled.needs.is_empty());
        let open: Vec<&str> = dependent.map(|(key, _)| key.as_ref()).collect();
        if open.is_empty() {
            return Chunks::new();
        }
        chunks(&self.closure(open, BTreeSet::new()), Kind::Client)
    }

    /// All chunks of the client kind.
    fn for_clients<'c>(&'c self, dependent: &'c [Chunk]) -> Vec<ChunkRef<'c>> {
        let mut all = Vec::with_capacity(self.flags.size());
        let mut used: BTreeSet<&str> = BTreeSet::new();
        for (key, compiled) in &self.flags {
            let Some(client) = &compiled.client else { continue };
            all.push(flag_chunk(key, client));
            if compiled.flag.enabled {
                used.extend(compiled.segments.iter().map(String::as_str));
            }
        }
        for (chunk_type, key, payload) in dependent {
            let key_text = core::str::from_utf8(key).unwrap_or_default();
            match chunk_type {
                // It needs no other flag, and is there already.
                ChunkType::Flag if self.has_own_client_form(key_text) => continue,
                ChunkType::Segment => drop(used.remove(key_text)),
                _ => {}
            }
            all.push((*chunk_type, key, payload));
        }
        let segments = used.into_iter().filter_map(|key| self.segments.get(key));
        all.extend(segments.flatten().map(borrowed));
        all
    }

    fn has_own_client_form(&self, key: &str) -> bool {
        self.flags.get(key).is_some_and(|compiled| compiled.client.is_some())
    }
}

fn flag_chunk<'c>(key: &'c str, payload: &'c [u8]) -> ChunkRef<'c> {
    (ChunkType::Flag, key.as_bytes(), payload)
}

fn owned(names: BTreeSet<&str>) -> Vec<String> {
    names.into_iter().map(String::from).collect()
}

fn problems(configuration: &Configuration) -> Vec<Problem> {
    let mut problems = configuration.problems();
    problems.extend(client_problems(configuration));
    problems
}

#[cfg(test)]
mod tests;
