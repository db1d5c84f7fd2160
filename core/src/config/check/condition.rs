//! The checks of conditions.

use alloc::format;

use super::Check;
use super::bounds::own_height;
use serde_json::Value;

use crate::config::finding::Code;
use crate::config::literal::{NOT_EXACT, exact, exact_number, network, pointer};
use crate::config::{Condition, In, Scalar, Texts, pattern};
use crate::evaluate::{Moment, Version};
use crate::limits::{MAX_CONTEXT_DEPTH, MAX_DEPTH, MAX_LIST, MAX_NAME_BYTES, MAX_TEXT_BYTES};

impl Check<'_> {
    /// `level` counts as the evaluator does: a segment's condition lies one below the node that names the segment.
    pub(super) fn condition(&mut self, place: &str, condition: &Condition, level: usize) {
        if level + own_height(condition) - 1 > MAX_DEPTH {
            let message = format!("nests deeper than {MAX_DEPTH} levels, segments included");
            self.report(Code::OverLimit, place, message);
            return;
        }
        let inside = |word: &str| format!("{place}/{word}");
        match condition {
            Condition::All(list) => self.conditions(&inside("all"), list, level),
            Condition::Any(list) => self.conditions(&inside("any"), list, level),
            Condition::Not(inner) => self.condition(&inside("not"), inner, level + 1),
            Condition::Segment(key) => self.segment_reference(&inside("segment"), key, level),
            Condition::Flag(flag) => self.prerequisite(&inside("flag"), flag),
            Condition::Some(some) => {
                self.element_reference(&inside("some/attribute"), &some.attribute);
                self.condition(&inside("some/when"), &some.when, level + 1);
            }
            Condition::Bucket(range) => {
                self.bucketing(&inside("bucket/by"), &range.by);
                if range.from > range.below || range.below > range.by.size() {
                    let message =
                        format!("must not be below `from`, nor above {}", range.by.size());
                    self.report(Code::BadBucketRange, &inside("bucket/below"), message);
                }
            }
            Condition::Now(_)
            | Condition::Exists(_)
            | Condition::IsType(_)
            | Condition::UnixTime(_) => {}
            Condition::Error(why) => self.text(&inside("error"), why),
            Condition::DeepEquals(equals) => {
                let place = inside("deep_equals/value");
                if equals.value.is_null() {
                    self.report(
                        Code::WrongValueType,
                        &place,
                        "must not be null: ask for absence by `not` and `exists`",
                    );
                }
                self.value(&place, &equals.value, 1);
            }
            Condition::Equals(equals) => self.scalar(&inside("equals/value"), &equals.value),
            Condition::In(list) => self.list(&inside("in"), list),
            Condition::AnyOf(list) => self.list(&inside("any_of"), list),
            Condition::AllOf(list) => self.list(&inside("all_of"), list),
            Condition::NoneOf(list) => self.list(&inside("none_of"), list),
            Condition::Contains(texts) => self.texts(&inside("contains"), texts),
            Condition::StartsWith(texts) => self.texts(&inside("starts_with"), texts),
            Condition::EndsWith(texts) => self.texts(&inside("ends_with"), texts),
            Condition::IpInCidr(texts) => {
                self.texts(&inside("ip_in_cidr"), texts);
                for (at, value) in texts.values.iter().enumerate() {
                    if network(value).is_none() {
                        let message =
                            format!("`{value}` is no network such as 10.0.0.0/8 or 2001:db8::/32");
                        self.report(
                            Code::BadNetwork,
                            &format!("{place}/ip_in_cidr/values/{at}"),
                            message,
                        );
                    }
                }
            }
            Condition::Matches(matches) => {
                if let Err(message) = pattern::compile(&matches.pattern) {
                    self.report(Code::BadPattern, &inside("matches/pattern"), message);
                }
            }
            Condition::Text(text) => self.text(&inside("text/value"), &text.value),
            Condition::PaddedVersion(text) => {
                self.text(&inside("padded_version/value"), &text.value)
            }
            Condition::Number(number) | Condition::Size(number) => {
                if !exact_number(number.value) {
                    let word = condition.word();
                    self.report(Code::InexactNumber, &inside(&format!("{word}/value")), NOT_EXACT);
                }
            }
            Condition::Datetime(date) => {
                if Moment::parse(date.value.as_bytes()).is_none() {
                    let message = format!(
                        "`{}` is no date and time such as 2026-01-31T12:00:00Z",
                        date.value
                    );
                    self.report(Code::BadDatetime, &inside("datetime/value"), message);
                }
            }
            Condition::Semver(semver) => {
                if Version::parse(semver.value.as_bytes(), semver.partial).is_none() {
                    let message =
                        format!("`{}` is no semantic version such as 1.2.3", semver.value);
                    self.report(Code::BadVersion, &inside("semver/value"), message);
                }
            }
        }
        if let Some(attribute) = condition.attribute() {
            let word = condition.word();
            self.element_reference(&format!("{place}/{word}/attribute"), attribute);
        }
    }

    fn conditions(&mut self, place: &str, list: &[Condition], level: usize) {
        if list.len() > MAX_LIST {
            return self.report(
                Code::OverLimit,
                place,
                format!("lists more than {MAX_LIST} conditions"),
            );
        }
        for (at, inner) in list.iter().enumerate() {
            self.condition(&format!("{place}/{at}"), inner, level + 1);
        }
    }

    fn segment_reference(&mut self, place: &str, key: &str, level: usize) {
        if !self.configuration.segments.contains_key(key) {
            self.report(Code::UnknownSegment, place, format!("no segment `{key}`"));
        } else if self.cyclic.contains(key) {
            self.report(Code::SegmentCycle, place, format!("`{key}` contains itself"));
        } else if level + self.heights.get(key).unwrap_or(&0) > MAX_DEPTH {
            let message = format!("`{key}` nests deeper than {MAX_DEPTH} levels");
            self.report(Code::OverLimit, place, message);
        }
    }

    /// In a condition no name at all stands for the element of a list.
    fn element_reference(&mut self, place: &str, attribute: &str) {
        if !attribute.is_empty() {
            self.reference(place, attribute);
        }
    }

    fn list(&mut self, place: &str, list: &In) {
        let place = format!("{place}/values");
        self.length(&place, list.values.len());
        for (at, value) in list.values.iter().enumerate() {
            self.scalar(&format!("{place}/{at}"), value);
        }
    }

    fn texts(&mut self, place: &str, texts: &Texts) {
        let place = format!("{place}/values");
        self.length(&place, texts.values.len());
        for (at, value) in texts.values.iter().enumerate() {
            self.text(&format!("{place}/{at}"), value);
        }
    }

    pub(super) fn text(&mut self, place: &str, text: &str) {
        if text.len() > MAX_TEXT_BYTES {
            self.report(Code::OverLimit, place, format!("is longer than {MAX_TEXT_BYTES} bytes"));
        }
    }

    /// A value that a context could hold; `level` is that of the object which holds it.
    fn value(&mut self, place: &str, value: &Value, level: usize) {
        if level >= MAX_CONTEXT_DEPTH && (value.is_array() || value.is_object()) {
            let message = format!("nests deeper than a context does, {MAX_CONTEXT_DEPTH} levels");
            return self.report(Code::OverLimit, place, message);
        }
        match value {
            Value::Array(list) => {
                self.length(place, list.len());
                for (at, element) in list.iter().enumerate() {
                    self.value(&format!("{place}/{at}"), element, level + 1);
                }
            }
            Value::Object(object) => {
                self.length(place, object.len());
                for (name, member) in object {
                    if name.len() > MAX_NAME_BYTES {
                        let message = format!("has a name longer than {MAX_NAME_BYTES} bytes");
                        self.report(Code::OverLimit, place, message);
                    }
                    self.value(&pointer(place, name), member, level + 1);
                }
            }
            Value::String(text) => self.text(place, text),
            Value::Number(_) if !exact(value) => self.report(Code::InexactNumber, place, NOT_EXACT),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn length(&mut self, place: &str, length: usize) {
        if length > MAX_LIST {
            self.report(Code::OverLimit, place, format!("lists more than {MAX_LIST} values"));
        }
    }

    pub(super) fn scalar(&mut self, place: &str, value: &Scalar) {
        match value {
            Scalar::String(text) => self.text(place, text),
            Scalar::Number(number) if !exact_number(*number) => {
                self.report(Code::InexactNumber, place, NOT_EXACT)
            }
            Scalar::Number(_) | Scalar::Boolean(_) => {}
        }
    }
}
