//! The explanation of an evaluation (core/spec/evaluation.md section 8): an observer that writes JSON.
//!
//! It is written by hand, because the browser's module carries no JSON library, and no formatting of binary fractions: a number that is not
//! an integer stands as `{"binary64": "<16 hexadecimal digits>"}`, which each host turns into a number.

use alloc::string::String;
use alloc::vec::Vec;

use crate::context::Attribute;
use crate::evaluate::{Observer, Step, op};
use crate::limits::MAX_TRACE_BYTES;
use crate::snapshot::Name;

/// Writes down each step.
#[derive(Debug)]
pub(crate) struct Recorder {
    text: String,
    too_long: bool,
    /// The steps that have begun: whether each is a prerequisite, which may break off where its flag is damaged.
    open: Vec<bool>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { text: String::from("["), too_long: false, open: Vec::new() }
    }
}

impl Recorder {
    pub(crate) fn finish(mut self) -> String {
        if self.too_long {
            return String::from(r#"[{"step":"too-long"}]"#);
        }
        while self.open.pop().is_some() {
            self.text.push_str("]}");
        }
        self.text.push(']');
        self.text
    }

    /// The steps of a step follow.
    fn open(&mut self, prerequisite: bool) {
        self.name("steps");
        self.text.push('[');
        self.open.push(prerequisite);
    }

    /// The steps of a step are over; those that broke off within a prerequisite are over with it.
    fn close(&mut self, prerequisite: bool) {
        while let Some(was_prerequisite) = self.open.pop() {
            self.text.push(']');
            if was_prerequisite == prerequisite {
                break;
            }
            self.text.push('}');
        }
    }

    fn begin(&mut self, step: &str) {
        if !self.text.ends_with('[') {
            self.text.push(',');
        }
        self.text.push_str("{\"step\":\"");
        self.text.push_str(step);
        self.text.push('"');
    }

    fn end(&mut self) {
        self.text.push('}');
    }

    fn name(&mut self, name: &str) {
        self.text.push_str(",\"");
        self.text.push_str(name);
        self.text.push_str("\":");
    }

    fn text(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        quote(&mut self.text, value);
    }

    fn integer(&mut self, name: &str, value: i64) {
        self.name(name);
        integer(&mut self.text, value);
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.name(name);
        self.text.push_str(if value { "true" } else { "false" });
    }

    fn variant(&mut self, variant: Option<&[u8]>) {
        if let Some(variant) = variant {
            self.text("variant", variant);
        }
    }

    /// Buckets and cut points are at most 2^60, and 2^32 for every bucket of our own.
    fn range(&mut self, bucket: Option<u64>, from: u64, to: u64) {
        if let Some(bucket) = bucket {
            self.integer("bucket", bucket as i64);
        }
        self.integer("from", from as i64);
        self.integer("to", to as i64);
    }

    fn actual(&mut self, actual: Option<Attribute<'_>>) {
        let Some(actual) = actual else { return };
        self.name("actual");
        match actual {
            Attribute::Boolean(value) => self.text.push_str(if value { "true" } else { "false" }),
            Attribute::Number(value) => number(&mut self.text, value),
            Attribute::String(value) => quote(&mut self.text, value),
            Attribute::List(_) => self.text.push_str("{\"type\":\"list\"}"),
            Attribute::Object => self.text.push_str("{\"type\":\"object\"}"),
        }
    }

    /// An attribute reference as people write it.
    fn attribute(&mut self, name: &Name<'_>) {
        if name.names <= 1 {
            return self.text("attribute", name.text);
        }
        let mut whole = Vec::new();
        for name in core::iter::once(*name).chain(name.rest()) {
            whole.push(b'/');
            for byte in name.text {
                match byte {
                    b'~' => whole.extend_from_slice(b"~0"),
                    b'/' => whole.extend_from_slice(b"~1"),
                    byte => whole.push(*byte),
                }
            }
        }
        self.text("attribute", &whole);
    }
}

impl Observer for Recorder {
    fn watches(&self) -> bool {
        true
    }

