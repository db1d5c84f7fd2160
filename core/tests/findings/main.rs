//! Static analysis over random worlds, judged by the evaluator: what it calls dead never lives, and what it shows is so.
//!
//! PENNON_ROUNDS=n takes n times as many worlds; a failure names its world, and PENNON_WORLD=seed runs that one alone.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "it makes more than is judged here")]
#[path = "../reference/worlds/mod.rs"]
mod worlds;

use std::collections::BTreeMap;
use std::env;

use pennon_core::config::analysis::{Options, examples, findings};
use pennon_core::config::{
    Code, Condition, Configuration, Finding, Flag, Rule, Serve, Severity, Witness, compile,
};
use pennon_core::context::Context;
use pennon_core::snapshot::{Kind, Snapshot};
use serde_json::{Value, json};
use worlds::Random;

const WORLDS: u64 = 40;
/// Contexts that a rule which is called dead is asked about.
const CONTEXTS: usize = 150;

#[derive(Debug, Default)]
struct Seen {
    worlds: usize,
    rules: usize,
    codes: BTreeMap<Code, usize>,
    examples: usize,
    dead_rules_asked: usize,
    evaluations: usize,
    matches: usize,
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect(name))
}

fn seeds() -> std::ops::RangeInclusive<u64> {
    match number("PENNON_WORLD") {
        Some(seed) => seed..=seed,
        None => 1..=WORLDS * number("PENNON_ROUNDS").unwrap_or(1),
    }
}

/// The flag with nothing before its rules, and of these the ones asked for.
fn only_rules(configuration: &Configuration, key: &str, keep: &[usize]) -> Configuration {
    let mut configuration = configuration.clone();
    if let Some(flag) = configuration.flags.get_mut(key) {
        flag.enabled = true;
        flag.prerequisites.clear();
        flag.targets.clear();
        flag.holdout = None;
        let mut at = 0;
        flag.rules.retain(|_| {
            at += 1;
            keep.contains(&(at - 1))
        });
    }
    configuration
}

fn opened(configuration: &Configuration) -> Snapshot {
    let body = compile(configuration, Kind::Server, &[]).expect("it compiles");
    Snapshot::open(body, Kind::Server).expect("a body just compiled")
}

/// The rule that decides.
fn rule(snapshot: &Snapshot, key: &str, context: &Value, now: i64) -> Option<String> {
    let context = Context::from_json(context).ok()?;
    let outcome = snapshot.evaluate(key, &context, now).to_json();
    outcome.get("rule").and_then(Value::as_str).map(str::to_owned)
}

fn shows(snapshot: &Snapshot, key: &str, id: &str, witness: &Witness) -> bool {
    rule(snapshot, key, &witness.context, witness.now).as_deref() == Some(id)
}

/// `/flags/KEY/rules/3` is 3.
fn rule_at(place: &str) -> usize {
    place.rsplit('/').next().expect("a place").parse().expect("a rule's number")
}

fn judge(
    seed: u64,
    configuration: &Configuration,
    options: &Options,
    random: &mut Random,
    seen: &mut Seen,
) -> Vec<Finding> {
    let found = findings(configuration, options);
    seen.worlds += 1;
    for finding in &found {
        *seen.codes.entry(finding.code).or_default() += 1;
        let Some(key) = &finding.flag else { continue };
        let flag = &configuration.flags[key];
        let all: Vec<usize> = (0..flag.rules.len()).collect();
        let told = || format!("PENNON_WORLD={seed}: {finding:?}\n{}", json!(flag));
        match finding.code {
            Code::RuleNeverMatches | Code::RuleServesNobody | Code::WindowOver => {
                let at = rule_at(&finding.place);
                let alone = opened(&only_rules(configuration, key, &[at]));
                never(&alone, key, &flag.rules[at].id, options, random, seen, &told);
            }
            Code::RuleShadowed => {
                let at = rule_at(&finding.place);
                let snapshot = opened(&only_rules(configuration, key, &all));
                never(&snapshot, key, &flag.rules[at].id, options, random, seen, &told);
            }
            Code::FallthroughUnreachable => {
                let snapshot = opened(&only_rules(configuration, key, &all));
                for _ in 0..CONTEXTS {
                    let (context, now) = case(options, random);
                    if Context::from_json(&context).is_ok() {
                        let rule = rule(&snapshot, key, &context, now);
                        assert!(rule.is_some(), "{} {context} at {now}", told());
                    }
                }
            }
            Code::RulesOverlap => {
                let witness = finding.witness.as_ref().expect("an overlap has a witness");
                let other = finding.other.as_ref().expect("an overlap has another part");
                assert!(options.now.is_none_or(|now| witness.now >= now), "{}", told());
                for at in [rule_at(&finding.place), rule_at(other)] {
                    let alone = opened(&only_rules(configuration, key, &[at]));
                    assert!(shows(&alone, key, &flag.rules[at].id, witness), "{}", told());
                }
            }
            _ => {}
        }
    }
    for (key, flag) in &configuration.flags {
        seen.rules += flag.rules.len();
        let all: Vec<usize> = (0..flag.rules.len()).collect();
        let examples = examples(configuration, key, options);
        if !examples.is_empty() {
            let snapshot = opened(&only_rules(configuration, key, &all));
            for (id, witness) in &examples {
                seen.examples += 1;
                assert!(
                    shows(&snapshot, key, id, witness),
                    "PENNON_WORLD={seed}: {id} {witness:?}\n{}",
                    json!(flag)
                );
            }
        }
    }
    found
}

