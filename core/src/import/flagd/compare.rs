//! Comparisons with JavaScript's coercions, `in`, `starts_with` and `ends_with`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::logic::{Attribute, Logic, Operand, constant, has_parts, is_text, written};
use super::plan::{Constant, Plan};
use crate::config::{Comparison, Condition, ContextType, Instant, Scalar};
use crate::import::javascript::number_of;
use crate::import::node;

/// `in` asks whether a text is part of one no longer than this.
const LONGEST_WHOLE: usize = 100;

/// How two values are compared; `!=` and `!==` are these, negated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Loose,
    Strict,
    Order(Comparison),
}

/// Which side the attribute stands on: what is compiled looks at the types only when it is the left one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Logic<'_> {
    pub(super) fn comparison(&self, operator: &str, arguments: &[Value]) -> Result<Plan, String> {
        let kind = match operator {
            "==" | "!=" => Kind::Loose,
            "===" | "!==" => Kind::Strict,
            "<" => Kind::Order(Comparison::Less),
            "<=" => Kind::Order(Comparison::LessOrEqual),
            ">" => Kind::Order(Comparison::Greater),
            _ => Kind::Order(Comparison::GreaterOrEqual),
        };
        match arguments {
            [left, right] => {
                let plan = self.compare(kind, &self.compared(left)?, &self.compared(right)?)?;
                if operator.starts_with('!') {
                    return plan
                        .then(|holds| Ok(Plan::constant(Constant::Bool(!holds.is_truthy()))));
                }
                Ok(plan)
            }
            [low, value, high] if matches!(kind, Kind::Order(_)) => {
                let (low, value, high) =
                    (self.operand(low)?, self.operand(value)?, self.operand(high)?);
                let Operand::Attribute(_) = value else {
                    return Err("between two bounds takes an attribute".into());
                };
                let above = self.compare(kind, &low, &value)?;
                let below = self.compare(kind, &value, &high)?;
                above.then(|holds| {
                    Ok(if holds.is_truthy() {
                        below.clone()
                    } else {
                        Plan::constant(holds.clone())
                    })
                })
            }
            _ => Err("takes two values".into()),
        }
    }

    /// A value among others, or a text within a text.
    pub(super) fn member(&self, arguments: &[Value]) -> Result<Plan, String> {
        let [item, whole] = arguments else { return Err("takes two values".into()) };
        if let Value::Array(values) = whole {
            let values: Vec<Constant> = values.iter().map(constant).collect::<Result<_, _>>()?;
            return match self.operand(item)? {
                Operand::Attribute(attribute) => Ok(one_of(&attribute, &values)),
                Operand::Constant(item) | Operand::FlagKey(item) => {
                    Ok(Plan::constant(Constant::Bool(values.contains(&item))))
                }
                Operand::Time => Err("looks the time up in a list".into()),
            };
        }
        match (self.operand(item)?, self.operand(whole)?) {
            (Operand::Constant(item), Operand::Attribute(whole)) => contained(&item, &whole),
            (Operand::Attribute(item), Operand::Constant(Constant::Text(whole))) => {
                part_of(&item, &whole)
            }
            (Operand::Constant(Constant::Text(item)), Operand::Constant(Constant::Text(whole))) => {
                Ok(Plan::constant(Constant::Bool(whole.contains(&item))))
            }
            _ => Err("does not compare an attribute with a constant".into()),
        }
    }

    fn compare(&self, kind: Kind, left: &Operand, right: &Operand) -> Result<Plan, String> {
        let turned = match kind {
            Kind::Order(order) => Kind::Order(turned(order)),
            other => other,
        };
        let side = if self.interpreted { Side::Left } else { Side::Right };
        match (left, right) {
            (Operand::Attribute(attribute), Operand::Constant(constant)) => {
                with_attribute(kind, attribute, constant, Side::Left)
            }
            (Operand::Constant(constant), Operand::Attribute(attribute)) => {
                with_attribute(turned, attribute, constant, side)
            }
            (Operand::Constant(left), Operand::Constant(right)) => {
                let (Constant::Text(_), Constant::Text(_)) = (left, right) else {
                    return Err("compares two constants".into());
                };
                Ok(Plan::constant(Constant::Bool(native(kind, left, right))))
            }
            (Operand::Time, Operand::Constant(Constant::Number(number))) => time(kind, *number),
            (Operand::Constant(Constant::Number(number)), Operand::Time) => time(turned, *number),
            // What is looked up on the right is looked at alone, whatever stands on the left.
            (Operand::Attribute(attribute), Operand::Time) => {
                time_with_attribute(kind, attribute, side)
            }
            (Operand::Attribute(attribute), Operand::FlagKey(key)) => {
                with_flag_key(kind, attribute, key, side)
            }
            (Operand::FlagKey(key), Operand::Attribute(attribute)) => {
                with_attribute(turned, attribute, key, side)
            }
            (Operand::FlagKey(_), _) | (_, Operand::FlagKey(_)) => {
                Err("compares the flag's key with no attribute".into())
            }
            (Operand::Time, Operand::Attribute(attribute)) => {
                time_with_attribute(turned, attribute, side)
            }
            (Operand::Time, _) | (_, Operand::Time) => {
                Err("compares the time with something that is no number".into())
            }
            (Operand::Attribute(_), Operand::Attribute(_)) => Err("compares two attributes".into()),
        }
    }

    /// `starts_with` and `ends_with`: null unless both are texts.
    pub(super) fn affix(&self, starts: bool, arguments: &Value) -> Result<Plan, String> {
        let Some([text, affix]) = arguments.as_array().map(Vec::as_slice) else {
            return Ok(Plan::constant(Constant::Null));
        };
        let (attribute, test) = match (self.operand(text)?, self.operand(affix)?) {
            (Operand::Attribute(attribute), Operand::Constant(Constant::Text(affix))) => {
                let texts = node::texts(&attribute.name, alloc::vec![affix], false);
                let test = if starts { Condition::StartsWith } else { Condition::EndsWith };
                (attribute, test(texts))
            }
            (Operand::Constant(Constant::Text(text)), Operand::Attribute(attribute)) => {
                let cuts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
                let part = |at| if starts { text.get(..at) } else { text.get(at..) };
                let parts = cuts.filter_map(part).map(|part| Scalar::String(part.to_string()));
                let test = node::one_of(&attribute.name, parts.collect(), false);
                (attribute, test)
            }
            (Operand::Constant(text), Operand::Constant(affix)) => {
                return Ok(Plan::constant(match (text, affix) {
                    (Constant::Text(text), Constant::Text(affix)) if starts => {
                        Constant::Bool(text.starts_with(&affix))
                    }
                    (Constant::Text(text), Constant::Text(affix)) => {
                        Constant::Bool(text.ends_with(&affix))
                    }
                    _ => Constant::Null,
                }));
            }
            (Operand::Attribute(_), Operand::Constant(_))
            | (Operand::Constant(_), Operand::Attribute(_)) => {
                return Ok(Plan::constant(Constant::Null));
            }
            _ => return Err("does not compare an attribute with a constant".into()),
        };
        if attribute.default != Constant::Null {
            return Err("has a default for its attribute".into());
        }
        let mut plan = Plan::empty();
        plan.case(alloc::vec![test], Constant::Bool(true));
        plan.case(alloc::vec![is_text(&attribute.name)], Constant::Bool(false));
        plan.case(Vec::new(), Constant::Null);
        Ok(plan)
    }
}

