//! Conditions: Mongo's operators with JavaScript's coercions, each of them written out.
//!
//! A missing attribute is null in GrowthBook, and null is missing here.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::coercion;
use crate::config::{Comparison, Condition, ContextType, In, Scalar};
use crate::context::TARGETING_KEY;
use crate::import::node;
use crate::import::regexp;
use crate::limits::MAX_CONTEXT_DEPTH;

/// Where the groups come from, and in what a condition's names are looked up.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    pub(super) groups: Option<&'a Map<String, Value>>,
    /// Names are those of the context, where `id` is the targeting key, and not of a list's element or of another flag's value.
    pub(super) context: bool,
    /// All the numbers that there can be, where that is known.
    pub(super) numbers: Vec<f64>,
    /// Condition groups that are being resolved.
    pub(super) visited: BTreeSet<String>,
}

/// `evalCondition`.
pub(super) fn condition(scope: &Scope<'_>, json: &Value) -> Result<Condition, String> {
    let Value::Object(fields) = json else {
        return Err(format!("the condition `{json}` is no object"));
    };
    let mut list = Vec::new();
    for (name, value) in fields {
        list.push(match name.as_str() {
            "$or" => or(scope, value)?,
            "$nor" => node::not(or(scope, value)?),
            "$and" => node::all(conditions(scope, value)?),
            "$not" => node::not(condition(scope, value)?),
            "$savedGroup" => saved_group(scope, value)?,
            path => of_value(scope, &attribute(scope, path)?, value)
                .map_err(|reason| format!("`{path}`: {reason}"))?,
        });
    }
    Ok(node::all(list))
}

fn conditions(scope: &Scope<'_>, json: &Value) -> Result<Vec<Condition>, String> {
    let Value::Array(list) = json else {
        return Err(format!("`{json}` is no list of conditions"));
    };
    list.iter().map(|json| condition(scope, json)).collect()
}

/// Without any it holds.
fn or(scope: &Scope<'_>, json: &Value) -> Result<Condition, String> {
    let list = conditions(scope, json)?;
    Ok(if list.is_empty() { node::always() } else { node::any(list) })
}

/// The attribute at a path with dots.
fn attribute(scope: &Scope<'_>, path: &str) -> Result<String, String> {
    let mut names: Vec<&str> = path.split('.').collect();
    for (at, name) in names.iter().enumerate() {
        let of_lists =
            at > 0 && (*name == "length" || name.bytes().all(|byte| byte.is_ascii_digit()));
        if name.is_empty() || of_lists || of_every_object(name) {
            return Err(format!(
                "the path `{path}` may reach into a list, or to what every JavaScript object has"
            ));
        }
    }
    if scope.context
        && let Some(first) = names.first_mut()
    {
        if *first == TARGETING_KEY {
            return Err(format!(
                "an attribute cannot be called `{TARGETING_KEY}` here: that is what `id` becomes"
            ));
        }
        if *first == "id" {
            *first = TARGETING_KEY;
        }
    }
    Ok(match names.as_slice() {
        [name] => node::name(name),
        names => node::pointer(names.iter().copied()),
    })
}

fn of_every_object(name: &str) -> bool {
    matches!(
        name,
        "constructor"
            | "toString"
            | "toLocaleString"
            | "valueOf"
            | "hasOwnProperty"
            | "isPrototypeOf"
            | "propertyIsEnumerable"
    ) || name.starts_with("__")
}

/// The attribute that `hashAttribute` names.
pub(super) fn unit(name: &str) -> Result<String, String> {
    match name {
        "id" => Ok(TARGETING_KEY.into()),
        "" | TARGETING_KEY => Err(format!("an attribute cannot be called `{name}` here")),
        name if of_every_object(name) => {
            Err(format!("`{name}` is something that every JavaScript object has"))
        }
        name => Ok(node::name(name)),
    }
}

/// `evalConditionValue`: what `json` asks of the attribute `of`.
pub(super) fn of_value(scope: &Scope<'_>, of: &str, json: &Value) -> Result<Condition, String> {
    match json {
        Value::String(text) => Ok(coercion::equals_text(of, text, false)),
        Value::Number(number) => Ok(coercion::equals_number(of, float(number)?)),
        Value::Bool(value) => Ok(coercion::equals_boolean(of, *value)),
        Value::Null => Ok(node::not(node::exists(of))),
        Value::Array(_) => same_json(of, json),
        Value::Object(fields) if is_operators(fields) => {
            let list = fields.iter().map(|(operator, operand)| {
                operation(scope, of, operator, operand)
                    .map_err(|reason| format!("{operator}: {reason}"))
            });
            Ok(node::all(list.collect::<Result<Vec<_>, _>>()?))
        }
        Value::Object(_) => same_json(of, json),
    }
}

fn is_operators(fields: &Map<String, Value>) -> bool {
    !fields.is_empty() && fields.keys().all(|name| name.starts_with('$'))
}

