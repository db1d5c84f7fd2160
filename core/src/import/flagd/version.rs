//! `sem_ver`: versions with or without a `v`, `1` and `1.2` among them, and numbers.
//!
//! The versions that compare so are a regular language; numbers are ranges and a few values.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;

use serde_json::Value;

use super::logic::{Logic, Operand};
use super::plan::{Constant, Plan};
use crate::config::{Comparison, Condition, Matches, Scalar};
use crate::evaluate::Version;
use crate::import::node;

const NUMBER: &str = "(?:0|[1-9][0-9]*)";
const IDENTIFIER: &str = "(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)";
const WORD: &str = "[0-9]*[A-Za-z-][0-9A-Za-z-]*";
const BUILD: &str = r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?";
/// In the order of ASCII.
const CHARACTERS: &str = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LARGEST: f64 = 9_007_199_254_740_991.0;
/// A minor version up to which the numbers that stand for lower ones are listed.
const LARGEST_MINOR: u64 = 1_000;

impl Logic<'_> {
    pub(super) fn version(&self, arguments: &Value) -> Result<Plan, String> {
        let null = || Ok(Plan::constant(Constant::Null));
        let Some([left, operator, right]) = arguments.as_array().map(Vec::as_slice) else {
            return null();
        };
        let Operand::Constant(operator) = self.operand(operator)? else {
            return Err("has an operator that is not written out".into());
        };
        let Some(operator) = operator.text() else { return null() };
        let (attribute, constant, turned) = match (self.operand(left)?, self.operand(right)?) {
            (Operand::Attribute(attribute), Operand::Constant(constant)) => {
                (attribute, constant, false)
            }
            (Operand::Constant(constant), Operand::Attribute(attribute)) => {
                (attribute, constant, true)
            }
            _ => return Err("does not compare an attribute with a constant".into()),
        };
        if attribute.default != Constant::Null {
            return Err("has a default for its attribute".into());
        }
        let Some(text) = constant.text() else { return null() };
        let Some(bound) = Bound::parse(&text) else { return null() };
        let operator = match (operator.as_str(), turned) {
            ("<", true) => ">",
            ("<=", true) => ">=",
            (">", true) => "<",
            (">=", true) => "<=",
            (operator, _) => operator,
        };
        let name = attribute.name.as_str();
        let version = || bound.condition(name, Asked::ANY);
        let holds = match (operator, Asked::of(operator)) {
            ("!=", Some(equal)) => {
                alloc::vec![version()?, node::not(bound.condition(name, equal)?)]
            }
            (_, Some(asked)) => alloc::vec![bound.condition(name, asked)?],
            (_, None) => return null(),
        };
        let mut plan = Plan::empty();
        plan.case(holds, Constant::Bool(true));
        plan.case(alloc::vec![version()?], Constant::Bool(false));
        // A list of one text has that text, which is not known here.
        plan.case(alloc::vec![node::size(name, Comparison::Equal, 1.0)], Constant::Error);
        plan.case(Vec::new(), Constant::Null);
        Ok(plan)
    }
}

/// Which versions are meant.
#[derive(Clone, Copy)]
enum Asked {
    Order { less: bool, equal: bool, greater: bool },
    SameMajor,
    SameMinor,
}

impl Asked {
    const ANY: Self = Self::Order { less: true, equal: true, greater: true };

    fn of(operator: &str) -> Option<Self> {
        let order = |less, equal, greater| Some(Self::Order { less, equal, greater });
        match operator {
            // What is different is what is not equal, of all versions.
            "=" | "!=" => order(false, true, false),
            "<" => order(true, false, false),
            "<=" => order(true, true, false),
            ">=" => order(false, true, true),
            ">" => order(false, false, true),
            "^" => Some(Self::SameMajor),
            "~" => Some(Self::SameMinor),
            _ => None,
        }
    }

    fn includes(self, order: Ordering) -> bool {
        match self {
            Self::Order { less, equal, greater } => match order {
                Ordering::Less => less,
                Ordering::Equal => equal,
                Ordering::Greater => greater,
            },
            Self::SameMajor | Self::SameMinor => false,
        }
    }
}

/// The version that is compared with.
struct Bound {
    major: u64,
    minor: u64,
    patch: u64,
    prerelease: Vec<String>,
}

