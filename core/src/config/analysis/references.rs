//! What names what: attributes that are not declared or of another type, and what nobody uses.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::shared::{Shared, touched};
use super::{Report, walk};
use crate::config::finding::Code;
use crate::config::literal::{path, pointer};
use crate::config::{
    Attribute, AttributeType, Bucketing, Condition, ContextType, Flag, In, NumberComparison,
    Scalar, Serve, TimeComparison, uses,
};
use crate::context::TARGETING_KEY;

/// Attributes that edges add to a context are declared nowhere.
const OF_EDGES: [&str; 3] = ["geo.", "network.", "device."];

/// Segments, layers, holdouts and attributes that no flag needs.
pub(super) fn unused(report: &mut Report<'_>) {
    let configuration = report.configuration;
    let (mut segments, mut attributes) = (BTreeSet::new(), BTreeSet::new());
    let (mut layers, mut holdouts) = (BTreeSet::new(), BTreeSet::new());
    for flag in configuration.flags.values() {
        let uses = uses::of_flag(configuration, flag);
        segments.extend(uses.segments);
        attributes.extend(uses.attributes.into_iter().filter_map(path));
        layers.extend(flag.rules.iter().filter_map(|rule| Some(&rule.layer.as_ref()?.layer)));
        holdouts.extend(flag.holdout.iter().map(|held| &held.holdout));
    }
    for key in configuration.attributes.keys() {
        let names = path(key).unwrap_or_default();
        if !touched(&attributes, &names) {
            let place = pointer("/attributes", key);
            report.add(Code::UnusedAttribute, &place, "is read by no flag");
        }
    }
    for key in configuration.segments.keys().filter(|key| !segments.contains(key.as_str())) {
        report.add(Code::UnusedSegment, &pointer("/segments", key), "is used by no flag");
    }
    for key in configuration.layers.keys().filter(|key| !layers.contains(key)) {
        report.add(Code::UnusedLayer, &pointer("/layers", key), "is used by no rule");
    }
    for key in configuration.holdouts.keys().filter(|key| !holdouts.contains(key)) {
        report.add(Code::UnusedHoldout, &pointer("/holdouts", key), "is used by no flag");
    }
}

/// The references of segments, layers and holdouts.
pub(super) fn audiences(report: &mut Report<'_>) {
    let configuration = report.configuration;
    for (key, segment) in &configuration.segments {
        let place = pointer("/segments", key);
        let mut references = References::new(report);
        if !segment.included.is_empty() || !segment.excluded.is_empty() {
            references.unit(format!("{place}/unit"), &segment.unit);
        }
        if let Some(when) = &segment.when {
            references.condition(&format!("{place}/when"), when);
        }
        references.report(report);
    }
    for (key, layer) in &configuration.layers {
        let mut references = References::new(report);
        references.bucketing(&format!("{}/by", pointer("/layers", key)), &layer.by);
        references.report(report);
    }
    for (key, holdout) in &configuration.holdouts {
        let mut references = References::new(report);
        references.bucketing(&format!("{}/by", pointer("/holdouts", key)), &holdout.by);
        references.report(report);
    }
}

/// The references of a flag's own.
pub(super) fn of_flag<'a>(report: &mut Report<'a>, place: &str, flag: &'a Flag) {
    let mut references = References::new(report);
    for (at, target) in flag.targets.iter().enumerate() {
        references.unit(format!("{place}/targets/{at}/unit"), &target.unit);
    }
    for (at, rule) in flag.rules.iter().enumerate() {
        let place = format!("{place}/rules/{at}");
        references.condition(&format!("{place}/when"), &rule.when);
        references.serve(&format!("{place}/serve"), &rule.serve);
    }
    references.serve(&format!("{place}/fallthrough"), &flag.fallthrough);
    references.report(report);
}

/// References of one author's text, with what is wrong about them.
struct References<'a> {
    shared: Rc<Shared<'a>>,
    /// Each attribute that is not declared is named once.
    unknown: BTreeSet<&'a str>,
    found: Vec<(Code, String, String)>,
}

impl<'a> References<'a> {
    fn new(report: &Report<'a>) -> Self {
        let shared = Rc::clone(&report.shared);
        Self { shared, unknown: BTreeSet::new(), found: Vec::new() }
    }

    fn report(self, report: &mut Report<'_>) {
        for (code, place, message) in self.found {
            report.add(code, &place, message);
        }
    }

    fn serve(&mut self, place: &str, serve: &'a Serve) {
        match serve {
            Serve::Variant(_) => {}
            Serve::Split(split) => self.bucketing(&format!("{place}/split/by"), &split.by),
            Serve::Ramp(ramp) => self.bucketing(&format!("{place}/ramp/by"), &ramp.by),
        }
    }

    fn bucketing(&mut self, place: &str, by: &'a Bucketing) {
        self.unit(format!("{place}/unit"), &by.unit);
        for (at, unit) in by.fallback_units.iter().enumerate() {
            self.unit(format!("{place}/fallbackUnits/{at}"), unit);
        }
    }

    fn condition(&mut self, place: &str, condition: &'a Condition) {
        walk::conditions(place, condition, true, &mut |place, condition, top| {
            let inside = |rest: &str| format!("{place}/{}/{rest}", condition.word());
            match condition {
                Condition::Bucket(range) => self.bucketing(&inside("by"), &range.by),
                // In an element of a list names are the element's.
                _ if !top => {}
                Condition::Some(some) => {
                    self.operator(&inside("attribute"), &some.attribute, condition)
                }
                leaf => {
                    if let Some(attribute) = leaf.attribute() {
                        self.operator(&inside("attribute"), attribute, leaf);
                        if let Condition::In(list) = leaf {
                            self.values(&inside("values"), list);
                        }
                    }
                }
            }
        });
    }

