//! Rules that never match, rules that never decide, and rules that match together.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::formula::Formula;
use super::shared::Shared;
use super::solve::{Answer, Solver};
use super::{Options, Report, served, walk};
use crate::config::finding::{Code, Witness};
use crate::config::{Condition, Configuration, Flag, Rule};

/// Questions asked about one flag.
const MAX_QUESTIONS: usize = 3_000;
/// Times that a witness is looked for which no earlier rule takes.
const MAX_ROUNDS: usize = 64;
/// Rules before one that is not met by itself.
const MAX_BEFORE: usize = 20;
/// Overlaps of one flag that are listed.
const MAX_OVERLAPS: usize = 50;

/// What of a flag nobody comes to.
#[derive(Debug, Default)]
pub(super) struct Unreached {
    pub(super) rules: BTreeSet<usize>,
    pub(super) fallthrough: bool,
}

/// One context for each rule that can decide, with a time; by the rule's id. Prerequisites, targets and the holdout are left aside.
pub fn examples(
    configuration: &Configuration,
    key: &str,
    options: &Options,
) -> BTreeMap<String, Witness> {
    let closure = super::closure(configuration, key);
    let Some((key, flag)) = closure.flags.get_key_value(key) else { return BTreeMap::new() };
    let shared = Rc::new(Shared::new(&closure, &closure.problems()));
    let mut questions = Questions::new(shared, key, flag, options);
    let reached = (0..flag.rules.len()).filter_map(|at| match questions.reach(Some(at)) {
        Reach::At(witness) => Some((flag.rules.get(at)?.id.clone(), witness)),
        _ => None,
    });
    reached.collect()
}

pub(super) fn of_flag<'a>(
    report: &mut Report<'a>,
    place: &str,
    key: &'a str,
    flag: &'a Flag,
) -> Unreached {
    let mut unreached = Unreached::default();
    if flag.rules.is_empty() {
        return unreached;
    }
    let mut questions = Questions::new(Rc::clone(&report.shared), key, flag, report.options);
    if !questions.solver.can_confirm() {
        let message = "are not analysed: together they do not fit into one snapshot";
        report.add(Code::NotDecided, &format!("{place}/rules"), message).exact = false;
        return unreached;
    }
    let place_of = |at: usize| format!("{place}/rules/{at}");
    let id_of = |at: usize| flag.rules.get(at).map_or("", |rule| rule.id.as_str());
    for (at, rule) in flag.rules.iter().enumerate() {
        let place = place_of(at);
        if let Some((to, now)) = rule.to.zip(report.options.now).filter(|(to, now)| to <= now) {
            let message = format!("was over at {to} and matches no more: it is {now}");
            report.add(Code::WindowOver, &place, message);
            unreached.rules.insert(at);
            continue;
        }
        if served::variants_of(&rule.serve).is_empty() {
            report.add(
                Code::RuleServesNobody,
                &place,
                "serves no unit: no part of it has a variant",
            );
            unreached.rules.insert(at);
            continue;
        }
        if questions.need_what_is_off.contains(&at) {
            continue;
        }
        match questions.reach(Some(at)) {
            Reach::At(_) => {}
            Reach::Never(reason) => {
                let reason = match reason {
                    Some(name) => format!("`{name}` cannot be all that it would have to be"),
                    None => "what it asks for excludes itself".to_string(),
                };
                report.add(Code::RuleNeverMatches, &place, format!("never matches: {reason}"));
                unreached.rules.insert(at);
            }
            Reach::Behind(earlier) => {
                let names: Vec<String> =
                    earlier.iter().map(|at| format!("`{}`", id_of(*at))).collect();
                let message = match &names[..] {
                    [name] => format!("never decides: {name} matches whatever it matches"),
                    names => format!(
                        "never decides: whatever it matches, one of {} matches before",
                        names.join(", ")
                    ),
                };
                let found = report.add(Code::RuleShadowed, &place, message);
                found.other = earlier.first().map(|at| place_of(*at));
                unreached.rules.insert(at);
            }
            Reach::Unknown => {
                let message = "may never decide: that is beyond what this analysis can tell";
                report.add(Code::NotDecided, &place, message).exact = false;
            }
        }
    }
    if let Reach::Behind(_) = questions.reach(None) {
        let message = "is never reached: the rules match whatever there is";
        report.add(Code::FallthroughUnreachable, &format!("{place}/fallthrough"), message);
        unreached.fallthrough = true;
    }
    let alive: Vec<usize> =
        (0..flag.rules.len()).filter(|at| !unreached.rules.contains(at)).collect();
    overlaps(report, place, &mut questions, &alive);
    unreached
}

fn overlaps<'a>(
    report: &mut Report<'a>,
    place: &str,
    questions: &mut Questions<'a>,
    alive: &[usize],
) {
    let rules = &questions.flag.rules;
    let (mut listed, mut unknown) = (0, 0);
    'pairs: for (place_of_later, later) in alive.iter().enumerate() {
        let Some(second) = rules.get(*later) else { continue };
        for earlier in alive.iter().take(place_of_later) {
            let Some(first) = rules.get(*earlier).filter(|first| first.serve != second.serve)
            else {
                continue;
            };
            if [earlier, later].iter().any(|at| questions.need_what_is_off.contains(at)) {
                continue;
            }
            if listed == MAX_OVERLAPS {
                let message = format!(
                    "may overlap in more pairs than the {MAX_OVERLAPS} that are listed: the others are not analysed"
                );
                report.add(Code::NotDecided, &format!("{place}/rules"), message).exact = false;
                break 'pairs;
            }
            match questions.together(*earlier, *later) {
                Answer::Holds(witness) => {
                    listed += 1;
                    let message = format!(
                        "can match where `{}` does, which serves something else and decides",
                        first.id
                    );
                    let found =
                        report.add(Code::RulesOverlap, &format!("{place}/rules/{later}"), message);
                    found.other = Some(format!("{place}/rules/{earlier}"));
                    found.witness = Some(witness);
                }
                Answer::Unknown => unknown += 1,
                Answer::Never(_) => {}
            }
        }
    }
    if unknown > 0 {
        let message =
            format!("{unknown} more pairs may overlap: that is beyond what this analysis can tell");
        report.add(Code::NotDecided, &format!("{place}/rules"), message).exact = false;
    }
}