fn turned(order: Comparison) -> Comparison {
    match order {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        Comparison::Greater => Comparison::Less,
        other => other,
    }
}

/// The conditions under which a comparison holds, and those under which the engine gives up.
struct Cases {
    holds: Vec<Condition>,
    fails: Vec<Condition>,
}

impl Cases {
    fn add(&mut self, when: Condition, result: Option<bool>) {
        match result {
            Some(true) => self.holds.push(when),
            Some(false) => {}
            None => self.fails.push(when),
        }
    }
}

/// `side`: where the attribute stands; `kind` is as if it stood on the left.
fn with_attribute(
    kind: Kind,
    attribute: &Attribute,
    constant: &Constant,
    side: Side,
) -> Result<Plan, String> {
    let name = attribute.name.as_str();
    let equals = |value| node::equals(name, value, false);
    let known = |value: &Constant| result(kind, value, constant, side);
    let mut cases = Cases { holds: Vec::new(), fails: Vec::new() };
    cases.add(node::not(node::exists(name)), known(&attribute.default));
    for value in [true, false] {
        cases.add(equals(Scalar::Boolean(value)), known(&Constant::Bool(value)));
    }
    let number = number(constant);
    let order = match kind {
        Kind::Order(order) => order,
        Kind::Loose | Kind::Strict => Comparison::Equal,
    };
    let is_number = node::is_type(name, ContextType::Number);
    match (kind, constant) {
        (Kind::Strict, constant) => {
            if let Some(value) =
                scalar(constant).filter(|value| !matches!(value, Scalar::Boolean(_)))
            {
                cases.holds.push(equals(value));
            }
        }
        // Null is 0 to the engine when it stands on the right, and to JavaScript's order.
        (Kind::Loose, Constant::Null) => {
            if side == Side::Left {
                cases.holds.push(equals(Scalar::Number(0.0)));
            }
        }
        (Kind::Order(_), Constant::Null) => {
            cases.add(equals(Scalar::String(String::new())), known(&Constant::Text(String::new())));
            cases.holds.push(node::number(name, order, 0.0, true));
        }
        (_, Constant::Text(text)) => {
            match number {
                Some(number) if number.is_finite() => {
                    cases.holds.push(node::number(name, order, number, false));
                }
                Some(_) => return Err("compares with an infinite number".into()),
                None => {
                    let fails = result(kind, &Constant::Number(1.0), constant, side);
                    cases.add(is_number, fails);
                }
            }
            cases.holds.push(match kind {
                Kind::Order(order) => Condition::Text(node::text(name, order, text)),
                _ => equals(Scalar::String(text.clone())),
            });
        }
        (_, Constant::Bool(_) | Constant::Number(_)) => {
            let number = number.unwrap_or_default();
            cases.add(equals(Scalar::String(String::new())), known(&Constant::Text(String::new())));
            cases.holds.push(node::number(name, order, number, true));
            let parsed = |is| node::not(node::number(name, is, 0.0, true));
            let no_number = node::all([
                is_text(name),
                node::not(equals(Scalar::String(String::new()))),
                parsed(Comparison::Equal),
                parsed(Comparison::NotEqual),
            ]);
            cases.add(no_number, known(&Constant::Text("no number".into())));
        }
        (
            _,
            Constant::Unnamed
            | Constant::Listed(_)
            | Constant::Empty
            | Constant::Other
            | Constant::Error,
        ) => {
            return Err("compares with no constant".into());
        }
    }
    if kind != Kind::Strict {
        cases.fails.push(has_parts(name));
    }
    // Everything but texts: in fewer words.
    let all_but_text =
        matches!(constant, Constant::Text(_)) && number.is_none() && side == Side::Left;
    if all_but_text && kind != Kind::Strict {
        let fails_by_default = known(&attribute.default).is_none();
        cases.fails = alloc::vec![node::all([node::exists(name), node::not(is_text(name))])];
        if fails_by_default {
            cases.fails.push(node::not(node::exists(name)));
        }
    }
    let mut plan = Plan::empty();
    for fails in cases.fails {
        plan.case(alloc::vec![fails], Constant::Error);
    }
    plan.case(alloc::vec![node::any(cases.holds)], Constant::Bool(true));
    plan.case(Vec::new(), Constant::Bool(false));
    Ok(plan.simplify())
}

