//! Expressions of JsonLogic, as flagd's engine for JavaScript evaluates them (json-logic-engine 5, compiled).
//!
//! An expression becomes a plan: its conditions are ours, what it comes to are constants.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::compare::scalar;
use super::plan::{Constant, Plan};
use crate::config::{Comparison, Condition, ContextType, Scalar};
use crate::import::javascript::number_of;
use crate::import::node;

/// The expressions of one flag.
#[derive(Clone)]
pub(super) struct Logic<'a> {
    pub(super) flag: &'a str,
    pub(super) variants: Vec<&'a str>,
    pub(super) evaluators: Option<&'a Map<String, Value>>,
    /// The engine compiles expressions, but for what stands in an `if` without an else: that it interprets, and then compares and joins
    /// texts a little differently.
    pub(super) interpreted: bool,
}

/// What is compared.
pub(super) enum Operand {
    Constant(Constant),
    /// A constant that the engine looks up as it does an attribute.
    FlagKey(Constant),
    Attribute(Attribute),
    /// Unix seconds.
    Time,
}

/// An attribute of the context, and what stands in for it when it is missing.
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) default: Constant,
}

/// What is asked of an expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Value,
    Truth,
}

impl Logic<'_> {
    /// What the expression comes to.
    pub(super) fn value(&self, expression: &Value) -> Result<Plan, String> {
        self.plan(expression, Want::Value)
    }

    /// Whether what it comes to counts as true.
    fn truth(&self, expression: &Value) -> Result<Plan, String> {
        self.plan(expression, Want::Truth)?
            .then(|constant| Ok(Plan::constant(Constant::Bool(constant.is_truthy()))))
    }

    fn plan(&self, expression: &Value, want: Want) -> Result<Plan, String> {
        let object = match expression {
            Value::Array(_) => return Err("has a list where a value is needed".into()),
            Value::Object(object) => object,
            scalar => return Ok(Plan::constant(constant(scalar)?)),
        };
        let (operator, arguments) = only(object)?;
        let inside = |plan: Result<Plan, String>| plan.map_err(|reason| join(operator, reason));
        let list = || arguments.as_array().ok_or_else(|| format!("`{operator}` takes a list"));
        match operator {
            "$ref" => self.plan(self.evaluator(arguments)?, want),
            "var" => match self.operand(expression)? {
                Operand::Constant(constant) | Operand::FlagKey(constant) => {
                    Ok(Plan::constant(constant))
                }
                Operand::Attribute(attribute) => Ok(self.attribute(&attribute, want)),
                Operand::Time => Err("the time is no value of a variant".into()),
            },
            "if" | "?:" => {
                let list = list()?;
                let interpreted = self.interpreted || list.len() < 3;
                Logic { interpreted, ..self.clone() }.choice(list, want)
            }
            "and" | "or" => self.junction(list()?, operator == "and", want),
            "!" | "!!" => {
                let argument = match arguments {
                    Value::Array(list) => list.first().ok_or("`!` needs something to negate")?,
                    argument => argument,
                };
                let negated = operator == "!";
                self.truth(argument)?
                    .then(|holds| Ok(Plan::constant(Constant::Bool(holds.is_truthy() != negated))))
            }
            "==" | "!=" | "===" | "!==" | "<" | "<=" | ">" | ">=" => {
                inside(self.comparison(operator, list()?))
            }
            "in" => inside(self.member(list()?)),
            "starts_with" | "ends_with" => inside(self.affix(operator == "starts_with", arguments)),
            "sem_ver" => inside(self.version(arguments)),
            "fractional" => inside(self.fractional(arguments)),
            _ => Err(format!("has the operator `{operator}`, which is not imported")),
        }
    }

    fn evaluator(&self, name: &Value) -> Result<&Value, String> {
        let found = name.as_str().and_then(|name| self.evaluators?.get(name));
        let evaluator =
            found.ok_or_else(|| format!("refers to the evaluator {name}, which is not there"))?;
        if refers(evaluator) {
            return Err(format!(
                "evaluator {name} refers to another, which flagd resolves in some orders only"
            ));
        }
        Ok(evaluator)
    }

    fn choice(&self, arguments: &[Value], want: Want) -> Result<Plan, String> {
        match arguments {
            [] => Ok(Plan::constant(Constant::Null)),
            [last] => self.plan(last, want),
            [condition, then, otherwise @ ..] => {
                let test = self.truth(condition)?;
                let then = self.plan(then, want)?;
                let otherwise = self.choice(otherwise, want)?;
                test.then(|holds| {
                    Ok(if holds.is_truthy() { then.clone() } else { otherwise.clone() })
                })
            }
        }
    }

    /// The first that is false, or for `or` true; else the last.
    fn junction(&self, arguments: &[Value], and: bool, want: Want) -> Result<Plan, String> {
        let Some((first, rest)) = arguments.split_first() else {
            return Ok(Plan::constant(Constant::Null));
        };
        let plan = if want == Want::Truth { self.truth(first)? } else { self.value(first)? };
        if rest.is_empty() {
            return Ok(plan);
        }
        let rest = self.junction(rest, and, want)?;
        plan.then(|constant| {
            let decides = constant.is_truthy() != and;
            Ok(if decides { Plan::constant(constant.clone()) } else { rest.clone() })
        })
    }

    /// An attribute as a value: those that are names of variants apart from each other.
    fn attribute(&self, attribute: &Attribute, want: Want) -> Plan {
        let name = attribute.name.as_str();
        let equals = |value| node::equals(name, value, false);
        let text = |text: &str| equals(Scalar::String(text.to_string()));
        let mut plan = Plan::empty();
        plan.case(alloc::vec![node::not(node::exists(name))], attribute.default.clone());
        plan.case(alloc::vec![equals(Scalar::Boolean(false))], Constant::Bool(false));
        plan.case(alloc::vec![equals(Scalar::Number(0.0))], Constant::Number(0.0));
        plan.case(alloc::vec![text("")], Constant::Text(String::new()));
        let empty = node::size(name, Comparison::Equal, 0.0);
        plan.case(alloc::vec![empty], Constant::Empty);
        if want == Want::Truth {
            plan.case(Vec::new(), Constant::Bool(true));
            return plan.simplify();
        }
        for variant in &self.variants {
            let single = node::size(name, Comparison::Equal, 1.0);
            let element = node::some(name, node::one_of("", written(variant), false));
            plan.case(alloc::vec![single, element], Constant::Listed((*variant).to_string()));
        }
        plan.case(alloc::vec![has_parts(name)], Constant::Other);
        plan.case(alloc::vec![equals(Scalar::Boolean(true))], Constant::Bool(true));
        for variant in &self.variants {
            plan.case(alloc::vec![text(variant)], Constant::Text((*variant).to_string()));
            for value in written(variant) {
                if let Scalar::Number(number) = value {
                    plan.case(alloc::vec![equals(value)], Constant::Number(number));
                }
            }
        }
        plan.case(Vec::new(), Constant::Unnamed);
        plan
    }

    /// A constant, an attribute or the time.
    pub(super) fn operand(&self, expression: &Value) -> Result<Operand, String> {
        Ok(match self.compared(expression)? {
            Operand::FlagKey(key) => Operand::Constant(key),
            other => other,
        })
    }

    /// The flag's key apart from constants.
    pub(super) fn compared(&self, expression: &Value) -> Result<Operand, String> {
        let object = match expression {
            Value::Array(_) => return Err("has a list where a value is needed".into()),
            Value::Object(object) => object,
            scalar => return constant(scalar).map(Operand::Constant),
        };
        let (operator, arguments) = only(object)?;
        let path = match operator {
            "$ref" => return self.compared(self.evaluator(arguments)?),
            "var" => arguments,
            _ => return Err(format!("compares what `{operator}` comes to")),
        };
        let (path, default) = match path {
            Value::Array(list) => match list.as_slice() {
                [path] => (path, Constant::Null),
                [path, default] => (path, constant(default)?),
                _ => return Err("`var` takes a path and at most a default".into()),
            },
            path => (path, Constant::Null),
        };
        let path = match path {
            Value::String(path) => path.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err("has a `var` whose path is not written out".into()),
        };
        match path.as_str() {
            _ if self.interpreted && default != Constant::Null => {
                Err("has a default for an attribute within an `if` without an else".into())
            }
            "$flagd.flagKey" => Ok(Operand::FlagKey(Constant::Text(self.flag.to_string()))),
            "$flagd.timestamp" => Ok(Operand::Time),
            _ => Ok(Operand::Attribute(Attribute { name: reference(&path)?, default })),
        }
    }
}

