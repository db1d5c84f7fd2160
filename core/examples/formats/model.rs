//! What the two alternatives carry: the configuration compiled down to plain structures (positions for variants, cut points for
//! weights, parsed versions, sorted lists), as a program would hold it that deserialises its flags.
#![expect(
    clippy::disallowed_types,
    reason = "a sensible evaluator of structures looks its flags up in a HashMap"
)]

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Model {
    pub flags: HashMap<String, Flag>,
    pub segments: HashMap<String, Segment>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Flag {
    pub enabled: bool,
    pub off_variant: Option<u8>,
    pub variants: Vec<Variant>,
    pub targets: Vec<Targets>,
    pub rules: Vec<Rule>,
    pub fallthrough: Serve,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Variant {
    pub key: String,
    pub value: Value,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Value {
    Boolean(bool),
    Number(f64),
    /// A string, or a whole JSON text.
    Text(String),
}

/// The targets of one unit: keys in order, each with its variant and when it expires.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Targets {
    pub unit: Path,
    pub keys: Vec<(String, u8, Option<i64>)>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub id: String,
    pub from: Option<i64>,
    pub to: Option<i64>,
    pub when: Condition,
    pub serve: Serve,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Serve {
    Variant(u8),
    Split { unit: Path, salt: [u8; 16], parts: Vec<(u64, u8)> },
}

/// An attribute: its name, and the names inside it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Path {
    pub name: String,
    pub inside: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Segment(String),
    Exists(Path),
    Equals(Path, Scalar),
    /// Strings in order.
    In {
        attribute: Path,
        booleans: [bool; 2],
        numbers: Vec<f64>,
        strings: Vec<String>,
    },
    Contains(Path, Vec<String>),
    StartsWith(Path, Vec<String>),
    EndsWith(Path, Vec<String>),
    Number(Path, Comparison, f64),
    Semver(Path, Comparison, Version),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Scalar {
    Boolean(bool),
    Number(f64),
    String(String),
}

/// Which orders hold: less, equal, greater.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Comparison(pub bool, pub bool, pub bool);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    pub numbers: [u64; 3],
    pub prerelease: String,
}

/// Keys in order.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub unit: Path,
    pub included: Vec<String>,
    pub excluded: Vec<String>,
    pub when: Option<Condition>,
}

pub(crate) type Context = HashMap<String, Attribute>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Attribute {
    Null,
    Boolean(bool),
    Number(f64),
    String(String),
    List(Vec<Attribute>),
    Object(HashMap<String, Attribute>),
}