/// An attribute compared with the flag's key, which stands on the right.
fn with_flag_key(
    kind: Kind,
    attribute: &Attribute,
    key: &Constant,
    side: Side,
) -> Result<Plan, String> {
    if matches!(kind, Kind::Order(_)) {
        return Err("orders an attribute and the flag's key".into());
    }
    let plan = with_attribute(kind, attribute, key, side)?;
    if side == Side::Left || kind == Kind::Strict {
        return Ok(plan);
    }
    // Lists and objects are what JavaScript makes of them.
    let name = attribute.name.as_str();
    let text = key.text().unwrap_or_default();
    let single = node::all([
        node::size(name, Comparison::Equal, 1.0),
        node::some(name, node::one_of("", written(&text), false)),
    ]);
    let mut whole = Plan::empty();
    whole.case(alloc::vec![single], Constant::Bool(true));
    whole.case(alloc::vec![has_parts(name)], Constant::Bool(false));
    whole.append(&[], plan);
    Ok(whole.simplify())
}

/// What the engine answers for two scalars; none when it gives up.
fn result(kind: Kind, value: &Constant, constant: &Constant, side: Side) -> Option<bool> {
    let textual = |value: &Constant| matches!(value, Constant::Text(_) | Constant::Null);
    let unchecked = side == Side::Right || kind == Kind::Strict;
    if unchecked || (textual(value) && textual(constant)) {
        return Some(native(kind, value, constant));
    }
    if number(constant).is_none() && *value != Constant::Null {
        return None;
    }
    number(value)?;
    // The engine puts null and 0 together.
    if *value == Constant::Null && !constant.is_truthy() {
        return Some(native(kind, &Constant::Null, &Constant::Null));
    }
    if *constant == Constant::Null && !value.is_truthy() {
        return Some(native(kind, value, &Constant::Number(0.0)));
    }
    Some(native(kind, value, constant))
}