impl Bound {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let trimmed = text.trim();
        let strict = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let parts = text.split('.').count();
        let partial = parts <= 2 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let version = Version::parse(strict.as_bytes(), false)
            .or_else(|| Version::parse(text.as_bytes(), true).filter(|_| partial))?;
        let [major, minor, patch] = version.numbers;
        let prerelease = core::str::from_utf8(version.prerelease).ok()?;
        let identifiers = prerelease.split('.').filter(|identifier| !identifier.is_empty());
        let prerelease = identifiers.map(ToString::to_string).collect();
        Some(Self { major, minor, patch, prerelease })
    }

    /// The order of `major.minor.0` to this.
    fn order_of(&self, major: u64, minor: u64) -> Ordering {
        let numbers = (major, minor, 0).cmp(&(self.major, self.minor, self.patch));
        let release = if self.prerelease.is_empty() { Ordering::Equal } else { Ordering::Greater };
        numbers.then(release)
    }

    fn condition(&self, attribute: &str, asked: Asked) -> Result<Condition, String> {
        let strict = self.strict(asked)?;
        let partial = self.partial(asked);
        let strict = format!(r"[vV]?\s*v?(?:{strict})\s*");
        let pattern = format!("^(?:{strict}|[vV]?(?:{partial}))$");
        let text = Condition::Matches(Matches { attribute: attribute.to_string(), pattern });
        Ok(node::any([text, self.numbers(attribute, asked)?]))
    }

    /// Versions of three numbers.
    fn strict(&self, asked: Asked) -> Result<String, String> {
        let (major, minor, patch) = (self.major, self.minor, self.patch);
        let tail = format!(r"(?:-{IDENTIFIER}(?:\.{IDENTIFIER})*)?{BUILD}");
        let mut forms = Vec::new();
        match asked {
            Asked::SameMajor => forms.push(format!(r"{major}\.{NUMBER}\.{NUMBER}{tail}")),
            Asked::SameMinor => forms.push(format!(r"{major}\.{minor}\.{NUMBER}{tail}")),
            Asked::Order { less: true, equal: true, greater: true } => {
                forms.push(format!(r"{NUMBER}\.{NUMBER}\.{NUMBER}{tail}"));
            }
            Asked::Order { .. } => {
                for order in [Ordering::Less, Ordering::Greater] {
                    if !asked.includes(order) {
                        continue;
                    }
                    if let Some(major) = beyond(major, order) {
                        forms.push(format!(r"{major}\.{NUMBER}\.{NUMBER}{tail}"));
                    }
                    if let Some(minor) = beyond(minor, order) {
                        forms.push(format!(r"{major}\.{minor}\.{NUMBER}{tail}"));
                    }
                    if let Some(patch) = beyond(patch, order) {
                        forms.push(format!(r"{major}\.{minor}\.{patch}{tail}"));
                    }
                }
                let prereleases = self.prereleases(asked)?;
                if !prereleases.is_empty() {
                    let prereleases = prereleases.join("|");
                    forms.push(format!(r"{major}\.{minor}\.{patch}(?:{prereleases}){BUILD}"));
                }
            }
        }
        Ok(forms.join("|"))
    }

    /// What may stand behind the same three numbers, build metadata aside.
    fn prereleases(&self, asked: Asked) -> Result<Vec<String>, String> {
        let list = &self.prerelease;
        let more = format!(r"(?:\.{IDENTIFIER})");
        let mut forms = Vec::new();
        if list.is_empty() {
            if asked.includes(Ordering::Equal) {
                forms.push(String::new());
            }
            if asked.includes(Ordering::Less) {
                forms.push(format!("-{IDENTIFIER}{more}*"));
            }
            return Ok(forms);
        }
        let joined = |count: usize| list.get(..count).unwrap_or_default().join(r"\.");
        if asked.includes(Ordering::Equal) {
            forms.push(format!("-{}", joined(list.len())));
        }
        if asked.includes(Ordering::Greater) {
            forms.push(String::new());
            forms.push(format!("-{}{more}+", joined(list.len())));
        }
        for (at, identifier) in list.iter().enumerate() {
            let before = if at == 0 { String::new() } else { format!(r"{}\.", joined(at)) };
            for order in [Ordering::Less, Ordering::Greater] {
                if asked.includes(order) {
                    let others = identifiers_beyond(identifier, order)?;
                    forms.extend(others.iter().map(|other| format!("-{before}(?:{other}){more}*")));
                }
            }
            if at > 0 && asked.includes(Ordering::Less) {
                forms.push(format!("-{}", joined(at)));
            }
        }
        Ok(forms)
    }

    /// `1` and `1.2`.
    fn partial(&self, asked: Asked) -> String {
        let (major, minor) = (self.major, self.minor);
        let mut forms = Vec::new();
        match asked {
            Asked::SameMajor => forms.push(format!(r"{major}(?:\.{NUMBER})?")),
            Asked::SameMinor => {
                forms.push(format!(r"{major}\.{minor}"));
                if minor == 0 {
                    forms.push(major.to_string());
                }
            }
            Asked::Order { .. } => {
                for order in [Ordering::Less, Ordering::Greater] {
                    if !asked.includes(order) {
                        continue;
                    }
                    if let Some(major) = beyond(major, order) {
                        forms.push(format!(r"{major}(?:\.{NUMBER})?"));
                    }
                    if let Some(minor) = beyond(minor, order) {
                        forms.push(format!(r"{major}\.{minor}"));
                    }
                }
                if asked.includes(self.order_of(major, minor)) {
                    forms.push(format!(r"{major}\.{minor}"));
                }
                if asked.includes(self.order_of(major, 0)) {
                    forms.push(major.to_string());
                }
            }
        }
        // Nothing at all is written so that it never matches.
        if forms.is_empty() { "[^\\x00-\\x{10FFFF}]".into() } else { forms.join("|") }
    }

    /// Numbers: the digits behind the point are the minor version. One that begins with 0 is none.
    fn numbers(&self, attribute: &str, asked: Asked) -> Result<Condition, String> {
        if self.minor > LARGEST_MINOR || self.major > 1_000_000 {
            return Err(format!(
                "compares with {}.{}, too large for numbers",
                self.major, self.minor
            ));
        }
        let (major, minor) = (self.major, self.minor);
        let bound = |is, value| node::number(attribute, is, value, false);
        let range = |from: f64, below: f64| {
            node::all([bound(Comparison::GreaterOrEqual, from), bound(Comparison::Less, below)])
        };
        let (whole, next) = (major as f64, (major + 1) as f64);
        // As it is written: 0.1 more may be rounded.
        let written = |minor: u64| format!("{major}.{minor}").parse::<f64>().unwrap_or(whole);
        let lower: Vec<u64> = (1..=minor).filter(|minor| minor % 10 != 0).collect();
        let listed = |include: &dyn Fn(u64) -> bool| -> Vec<Scalar> {
            let zero = Some(whole).filter(|_| include(0));
            let others = lower.iter().filter(|minor| include(**minor)).map(|minor| written(*minor));
            zero.into_iter().chain(others).map(Scalar::Number).collect()
        };
        let all_listed = || node::one_of(attribute, listed(&|_| true), false);
        let rest = || node::all([range(written(1), next), node::not(all_listed())]);
        let holds = match asked {
            Asked::SameMajor => node::any([
                node::one_of(attribute, listed(&|_| true), false),
                range(written(1), next),
            ]),
            Asked::SameMinor => node::one_of(attribute, listed(&|other| other == minor), false),
            Asked::Order { .. } => {
                let below = range(0.0, whole);
                let above = node::all([
                    bound(Comparison::GreaterOrEqual, next),
                    bound(Comparison::LessOrEqual, LARGEST),
                ]);
                let near = listed(&|minor| asked.includes(self.order_of(major, minor)));
                node::any([
                    node::all([node::constant(asked.includes(Ordering::Less)), below]),
                    node::one_of(attribute, near, false),
                    node::all([node::constant(asked.includes(Ordering::Greater)), rest()]),
                    node::all([node::constant(asked.includes(Ordering::Greater)), above]),
                ])
            }
        };
        Ok(holds)
    }
}