    /// The declaration of an attribute, if there is one of exactly this reference; reports one that nothing declares.
    fn declared(&mut self, place: &str, reference: &'a str) -> Option<&'a Attribute> {
        let declared = &self.shared.declared;
        let names = path(reference)?;
        let of_nobody = [TARGETING_KEY, ""].contains(&names.first().map_or("", |name| name));
        let known = of_nobody
            || OF_EDGES.iter().any(|prefix| reference.starts_with(prefix))
            || declared.touches(&names);
        // Where nothing is declared, nobody keeps a list.
        if !known && !declared.is_empty() && self.unknown.insert(reference) {
            let message = format!("names `{reference}`, which is not among the attributes");
            self.found.push((Code::UnknownAttribute, place.into(), message));
        }
        self.shared.declared.of(&names)
    }

    fn unit(&mut self, place: String, reference: &'a str) {
        let declared = self.declared(&place, reference).map(|attribute| attribute.attribute_type);
        if let Some(kind @ (AttributeType::Boolean | AttributeType::List | AttributeType::Object)) =
            declared
        {
            let message = format!("is declared as {}, which is never a unit", name(kind));
            self.found.push((Code::WrongType, place, message));
        }
    }

    fn operator(&mut self, place: &str, reference: &'a str, condition: &Condition) {
        let Some(attribute) = self.declared(place, reference) else { return };
        let kind = attribute.attribute_type;
        let disjoint = match condition {
            Condition::Semver(_) => matches!(kind, AttributeType::Datetime | AttributeType::Ip),
            Condition::Datetime(_) => matches!(kind, AttributeType::Semver | AttributeType::Ip),
            Condition::IpInCidr(_) => {
                matches!(kind, AttributeType::Semver | AttributeType::Datetime)
            }
            _ => false,
        };
        let Some(accepted) = accepted(condition) else { return };
        if disjoint || !value_types(kind).iter().any(|value_type| accepted.contains(value_type)) {
            let message = format!(
                "is declared as {}, for which `{}` never holds",
                name(kind),
                condition.word()
            );
            self.found.push((Code::WrongType, place.into(), message));
        }
    }

    /// Values of a list that the attribute never has, where it may have others.
    fn values(&mut self, place: &str, list: &'a In) {
        let declared = self.shared.configuration.attributes.get(&list.attribute);
        let Some(kind) = declared.map(|attribute| attribute.attribute_type) else { return };
        let fits = |value: &Scalar| value_types(kind).contains(&scalar_type(value));
        if !list.values.iter().any(fits) {
            return;
        }
        for (at, _) in list.values.iter().enumerate().filter(|(_, value)| !fits(value)) {
            let message = format!("is no value of an attribute that is declared as {}", name(kind));
            self.found.push((Code::WrongType, format!("{place}/{at}"), message));
        }
    }
}

fn name(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::Boolean => "a boolean",
        AttributeType::String => "a string",
        AttributeType::Number => "a number",
        AttributeType::Semver => "a semver",
        AttributeType::Datetime => "a datetime",
        AttributeType::Ip => "an ip",
        AttributeType::List => "a list",
        AttributeType::Object => "an object",
    }
}

/// The types of the values that an attribute of this type has.
fn value_types(kind: AttributeType) -> &'static [ContextType] {
    match kind {
        AttributeType::Boolean => &[ContextType::Boolean],
        AttributeType::String | AttributeType::Semver | AttributeType::Ip => &[ContextType::String],
        AttributeType::Number => &[ContextType::Number],
        AttributeType::Datetime => &[ContextType::String, ContextType::Number],
        AttributeType::List => &[ContextType::List],
        AttributeType::Object => &[ContextType::Object],
    }
}

fn scalar_type(value: &Scalar) -> ContextType {
    match value {
        Scalar::Boolean(_) => ContextType::Boolean,
        Scalar::Number(_) => ContextType::Number,
        Scalar::String(_) => ContextType::String,
    }
}

/// The types of values for which the operator may hold; none for all of them.
pub(super) fn accepted(condition: &Condition) -> Option<Vec<ContextType>> {
    Some(match condition {
        Condition::IsType(is) => alloc::vec![is.value_type],
        Condition::Equals(equals) => alloc::vec![scalar_type(&equals.value)],
        Condition::DeepEquals(equals) => alloc::vec![match &equals.value {
            Value::Null => return None,
            Value::Bool(_) => ContextType::Boolean,
            Value::Number(_) => ContextType::Number,
            Value::String(_) => ContextType::String,
            Value::Array(_) => ContextType::List,
            Value::Object(_) => ContextType::Object,
        }],
        Condition::In(list) => list.values.iter().map(scalar_type).collect(),
        Condition::Contains(_)
        | Condition::StartsWith(_)
        | Condition::EndsWith(_)
        | Condition::Matches(_)
        | Condition::Text(_)
        | Condition::PaddedVersion(_)
        | Condition::Semver(_)
        | Condition::IpInCidr(_) => alloc::vec![ContextType::String],
        Condition::Number(NumberComparison { parse, .. })
        | Condition::UnixTime(TimeComparison { parse, .. }) => {
            let text = parse.then_some(ContextType::String);
            [ContextType::Number].into_iter().chain(text).collect()
        }
        Condition::Datetime(_) => alloc::vec![ContextType::String, ContextType::Number],
        Condition::AnyOf(_)
        | Condition::AllOf(_)
        | Condition::NoneOf(_)
        | Condition::Size(_)
        | Condition::Some(_) => alloc::vec![ContextType::List],
        _ => return None,
    })
}