/// JavaScript's own comparison of scalars.
fn native(kind: Kind, left: &Constant, right: &Constant) -> bool {
    let order = match (left, right) {
        (Constant::Text(left), Constant::Text(right)) => Some(left.cmp(right)),
        _ => number(left).zip(number(right)).and_then(|(left, right)| left.partial_cmp(&right)),
    };
    match kind {
        Kind::Strict => left == right,
        Kind::Loose if *left == Constant::Null || *right == Constant::Null => left == right,
        Kind::Loose => order == Some(core::cmp::Ordering::Equal),
        Kind::Order(compared) => order.is_some_and(|order| match compared {
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Equal => order.is_eq(),
            Comparison::GreaterOrEqual => order.is_ge(),
            Comparison::Greater => order.is_gt(),
            Comparison::NotEqual => order.is_ne(),
        }),
    }
}

/// The number of a scalar to JavaScript.
fn number(constant: &Constant) -> Option<f64> {
    match constant {
        Constant::Null => Some(0.0),
        Constant::Bool(value) => Some(f64::from(u8::from(*value))),
        Constant::Number(number) => Some(*number),
        Constant::Text(text) => number_of(text),
        Constant::Unnamed
        | Constant::Listed(_)
        | Constant::Empty
        | Constant::Other
        | Constant::Error => None,
    }
}

pub(super) fn scalar(constant: &Constant) -> Option<Scalar> {
    match constant {
        Constant::Bool(value) => Some(Scalar::Boolean(*value)),
        Constant::Number(number) => Some(Scalar::Number(*number)),
        Constant::Text(text) => Some(Scalar::String(text.clone())),
        Constant::Null
        | Constant::Unnamed
        | Constant::Listed(_)
        | Constant::Empty
        | Constant::Other
        | Constant::Error => None,
    }
}