/// Numbers of a version that are less, or greater; none when there are none.
fn beyond(number: u64, order: Ordering) -> Option<String> {
    let digits = number.to_string();
    let length = digits.len();
    let mut forms = Vec::new();
    if order == Ordering::Greater {
        forms.push(format!("[1-9][0-9]{{{length}}}[0-9]*"));
    } else if length > 1 {
        forms.push(format!("0|[1-9][0-9]{{0,{}}}", length - 2));
    }
    for (at, digit) in digits.bytes().enumerate() {
        let first = if at == 0 && length > 1 { b'1' } else { b'0' };
        let (from, to) = if order == Ordering::Greater {
            (digit + 1, b'9')
        } else {
            (first, digit.saturating_sub(1))
        };
        if from <= to {
            let before = digits.get(..at).unwrap_or_default();
            let (from, to) = (char::from(from), char::from(to));
            forms.push(format!("{before}[{from}-{to}][0-9]{{{}}}", length - at - 1));
        }
    }
    (!forms.is_empty()).then(|| format!("(?:{})", forms.join("|")))
}

/// Identifiers of a pre-release that come before, or after: numbers before words, words by their characters.
fn identifiers_beyond(identifier: &str, order: Ordering) -> Result<Vec<String>, String> {
    let mut forms = Vec::new();
    if let Ok(number) = identifier.parse::<u64>() {
        forms.extend(beyond(number, order));
        if order == Ordering::Greater {
            forms.push(WORD.into());
        }
        return Ok(forms);
    }
    let first = identifier.chars().next().unwrap_or('-');
    if !first.is_ascii_alphabetic() {
        return Err(format!("compares with the pre-release `{identifier}`"));
    }
    let class = |wanted: &dyn Fn(char) -> bool| {
        let characters: String =
            CHARACTERS.chars().filter(|character| wanted(*character)).collect();
        (!characters.is_empty()).then(|| format!("[{}]", characters.replace('-', r"\-")))
    };
    for (at, character) in identifier.char_indices() {
        let before = identifier.get(..at).unwrap_or_default();
        let other =
            class(&|other| other.cmp(&character) == order && !(at == 0 && other.is_ascii_digit()));
        forms.extend(other.map(|other| format!("{before}{other}[0-9A-Za-z-]*")));
        if order == Ordering::Less && at > 0 {
            forms.push(before.into());
        }
    }
    if order == Ordering::Less {
        forms.push("0|[1-9][0-9]*|[0-9]+[A-Za-z-][0-9A-Za-z-]*".into());
    } else {
        forms.push(format!("{identifier}[0-9A-Za-z-]+"));
    }
    Ok(forms)
}