/// Lists and objects are compared as their JSON.
fn same_json(of: &str, json: &Value) -> Result<Condition, String> {
    if json.as_array().is_some_and(Vec::is_empty) {
        return Ok(node::size(of, Comparison::Equal, 0.0));
    }
    if !is_in_one_order(json) {
        return Err("compares an object of several names, whose order counts to some of GrowthBook's SDKs and not to others".into());
    }
    // No context holds more.
    if levels(json) >= MAX_CONTEXT_DEPTH {
        return Ok(node::never());
    }
    Ok(node::deep_equals(of, json.clone()))
}

fn is_in_one_order(json: &Value) -> bool {
    match json {
        Value::Array(list) => list.iter().all(is_in_one_order),
        Value::Object(object) => object.len() < 2 && object.values().all(is_in_one_order),
        _ => true,
    }
}

fn levels(json: &Value) -> usize {
    match json {
        Value::Array(list) => 1 + list.iter().map(levels).max().unwrap_or(0),
        Value::Object(object) => 1 + object.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}

/// `evalOperatorCondition`.
fn operation(
    scope: &Scope<'_>,
    of: &str,
    operator: &str,
    operand: &Value,
) -> Result<Condition, String> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    match operator {
        "$veq" => coercion::version(of, Equal, operand),
        "$vne" => coercion::version(of, NotEqual, operand),
        "$vgt" => coercion::version(of, Greater, operand),
        "$vgte" => coercion::version(of, GreaterOrEqual, operand),
        "$vlt" => coercion::version(of, Less, operand),
        "$vlte" => coercion::version(of, LessOrEqual, operand),
        "$eq" => equals_strictly(of, operand),
        "$ne" => equals_strictly(of, operand).map(node::not),
        "$lt" => coercion::ordered(of, Less, operand),
        "$lte" => coercion::ordered(of, LessOrEqual, operand),
        "$gt" => coercion::ordered(of, Greater, operand),
        "$gte" => coercion::ordered(of, GreaterOrEqual, operand),
        "$exists" => {
            let exists = node::exists(of);
            Ok(if coercion::is_true(operand) { exists } else { node::not(exists) })
        }
        "$in" | "$ini" => match operand {
            Value::Array(list) => is_in(of, list, operator == "$ini"),
            _ => Ok(node::never()),
        },
        "$nin" | "$nini" => match operand {
            Value::Array(list) => is_in(of, list, operator == "$nini").map(node::not),
            _ => Ok(node::never()),
        },
        "$inGroup" | "$notInGroup" => {
            let Some(values) = group_values(scope, operand)? else { return Ok(node::never()) };
            let inside = is_in(of, values, false)?;
            Ok(if operator == "$inGroup" { inside } else { node::not(inside) })
        }
        "$not" => of_value(scope, of, operand).map(node::not),
        "$size" => size(of, operand),
        "$elemMatch" => element(scope, of, operand),
        "$all" | "$alli" => match operand {
            Value::Array(list) => all(scope, of, list, operator == "$alli"),
            _ => Ok(node::never()),
        },
        "$regex" | "$regexi" => match operand.as_str() {
            Some(pattern) => match regexp::of_javascript(pattern, operator == "$regexi")? {
                Some(pattern) => coercion::matches(of, &pattern, &scope.numbers),
                None => Ok(node::never()),
            },
            // To the SDK it depends on which patterns came before.
            None => Err(format!("the regular expression `{operand}` is no text")),
        },
        "$type" => Ok(match operand.as_str() {
            Some("null") => node::not(node::exists(of)),
            Some("string") => node::is_type(of, ContextType::String),
            Some("number") => node::is_type(of, ContextType::Number),
            Some("boolean") => node::is_type(of, ContextType::Boolean),
            Some("array") => node::is_type(of, ContextType::List),
            Some("object") => node::is_type(of, ContextType::Object),
            _ => node::never(),
        }),
        "$notRegex" | "$notRegexi" => {
            Err("GrowthBook's SDKs disagree about it: write `$not` around `$regex`".into())
        }
        // What GrowthBook does not know does not hold.
        _ => Ok(node::never()),
    }
}

fn float(number: &serde_json::Number) -> Result<f64, String> {
    number
        .as_f64()
        .filter(|number| number.is_finite())
        .ok_or_else(|| format!("`{number}` is out of range"))
}