    fn step(&mut self, step: Step<'_>) {
        if self.too_long || self.text.len() > MAX_TRACE_BYTES {
            self.too_long = true;
            return;
        }
        match step {
            Step::Disabled => self.begin("disabled"),
            Step::PrerequisiteBegins { key } => {
                self.begin("prerequisite");
                self.text("flag", visible(key));
                return self.open(true);
            }
            Step::PrerequisiteEnds { served, met } => {
                self.close(true);
                if let Some(served) = served {
                    self.text("served", served);
                }
                self.flag("met", met);
            }
            Step::Target { variant, expires } | Step::TargetExpired { variant, expires } => {
                let matched = matches!(step, Step::Target { .. });
                self.begin("target");
                self.variant(variant);
                if expires != i64::MAX {
                    self.integer("expires", expires);
                }
                self.flag("matched", matched);
            }
            Step::Holdout { key, bucket, cut, held_out } => {
                self.begin("holdout");
                self.text("holdout", key);
                self.range(bucket, 0, cut);
                self.flag("matched", held_out);
            }
            Step::RuleBegins { id } => {
                self.begin("rule");
                self.text("rule", id);
                return self.open(false);
            }
            Step::RuleEnds { matched } => {
                self.close(false);
                self.flag("matched", matched);
            }
            Step::WindowClosed { from, to } => {
                self.begin("window");
                if from != i64::MIN {
                    self.integer("from", from);
                }
                if to != i64::MAX {
                    self.integer("to", to);
                }
                self.flag("open", false);
            }
            Step::Layer { layer, bucket, from, to, inside } => {
                self.begin("layer");
                self.text("layer", layer);
                self.range(bucket, from, to);
                self.flag("inside", inside);
            }
            Step::Begins { node } => {
                self.begin(node_word(node));
                return self.open(false);
            }
            Step::Ends { holds } => {
                self.close(false);
                self.flag("holds", holds);
            }
            Step::Segment { key, how, holds } => {
                self.begin("membership");
                self.text("segment", key);
                self.text("by", how.as_bytes());
                self.flag("holds", holds);
            }
            Step::Bucket { bucket, from, to } => {
                self.begin("range");
                self.range(bucket, from, to);
            }
            Step::Operator { node, attribute, actual, holds } => {
                self.begin(node_word(node));
                self.attribute(&attribute);
                self.actual(actual);
                self.flag("holds", holds);
            }
            Step::Split { bucket, from, to, variant } => {
                self.begin("split");
                self.range(Some(bucket), from, to);
                self.variant(variant);
            }
            Step::NoUnit => self.begin("no-unit"),
            Step::Fallthrough => self.begin("fallthrough"),
        }
        self.end();
    }
}

/// A hidden flag's key says nothing.
fn visible(key: &[u8]) -> &[u8] {
    if key.first() == Some(&0) { b"(hidden)" } else { key }
}

/// The operator, in the words of configurations.
fn node_word(node: u8) -> &'static str {
    match node {
        op::ALL => "all",
        op::ANY => "any",
        op::NOT => "not",
        op::SEGMENT => "segment",
        op::FLAG => "flag",
        op::SOME => "some",
        op::BUCKET => "bucket",
        op::NOW => "now",
        op::EXISTS => "exists",
        op::EQUALS => "equals",
        op::IN => "in",
        op::CONTAINS => "contains",
        op::STARTS_WITH => "starts_with",
        op::ENDS_WITH => "ends_with",
        op::NUMBER | op::PARSED_NUMBER => "number",
        op::SEMVER | op::PARTIAL_SEMVER => "semver",
        op::FOLDED => "ignoring_case",
        op::MATCHES => "matches",
        op::TEXT => "text",
        op::DATETIME => "datetime",
        op::PADDED_VERSION => "padded_version",
        op::IP_IN_CIDR => "ip_in_cidr",
        op::SIZE => "size",
        op::IS_TYPE => "is_type",
        op::DEEP_EQUALS => "deep_equals",
        op::UNIX_TIME => "unix_time",
        op::ERROR => "error",
        _ => "unknown",
    }
}

fn integer(text: &mut String, value: i64) {
    if value < 0 {
        text.push('-');
    }
    let mut digits = [0; 20];
    let mut rest = value.unsigned_abs();
    let mut count = 0;
    for digit in &mut digits {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    text.extend(digits.iter().take(count).rev().map(|digit| char::from(*digit)));
}

fn number(text: &mut String, value: f64) {
    let whole = value as i64;
    if whole as f64 == value && whole.unsigned_abs() <= 1 << 53 {
        return integer(text, whole);
    }
    text.push_str("{\"binary64\":\"");
    for shift in (0..16).rev() {
        hex_digit(text, (value.to_bits() >> (shift * 4)) as u8 & 15);
    }
    text.push_str("\"}");
}

fn hex_digit(text: &mut String, digit: u8) {
    text.push(char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }));
}

/// A JSON string; what is not UTF-8 stands as U+FFFD.
fn quote(text: &mut String, value: &[u8]) {
    text.push('"');
    for character in String::from_utf8_lossy(value).chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\0'..='\u{1F}' => {
                text.push_str("\\u00");
                hex_digit(text, character as u8 >> 4);
                hex_digit(text, character as u8 & 15);
            }
            character => text.push(character),
        }
    }
    text.push('"');
}