#[derive(Debug)]
enum Reach {
    /// It decides here.
    At(Witness),
    /// It never matches, and what cannot be.
    Never(Option<String>),
    /// These rules before it match whatever it matches.
    Behind(Vec<usize>),
    Unknown,
}

struct Questions<'a> {
    flag: &'a Flag,
    solver: Solver<'a>,
    formulas: Vec<Rc<Formula>>,
    left: usize,
    /// For each rule that was met: a witness, and the rules that match there.
    met: BTreeMap<usize, (Witness, BTreeSet<usize>)>,
    /// The rules that ask for a flag that is off: what they match then is not asked.
    need_what_is_off: BTreeSet<usize>,
}

impl<'a> Questions<'a> {
    fn new(shared: Rc<Shared<'a>>, key: &'a str, flag: &'a Flag, options: &'a Options) -> Self {
        let rules = flag.rules.iter().enumerate();
        let need_what_is_off = rules
            .filter(|(_, rule)| needs_what_is_off(shared.configuration, rule))
            .map(|(at, _)| at);
        let need_what_is_off = need_what_is_off.collect();
        let mut solver = Solver::new(shared, key, flag, options);
        // What does not compile may contain itself.
        let formulas = if solver.can_confirm() {
            flag.rules.iter().map(|rule| Rc::new(solver.atoms.rule(rule))).collect()
        } else {
            Vec::new()
        };
        let (left, met) = (MAX_QUESTIONS, BTreeMap::new());
        Self { flag, solver, formulas, left, met, need_what_is_off }
    }

    fn ask(&mut self, must: &[usize], must_not: &[usize]) -> Answer {
        let Some(left) = self.left.checked_sub(1) else { return Answer::Unknown };
        self.left = left;
        self.solver.ask(&self.formulas, must, must_not)
    }

    /// Whether a rule, or without one the fallthrough, is ever come to and matches.
    fn reach(&mut self, rule: Option<usize>) -> Reach {
        let must: Vec<usize> = rule.into_iter().collect();
        let end = rule.unwrap_or(self.flag.rules.len());
        let mut before: Vec<usize> = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let witness = match self.ask(&must, &before) {
                Answer::Holds(witness) => witness,
                Answer::Unknown if before.is_empty() && rule.is_some() => {
                    // Whatever it matches may still be taken before.
                    let earlier: Vec<usize> = (0..end.min(MAX_BEFORE)).collect();
                    return match self.ask(&must, &earlier) {
                        Answer::Never(_) => Reach::Behind(self.alone(&must, earlier)),
                        _ => Reach::Unknown,
                    };
                }
                Answer::Unknown => return Reach::Unknown,
                Answer::Never(reason) if before.is_empty() => return Reach::Never(reason),
                Answer::Never(_) => return Reach::Behind(self.alone(&must, before)),
            };
            let matching = self.solver.matching(&witness);
            if matching.iter().take(end).any(Option::is_none) {
                // An error on the way: what it takes is not known.
                return Reach::Unknown;
            }
            let matching: BTreeSet<usize> =
                (0..matching.len()).filter(|at| matching.get(*at) == Some(&Some(true))).collect();
            let earlier: Vec<usize> = matching.iter().copied().filter(|at| *at < end).collect();
            if let Some(rule) = rule {
                self.met.entry(rule).or_insert((witness.clone(), matching));
            }
            if earlier.is_empty() {
                return Reach::At(witness);
            }
            before.extend(earlier);
        }
        Reach::Unknown
    }

    /// One of the rules that by itself takes all, or else all of them.
    fn alone(&mut self, must: &[usize], before: Vec<usize>) -> Vec<usize> {
        let alone = before.iter().copied().find(|earlier| {
            before.len() > 1 && matches!(self.ask(must, &[*earlier]), Answer::Never(_))
        });
        alone.map_or(before, |alone| alloc::vec![alone])
    }

    /// Whether two rules match at once.
    fn together(&mut self, first: usize, second: usize) -> Answer {
        for (rule, other) in [(second, first), (first, second)] {
            if let Some((witness, matching)) = self.met.get(&rule)
                && matching.contains(&other)
            {
                return Answer::Holds(witness.clone());
            }
        }
        self.ask(&[first, second], &[])
    }
}

/// Whether the rule asks for a flag that is off.
fn needs_what_is_off(configuration: &Configuration, rule: &Rule) -> bool {
    let mut found = false;
    let off = |condition: &Condition| match condition {
        Condition::Flag(needed) => {
            configuration.flags.get(&needed.flag).is_some_and(|flag| !flag.enabled)
        }
        _ => false,
    };
    walk::conditions("", &rule.when, true, &mut |_, condition, _| found |= off(condition));
    found
}