fn case(options: &Options, random: &mut Random) -> (Value, i64) {
    let now = if random.percent(30) { worlds::turn(random) } else { worlds::now(random) };
    (worlds::context(random), options.now.map_or(now, |first| now.max(first)))
}

/// The rule of this id decides for none of many contexts.
fn never(
    snapshot: &Snapshot,
    key: &str,
    id: &str,
    options: &Options,
    random: &mut Random,
    seen: &mut Seen,
    told: &dyn Fn() -> String,
) {
    seen.dead_rules_asked += 1;
    for _ in 0..CONTEXTS {
        let (context, now) = case(options, random);
        let rule = rule(snapshot, key, &context, now);
        seen.evaluations += 1;
        seen.matches += usize::from(rule.is_some());
        assert!(rule.as_deref() != Some(id), "{} {context} at {now}", told());
    }
}

fn count(seen: &Seen, code: Code) -> usize {
    seen.codes.get(&code).copied().unwrap_or(0)
}

#[test]
fn what_is_dead_never_lives_and_what_is_shown_is_so() {
    let mut seen = Seen::default();
    for seed in seeds() {
        let mut random = Random::new(seed);
        let configuration = worlds::configuration(&mut random);
        let now = random.percent(50).then(|| worlds::now(&mut random));
        judge(seed, &configuration, &Options { now }, &mut random, &mut seen);
    }
    println!("{seen:?}");
    if number("PENNON_WORLD").is_none() {
        assert!(seen.examples > seen.rules / 3, "{seen:?}");
        assert!(seen.dead_rules_asked > 50, "{seen:?}");
        assert!(count(&seen, Code::RuleNeverMatches) > 20, "{seen:?}");
        assert!(count(&seen, Code::RuleShadowed) > 5, "{seen:?}");
        assert!(count(&seen, Code::RulesOverlap) > 50, "{seen:?}");
        assert!(count(&seen, Code::NotDecided) < seen.rules / 4, "{seen:?}");
    }
}

/// Each of a flag's rules in turn, and behind it the same with one thing more, and one that asks for it and for its contrary.
#[test]
fn what_is_put_behind_its_like_is_found() {
    let mut seen = Seen::default();
    let (mut shadowed, mut excluded) = (0, 0);
    for seed in seeds() {
        let mut random = Random::new(seed);
        let source = worlds::operators(&mut random);
        let mut conditions = source.flags.values().flat_map(|flag| flag.rules.first());
        let mut configuration = source.clone();
        let template = source.flags.values().next().expect("a flag");
        configuration.flags.clear();
        while let (Some(first), Some(second)) = (conditions.next(), conditions.next()) {
            let key = format!("flag-{}", configuration.flags.len());
            configuration.flags.insert(key, planted(template, &first.when, &second.when));
        }
        let found = judge(seed, &configuration, &Options::default(), &mut random, &mut seen);
        for key in configuration.flags.keys() {
            let code = |at: usize| {
                let place = format!("/flags/{key}/rules/{at}");
                found
                    .iter()
                    .find(|found| found.place == place && found.severity == Severity::Warning)
                    .map(|found| found.code)
            };
            let flag = json!(configuration.flags[key]);
            let second = code(1);
            assert!(
                matches!(second, Some(Code::RuleShadowed | Code::RuleNeverMatches)),
                "PENNON_WORLD={seed}: {key}: {second:?} {flag}"
            );
            shadowed += usize::from(second == Some(Code::RuleShadowed));
            let third = code(2);
            assert_eq!(third, Some(Code::RuleNeverMatches), "PENNON_WORLD={seed}: {key} {flag}");
            excluded += 1;
        }
    }
    println!("{shadowed} shadowed, {excluded} that exclude themselves: {seen:?}");
    assert!(shadowed > 0 && excluded > 0);
}

fn planted(template: &Flag, first: &Condition, second: &Condition) -> Flag {
    let all = |list: &[&Condition]| Condition::All(list.iter().copied().cloned().collect());
    let not = |inner: &Condition| Condition::Not(Box::new(inner.clone()));
    let conditions = [first.clone(), all(&[second, first]), all(&[first, second, &not(first)])];
    let rules = conditions.into_iter().enumerate().map(|(at, when)| Rule {
        id: format!("rule-{at}"),
        name: String::new(),
        from: None,
        to: None,
        layer: None,
        when,
        serve: Serve::Variant("variant-0".to_owned()),
    });
    Flag { rules: rules.collect(), ..template.clone() }
}