/// Whole seconds compared with a number.
fn time(kind: Kind, seconds: f64) -> Result<Plan, String> {
    let mut plan = Plan::empty();
    plan.case(alloc::vec![time_condition(kind, seconds)?], Constant::Bool(true));
    plan.case(Vec::new(), Constant::Bool(false));
    Ok(plan)
}

fn time_condition(kind: Kind, seconds: f64) -> Result<Condition, String> {
    let order = order_of(kind);
    if seconds.abs() > 9e12 {
        return Err(format!("compares the time with {seconds}"));
    }
    let whole = seconds as i64 - i64::from((seconds as i64) as f64 > seconds);
    let fraction = whole as f64 != seconds;
    let at = |is, second: i64| Condition::Now(Instant { is, value: second * 1000 });
    let from = Comparison::GreaterOrEqual;
    Ok(match order {
        Comparison::Less => at(Comparison::Less, whole + i64::from(fraction)),
        Comparison::LessOrEqual => at(Comparison::Less, whole + 1),
        Comparison::GreaterOrEqual => at(from, whole + i64::from(fraction)),
        Comparison::Greater => at(from, whole + 1),
        _ if fraction => node::never(),
        _ => node::all([at(from, whole), at(Comparison::Less, whole + 1)]),
    })
}

fn order_of(kind: Kind) -> Comparison {
    match kind {
        Kind::Order(order) => order,
        Kind::Loose | Kind::Strict => Comparison::Equal,
    }
}

/// An attribute compared with the time; `side`: where the attribute stands, and `kind` is as if it stood on the left.
fn time_with_attribute(kind: Kind, attribute: &Attribute, side: Side) -> Result<Plan, String> {
    let name = attribute.name.as_str();
    // The time is some number of seconds that is not 0.
    let some_time = Constant::Number(1.7e9);
    let backward = match kind {
        Kind::Order(order) => Kind::Order(turned(order)),
        other => other,
    };
    let mut plan = Plan::empty();
    let values = [
        (node::not(node::exists(name)), attribute.default.clone()),
        (node::equals(name, Scalar::Boolean(true), false), Constant::Bool(true)),
        (node::equals(name, Scalar::Boolean(false), false), Constant::Bool(false)),
        (node::equals(name, Scalar::String(String::new()), false), Constant::Text(String::new())),
    ];
    let mut holds = Vec::new();
    for (is, value) in values {
        // Null and the time are never equal, and nothing but a number is strictly.
        let unequal = kind == Kind::Strict && !matches!(value, Constant::Number(_))
            || kind == Kind::Loose && value == Constant::Null;
        match (result(kind, &value, &some_time, side), number(&value)) {
            (None, _) => plan.case(alloc::vec![is], Constant::Error),
            (Some(_), Some(number)) if !unequal => {
                holds.push(node::all([is, time_condition(backward, number)?]));
            }
            _ => {}
        }
    }
    holds.push(node::unix_time(name, order_of(kind), kind != Kind::Strict));
    if kind != Kind::Strict {
        let parsed = |is| node::not(node::number(name, is, 0.0, true));
        let no_number = [
            is_text(name),
            node::not(node::equals(name, Scalar::String(String::new()), false)),
            parsed(Comparison::Equal),
            parsed(Comparison::NotEqual),
        ];
        if result(kind, &Constant::Text("no number".into()), &some_time, side).is_none() {
            plan.case(no_number.to_vec(), Constant::Error);
        }
        plan.case(alloc::vec![has_parts(name)], Constant::Error);
    }
    plan.case(alloc::vec![node::any(holds)], Constant::Bool(true));
    plan.case(Vec::new(), Constant::Bool(false));
    Ok(plan.simplify())
}

