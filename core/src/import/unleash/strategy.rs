//! Strategies become rules: the first that holds decides.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::constraint::{Met, attribute, constraints, in_cidr};
use super::variants::{Choice, Variants};
use super::{File, Object, objects, text};
use crate::config::{Bucketing, Condition, Flag, Murmur3, Rule, Scalar, Serve, VendorHash};
use crate::context::TARGETING_KEY;
use crate::import::node;

/// Rollouts are in percent.
const PERCENT: u32 = 100;

/// Adds a rule for each strategy, and what they serve.
pub(super) fn rules(
    file: &File<'_>,
    name: &str,
    toggle: &Object,
    variants: &Variants,
    flag: &mut Flag,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    let strategies = strategies(toggle)?;
    if strategies.is_empty() {
        let serve = Serving { name, toggle, strategy: None, variants };
        serve.rules(node::always(), "no-strategy", "", flag, notes)?;
        return Ok(());
    }
    // All of them first: what is broken counts even behind one that always holds.
    let mut conditions = Vec::new();
    for (at, strategy) in strategies.iter().enumerate() {
        let met = met(file, strategy, &format!("strategies[{at}]"), notes)?;
        if let Some(reason) = met.broken {
            if strategies.len() > 1 {
                return Err(format!(
                    "{reason}; Unleash's SDKs disagree whether the other strategies count then"
                ));
            }
            notes.push(format!("is always off: {reason}"));
        }
        conditions.push(met.condition);
    }
    for (at, (strategy, condition)) in strategies.iter().zip(conditions).enumerate() {
        let place = format!("strategies[{at}]");
        if node::is_never(&condition) {
            continue;
        }
        let title = text(strategy, "title").unwrap_or_default();
        let serve = Serving { name, toggle, strategy: Some(strategy), variants };
        let id = format!("strategy-{at}");
        if serve
            .rules(condition, &id, title, flag, notes)
            .map_err(|reason| format!("{place}: {reason}"))?
        {
            break;
        }
    }
    Ok(())
}

fn strategies(toggle: &Object) -> Result<Vec<&Object>, String> {
    if !toggle.get("strategies").is_some_and(Value::is_array) {
        return Err("Unleash's SDKs disagree about a feature without a list `strategies`".into());
    }
    objects(toggle, "strategies")
}

/// Whether it may be on and serve no variant: it has none for some strategy.
pub(super) fn may_serve_no_variant(toggle: &Object) -> Result<bool, String> {
    if Choice::of_feature(toggle)?.is_some() {
        return Ok(false);
    }
    let strategies = strategies(toggle)?;
    for strategy in &strategies {
        if Choice::of_strategy(strategy)?.is_none() {
            return Ok(true);
        }
    }
    Ok(strategies.is_empty())
}

/// When the strategy holds.
fn met(
    file: &File<'_>,
    strategy: &Object,
    place: &str,
    notes: &mut Vec<String>,
) -> Result<Met, String> {
    let mut list = constraints(strategy, place)?;
    list.extend(file.segments(strategy, place)?);
    let own = own(strategy, notes).map_err(|reason| format!("{place}: {reason}"))?;
    list.push(Met::from(own));
    Ok(Met::all(list))
}

/// What the strategy asks apart from its constraints.
fn own(strategy: &Object, notes: &mut Vec<String>) -> Result<Condition, String> {
    let Some(name) = text(strategy, "name") else { return Err("has no `name`".into()) };
    match name {
        "default" => Ok(node::always()),
        "userWithId" => {
            let ids = parameter(strategy, "userIds").unwrap_or_default();
            let ids = ids.split(',').map(str::trim).filter(|id| !id.is_empty());
            let ids = ids.map(|id| Scalar::String(id.into())).collect();
            Ok(node::one_of(TARGETING_KEY, ids, false))
        }
        "remoteAddress" => {
            let addresses = parameter(strategy, "IPs").unwrap_or_default();
            if let Some(network) =
                addresses.split(',').find(|one| one.contains(':') && one.contains('/'))
            {
                return Err(format!(
                    "Unleash's SDKs disagree about the network `{}` of IPv6 in this strategy: write a constraint IN_CIDR",
                    network.trim()
                ));
            }
            Ok(in_cidr("remoteAddress", addresses.split(',').map(str::trim)))
        }
        "gradualRolloutUserId" | "gradualRolloutSessionId" => {
            let Some(percentage) = percentage(strategy, "percentage")? else {
                return Ok(node::never());
            };
            let field = if name == "gradualRolloutUserId" { "userId" } else { "sessionId" };
            let units = Units { unit: attribute(field)?, fallback_units: Vec::new() };
            rollout(strategy, units, percentage)
        }
        "gradualRolloutRandom" => match percentage(strategy, "percentage")? {
            None | Some(0) => Ok(node::never()),
            Some(PERCENT) => Ok(node::always()),
            Some(_) => {
                Err("rolls out at random, which the same context would not get twice".into())
            }
        },
        "flexibleRollout" => {
            let Some(percentage) = percentage(strategy, "rollout")? else {
                return Ok(node::never());
            };
            match Stickiness::of(parameter(strategy, "stickiness").as_deref())? {
                _ if percentage == 0 => Ok(node::never()),
                Stickiness::Default | Stickiness::Random if percentage == PERCENT => {
                    Ok(node::always())
                }
                Stickiness::Random => {
                    Err("rolls out at random, which the same context would not get twice".into())
                }
                Stickiness::Default => {
                    notes.push("without `userId` and `sessionId` Unleash rolls the dice; here its rollout does not match".into());
                    rollout(strategy, Units::default_ones(false), percentage)
                }
                Stickiness::Field(unit) => {
                    rollout(strategy, Units { unit, fallback_units: Vec::new() }, percentage)
                }
            }
        }
        "applicationHostname" => {
            Err("asks for the name of the host that an SDK runs on, which no context holds".into())
        }
        _ => Err(format!("`{name}` is a strategy of your own: its code is not in the file")),
    }
}