/// The values that JavaScript writes so.
pub(super) fn written(text: &str) -> Vec<Scalar> {
    let number = number_of(text).map(Constant::Number);
    let number = number.filter(|number| number.text().as_deref() == Some(text));
    let boolean = [true, false].into_iter().find(|value| value.to_string() == text);
    let others = number.as_ref().and_then(scalar).into_iter().chain(boolean.map(Scalar::Boolean));
    core::iter::once(Scalar::String(text.to_string())).chain(others).collect()
}

/// A path with dots as an attribute reference.
fn reference(path: &str) -> Result<String, String> {
    let unlike = || Err(format!("reads `{path}`, which is no attribute of a context"));
    let mut names = path.split('.');
    let first = names.next().unwrap_or_default();
    if first == "$flagd" || path.is_empty() || path.contains('\\') || path.starts_with("../") {
        return unlike();
    }
    let rest: Vec<&str> = names.collect();
    // Elements of lists, and what every text has.
    let of_list = |name: &&str| *name == "length" || name.bytes().all(|byte| byte.is_ascii_digit());
    if rest.iter().any(of_list) {
        return unlike();
    }
    if rest.is_empty() {
        return Ok(node::name(first));
    }
    Ok(node::pointer(core::iter::once(first).chain(rest)))
}