fn scalar(json: &Value) -> Result<Option<Scalar>, String> {
    Ok(match json {
        Value::Bool(value) => Some(Scalar::Boolean(*value)),
        Value::Number(number) => Some(Scalar::Number(float(number)?)),
        Value::String(text) => Some(Scalar::String(text.clone())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    })
}

/// `===`; a list or an object is never another one.
fn equals_strictly(of: &str, json: &Value) -> Result<Condition, String> {
    Ok(match scalar(json)? {
        Some(value) => node::equals(of, value, false),
        None if json.is_null() => node::not(node::exists(of)),
        None => node::never(),
    })
}

/// `isIn`: the value, or an element of it, is one of these.
fn is_in(of: &str, list: &[Value], ignore_case: bool) -> Result<Condition, String> {
    /// Of one list in a chunk, in bytes; a larger one would not fit.
    const MOST: usize = 200_000;
    let mut values = Vec::new();
    for value in list {
        values.extend(scalar(value)?);
    }
    let bytes: usize = list.iter().map(|value| 24 + value.as_str().map_or(0, str::len)).sum();
    if bytes > MOST {
        return Err(format!("lists {} values, which is more than fits", list.len()));
    }
    let mut ways = Vec::new();
    if !values.is_empty() {
        ways.push(node::one_of(of, values.clone(), ignore_case));
        ways.push(Condition::AnyOf(In { attribute: of.into(), values, ignore_case }));
    }
    if list.iter().any(Value::is_null) {
        ways.push(node::not(node::exists(of)));
        ways.push(node::some(of, node::not(node::exists(""))));
    }
    Ok(node::any(ways))
}

/// `getSavedGroupArrayValues`; none for a group that is no list.
fn group_values<'a>(scope: &Scope<'a>, id: &Value) -> Result<Option<&'a [Value]>, String> {
    let Some(id) = id.as_str() else { return Err("names no group".into()) };
    Ok(match scope.groups.and_then(|groups| groups.get(id)) {
        None => Some(&[]),
        Some(Value::Array(list)) => Some(list),
        Some(group) if group.get("type").and_then(Value::as_str) == Some("list") => {
            group.get("values").and_then(Value::as_array).map(Vec::as_slice)
        }
        Some(_) => None,
    })
}

/// `evalSavedGroup`.
fn saved_group(scope: &Scope<'_>, reference: &Value) -> Result<Condition, String> {
    let Some(id) = reference.get("id").and_then(Value::as_str) else { return Ok(node::never()) };
    let key = reference.get("attributeKey");
    if scope.visited.contains(id) || key.is_some_and(|key| !key.is_string()) {
        return Ok(node::never());
    }
    let Some(Value::Object(group)) = scope.groups.and_then(|groups| groups.get(id)) else {
        return Ok(node::never());
    };
    match group.get("type").and_then(Value::as_str) {
        Some("list") => {
            let key = key.or_else(|| group.get("attributeKey")).and_then(Value::as_str);
            let (Some(key), Some(Value::Array(values))) = (key, group.get("values")) else {
                return Ok(node::never());
            };
            is_in(&attribute(scope, key)?, values, false)
        }
        Some("condition") => match group.get("condition") {
            Some(inside @ Value::Object(_)) => {
                let mut scope = scope.clone();
                scope.visited.insert(id.to_string());
                condition(&scope, inside).map_err(|reason| format!("group `{id}`: {reason}"))
            }
            _ => Ok(node::never()),
        },
        _ => Ok(node::never()),
    }
}

/// What is asked of a list's length.
fn size(of: &str, json: &Value) -> Result<Condition, String> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let is_list = || node::is_type(of, ContextType::List);
    let fields = match json {
        Value::Number(number) => return Ok(node::size(of, Equal, float(number)?)),
        Value::Object(fields) if is_operators(fields) => fields,
        _ => return Err(format!("`{json}` is no size")),
    };
    let mut list = Vec::from([is_list()]);
    for (operator, operand) in fields {
        let is = match operator.as_str() {
            "$eq" => Equal,
            "$ne" => NotEqual,
            "$lt" => Less,
            "$lte" => LessOrEqual,
            "$gt" => Greater,
            "$gte" => GreaterOrEqual,
            _ => return Err(format!("`{operator}` of a size is not supported")),
        };
        let Value::Number(number) = operand else {
            return Err(format!("`{operand}` is no size"));
        };
        list.push(node::size(of, is, float(number)?));
    }
    if list.len() > 1 {
        list.remove(0);
    }
    Ok(node::all(list))
}

/// An element that is not null meets the condition.
fn element(scope: &Scope<'_>, of: &str, json: &Value) -> Result<Condition, String> {
    let inside = Scope { context: false, ..scope.clone() };
    let when = match json {
        Value::Object(fields) if is_operators(fields) => of_value(&inside, "", json)?,
        _ => condition(&inside, json)?,
    };
    let when =
        if coercion::holds_for_missing(&when) { node::all([node::exists(""), when]) } else { when };
    Ok(node::some(of, when))
}

/// For each of these some element meets it, null or not.
fn all(
    scope: &Scope<'_>,
    of: &str,
    list: &[Value],
    ignore_case: bool,
) -> Result<Condition, String> {
    let inside = Scope { context: false, ..scope.clone() };
    let mut conditions = Vec::new();
    for json in list {
        let when = match json {
            Value::String(text) => coercion::equals_text("", text, ignore_case),
            json => of_value(&inside, "", json)?,
        };
        conditions.push(node::some(of, when));
    }
    if conditions.is_empty() {
        return Ok(node::is_type(of, ContextType::List));
    }
    Ok(node::all(conditions))
}
