//! The kinds of documents that a project keeps beside its flags, and what is particular to each.

use pennon_core::config::{Attribute, Holdout, Layer, Segment};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::flag::salt;
use super::keys::{check_attribute, check_key};
use crate::ambient::{NoRandomness, Random};
use crate::store::documents::Kind;

/// What the audit log calls that which is done to a document.
#[derive(Clone, Copy, Debug)]
pub struct Actions {
    pub created: &'static str,
    pub updated: &'static str,
    pub deleted: &'static str,
    pub rolled_back: &'static str,
    pub archived: &'static str,
    pub restored: &'static str,
}

macro_rules! actions {
    ($kind:literal) => {
        Actions {
            created: concat!($kind, ".created"),
            updated: concat!($kind, ".updated"),
            deleted: concat!($kind, ".deleted"),
            rolled_back: concat!($kind, ".rolled-back"),
            archived: concat!($kind, ".archived"),
            restored: concat!($kind, ".restored"),
        }
    };
}

/// A kind of document: its definition is a part of CONFIG.json.
pub trait Definition:
    Serialize + DeserializeOwned + JsonSchema + PartialEq + Send + Sync + 'static
{
    const KIND: Kind;
    const ACTIONS: Actions;

    /// Whether something new may have this key.
    ///
    /// # Errors
    /// A sentence that says what a key looks like.
    fn check_key(key: &str) -> Result<(), String> {
        check_key(key)
    }

    /// Draws what an author may leave out and what stays for good from then on.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    fn complete(_: &mut Map<String, Value>, _: &Random) -> Result<(), NoRandomness> {
        Ok(())
    }

    /// What people read of it.
    fn description(&self) -> &str {
        ""
    }
}

impl Definition for Attribute {
    const KIND: Kind = Kind::Attribute;
    const ACTIONS: Actions = actions!("attribute");

    fn check_key(key: &str) -> Result<(), String> {
        check_attribute(key)
    }

    fn description(&self) -> &str {
        &self.description
    }
}

impl Definition for Segment {
    const KIND: Kind = Kind::Segment;
    const ACTIONS: Actions = actions!("segment");

    fn description(&self) -> &str {
        &self.description
    }
}

impl Definition for Layer {
    const KIND: Kind = Kind::Layer;
    const ACTIONS: Actions = actions!("layer");

    fn complete(definition: &mut Map<String, Value>, random: &Random) -> Result<(), NoRandomness> {
        salt(definition, random)
    }
}

impl Definition for Holdout {
    const KIND: Kind = Kind::Holdout;
    const ACTIONS: Actions = actions!("holdout");

    fn complete(definition: &mut Map<String, Value>, random: &Random) -> Result<(), NoRandomness> {
        salt(definition, random)
    }
}

/// What a search looks into: texts in lower case, one a line, without the characters that a database's text cannot hold.
pub fn searchable(texts: &[&str]) -> String {
    let mut search = texts.join("\n").to_lowercase();
    search.retain(|character| character != '\0');
    search
}