/// An attribute among constants: nothing is converted.
fn one_of(attribute: &Attribute, values: &[Constant]) -> Plan {
    let missing = node::constant(values.contains(&attribute.default));
    let holds = node::any([
        node::one_of(&attribute.name, values.iter().filter_map(scalar).collect(), false),
        node::all([node::not(node::exists(&attribute.name)), missing]),
    ]);
    let mut plan = Plan::empty();
    plan.case(alloc::vec![holds], Constant::Bool(true));
    plan.case(Vec::new(), Constant::Bool(false));
    plan
}

/// A constant within an attribute that is a text or a list.
fn contained(item: &Constant, whole: &Attribute) -> Result<Plan, String> {
    if whole.default != Constant::Null {
        return Err("has a default for its attribute".into());
    }
    let name = whole.name.as_str();
    let text = match item {
        Constant::Null => "null".to_string(),
        item => item.text().ok_or("looks for no text")?,
    };
    let not_empty = node::not(node::equals(name, Scalar::String(String::new()), false));
    let within = node::all([
        is_text(name),
        not_empty,
        Condition::Contains(node::texts(name, alloc::vec![text], false)),
    ]);
    let element = match scalar(item) {
        Some(value) => node::some(name, node::one_of("", alloc::vec![value], false)),
        None => node::some(name, node::not(node::exists(""))),
    };
    // Numbers but 0, true and objects have nothing that could be searched.
    let fails = node::any([
        node::number(name, Comparison::NotEqual, 0.0, false),
        node::equals(name, Scalar::Boolean(true), false),
        node::is_type(name, ContextType::Object),
    ]);
    let mut plan = Plan::empty();
    plan.case(alloc::vec![fails], Constant::Error);
    plan.case(alloc::vec![node::any([within, element])], Constant::Bool(true));
    plan.case(Vec::new(), Constant::Bool(false));
    Ok(plan)
}

/// An attribute within a constant text: one of the text's parts.
fn part_of(item: &Attribute, whole: &str) -> Result<Plan, String> {
    if item.default != Constant::Null {
        return Err("has a default for its attribute".into());
    }
    if whole.is_empty() {
        // Nothing is searched at all.
        return Ok(Plan::constant(Constant::Bool(false)));
    }
    if whole.len() > LONGEST_WHOLE || whole.contains(',') {
        return Err(format!(
            "looks an attribute up in a text over {LONGEST_WHOLE} bytes or with a comma"
        ));
    }
    let name = item.name.as_str();
    let cuts: Vec<usize> = whole.char_indices().map(|(at, _)| at).chain([whole.len()]).collect();
    let mut parts: Vec<&str> = Vec::new();
    for (at, from) in cuts.iter().enumerate() {
        let ends = cuts.iter().skip(at);
        parts.extend(ends.filter_map(|to| whole.get(*from..*to)));
    }
    parts.sort_unstable();
    parts.dedup();
    let values =
        |text: &&str| written(text).into_iter().filter(|one| !matches!(one, Scalar::Boolean(_)));
    let mut values: Vec<Scalar> = parts.iter().flat_map(values).collect();
    for value in [true, false] {
        if whole.contains(if value { "true" } else { "false" }) {
            values.push(Scalar::Boolean(value));
        }
    }
    let element = node::any([node::one_of("", values.clone(), false), node::not(node::exists(""))]);
    let single = node::all([node::size(name, Comparison::Equal, 1.0), node::some(name, element)]);
    let holds = node::any([
        node::one_of(name, values, false),
        // Lists are joined by commas, which the text does not have.
        node::size(name, Comparison::Equal, 0.0),
        single,
        node::all([node::not(node::exists(name)), node::constant(whole.contains("null"))]),
        node::all([
            node::is_type(name, ContextType::Object),
            node::constant(whole.contains("[object Object]")),
        ]),
    ]);
    let mut plan = Plan::empty();
    plan.case(alloc::vec![holds], Constant::Bool(true));
    plan.case(Vec::new(), Constant::Bool(false));
    Ok(plan)
}