/// The only operator of an expression.
fn only(object: &Map<String, Value>) -> Result<(&str, &Value), String> {
    let mut entries = object.iter();
    match (entries.next(), entries.next()) {
        (Some((operator, arguments)), None) => Ok((operator, arguments)),
        _ => Err("has an object that is not one operator".into()),
    }
}

/// An evaluator that the expression refers to and that is not there. The engine takes none of the expression then.
pub(super) fn missing_evaluator<'a>(
    expression: &'a Value,
    evaluators: Option<&Map<String, Value>>,
) -> Option<&'a str> {
    match expression {
        Value::Array(list) => list.iter().find_map(|inner| missing_evaluator(inner, evaluators)),
        Value::Object(object) => {
            let name = object.get("$ref").and_then(Value::as_str);
            name.filter(|name| evaluators.is_none_or(|known| !known.contains_key(*name)))
                .or_else(|| object.values().find_map(|inner| missing_evaluator(inner, evaluators)))
        }
        _ => None,
    }
}

/// An operator that the engine does not know: it takes none of the expression then.
pub(super) fn unknown_operator(expression: &Value) -> Option<&str> {
    match expression {
        Value::Array(list) => list.iter().find_map(unknown_operator),
        Value::Object(object) => match only(object) {
            Ok((operator, _)) if !OPERATORS.contains(&operator) => Some(operator),
            Ok(("preserve", _)) => None,
            _ => object.values().find_map(unknown_operator),
        },
        _ => None,
    }
}

/// All that the engine knows, and flagd's own.
const OPERATORS: [&str; 52] = [
    "!",
    "!!",
    "!=",
    "!==",
    "%",
    "*",
    "+",
    "-",
    "/",
    "<",
    "<=",
    "==",
    "===",
    ">",
    ">=",
    "??",
    "?:",
    "all",
    "and",
    "cat",
    "eachKey",
    "ends_with",
    "every",
    "exists",
    "filter",
    "fractional",
    "get",
    "if",
    "in",
    "keys",
    "length",
    "map",
    "max",
    "merge",
    "min",
    "missing",
    "missing_some",
    "none",
    "not",
    "or",
    "pipe",
    "preserve",
    "reduce",
    "$ref",
    "sem_ver",
    "some",
    "starts_with",
    "substr",
    "throw",
    "try",
    "val",
    "var",
];

fn refers(expression: &Value) -> bool {
    match expression {
        Value::Array(list) => list.iter().any(refers),
        Value::Object(object) => object.contains_key("$ref") || object.values().any(refers),
        _ => false,
    }
}

pub(super) fn constant(value: &Value) -> Result<Constant, String> {
    Ok(match value {
        Value::Null => Constant::Null,
        Value::Bool(value) => Constant::Bool(*value),
        Value::Number(number) => {
            Constant::Number(number.as_f64().ok_or_else(|| format!("cannot hold {number}"))?)
        }
        Value::String(text) => Constant::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => {
            return Err("has a list or an object where a single value is needed".into());
        }
    })
}

/// The attribute is a list or an object.
pub(super) fn has_parts(name: &str) -> Condition {
    node::any([node::is_type(name, ContextType::List), node::is_type(name, ContextType::Object)])
}

pub(super) fn is_text(name: &str) -> Condition {
    node::is_type(name, ContextType::String)
}

fn join(operator: &str, reason: String) -> String {
    if reason.starts_with('`') { reason } else { format!("`{operator}` {reason}") }
}