/// Parameters are texts; numbers are taken too.
fn parameter(strategy: &Object, name: &str) -> Option<String> {
    match strategy.get("parameters")?.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number from 0 to 100; none when it is not given.
fn percentage(strategy: &Object, name: &str) -> Result<Option<u32>, String> {
    let Some(text) = parameter(strategy, name) else { return Ok(None) };
    match text.parse() {
        Ok(percentage) if percentage <= PERCENT && !text.starts_with('+') => Ok(Some(percentage)),
        _ => Err(format!("Unleash's SDKs disagree about the percentage `{text}`")),
    }
}

fn rollout(strategy: &Object, units: Units, percentage: u32) -> Result<Condition, String> {
    if percentage == 0 {
        return Ok(node::never());
    }
    let group = group(strategy)?;
    Ok(node::bucket(&units.by(&group, 0, PERCENT), 0, percentage))
}

/// `groupId`, without which the SDKs disagree.
pub(super) fn group(strategy: &Object) -> Result<String, String> {
    parameter(strategy, "groupId").ok_or_else(|| {
        "Unleash's SDKs disagree about a rollout without `groupId`: save it again in Unleash".into()
    })
}

/// What a rollout or a choice of variants goes by.
pub(super) enum Stickiness {
    Default,
    Random,
    Field(String),
}

impl Stickiness {
    pub(super) fn of(word: Option<&str>) -> Result<Self, String> {
        match word {
            None | Some("default") => Ok(Self::Default),
            Some("random") => Ok(Self::Random),
            Some("" | "currentTime") => Err("Unleash's SDKs disagree about its stickiness".into()),
            Some(name) => attribute(name).map(Self::Field),
        }
    }

    pub(super) fn of_parameters(strategy: &Object) -> Result<Self, String> {
        Self::of(parameter(strategy, "stickiness").as_deref())
    }
}

/// Attributes, the first of which that is there decides.
pub(super) struct Units {
    pub(super) unit: String,
    pub(super) fallback_units: Vec<String>,
}

impl Units {
    /// `remoteAddress` counts for variants with unleash-client for Node; with Yggdrasil the dice decide then, so that it is as good.
    pub(super) fn default_ones(variants: bool) -> Self {
        let fallbacks: &[&str] =
            if variants { &["sessionId", "remoteAddress"] } else { &["sessionId"] };
        Self {
            unit: TARGETING_KEY.into(),
            fallback_units: fallbacks.iter().map(ToString::to_string).collect(),
        }
    }

    pub(super) fn by(self, group: &str, seed: u32, size: u32) -> Bucketing {
        Bucketing {
            unit: self.unit,
            fallback_units: self.fallback_units,
            salt: None,
            hash: Some(VendorHash::Murmur3Modulo(Murmur3 {
                prefix: format!("{group}:"),
                seed,
                size,
            })),
        }
    }
}

/// What one strategy serves when it holds.
struct Serving<'a> {
    name: &'a str,
    toggle: &'a Object,
    strategy: Option<&'a Object>,
    variants: &'a Variants,
}

impl Serving<'_> {
    /// Adds its rules; true when nothing can come after them.
    fn rules(
        &self,
        when: Condition,
        id: &str,
        title: &str,
        flag: &mut Flag,
        notes: &mut Vec<String>,
    ) -> Result<bool, String> {
        let mut add = |suffix: &str, when: Condition, serve: Serve| {
            let id = format!("{id}{suffix}");
            flag.rules.push(Rule {
                id,
                name: title.into(),
                from: None,
                to: None,
                layer: None,
                when,
                serve,
            });
        };
        let of_strategy = match self.strategy {
            Some(strategy) => Choice::of_strategy(strategy)?,
            None => None,
        };
        let last = match of_strategy {
            Some(choice) => match choice.split(None)? {
                Ok((split, without)) => {
                    add("", when.clone(), split);
                    note_dice(notes);
                    ("-without-unit", without)
                }
                Err(single) => ("", single),
            },
            None => match Choice::of_feature(self.toggle)? {
                Some(choice) => {
                    for (at, (condition, variant)) in choice.overrides()?.into_iter().enumerate() {
                        let when = node::all([when.clone(), condition]);
                        add(&format!("-override-{at}"), when, Serve::Variant(variant));
                    }
                    match choice.split(Some(self.name))? {
                        Ok((split, without)) => {
                            add("", when.clone(), split);
                            note_dice(notes);
                            ("-without-unit", without)
                        }
                        Err(single) => ("", single),
                    }
                }
                None => ("", self.variants.on.clone()),
            },
        };
        let (suffix, variant) = last;
        if node::is_always(&when) {
            flag.fallthrough = Serve::Variant(variant);
            return Ok(true);
        }
        add(suffix, when, Serve::Variant(variant));
        Ok(false)
    }
}

fn note_dice(notes: &mut Vec<String>) {
    let note = "where Unleash rolls the dice for a variant, because a context has nothing to go by, it gets the first one here";
    if !notes.iter().any(|noted| noted == note) {
        notes.push(note.into());
    }
}
