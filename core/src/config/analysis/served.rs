//! What a flag can serve, and what others wait for in vain.

use alloc::collections::BTreeSet;
use alloc::format;

use super::rules::Unreached;
use super::{Report, walk};
use crate::config::finding::Code;
use crate::config::literal::pointer;
use crate::config::{Condition, Flag, Prerequisite, Serve};

pub(super) fn of_flag<'a>(
    report: &mut Report<'a>,
    place: &str,
    flag: &'a Flag,
    unreached: &Unreached,
) {
    let mut served = variants(report, flag, unreached);
    served.extend(flag.off_variant.iter().map(|variant| variant.as_str()));
    for (at, variant) in flag.variants.iter().enumerate() {
        if !served.contains(variant.key.as_str()) {
            let message = format!("`{}` is never served", variant.key);
            report.add(Code::VariantNeverServed, &format!("{place}/variants/{at}"), message);
        }
    }
    for (at, needed) in flag.prerequisites.iter().enumerate() {
        prerequisite(report, &format!("{place}/prerequisites/{at}"), needed);
    }
    for (at, rule) in flag.rules.iter().enumerate() {
        let place = format!("{place}/rules/{at}/when");
        walk::conditions(&place, &rule.when, true, &mut |place, condition, _| {
            if let Condition::Flag(needed) = condition {
                prerequisite(report, &format!("{place}/flag"), needed);
            }
        });
    }
}

/// The variants that a flag which is on may serve, other than its off variant.
fn variants<'a>(report: &Report<'_>, flag: &'a Flag, unreached: &Unreached) -> BTreeSet<&'a str> {
    let mut served: BTreeSet<&str> = BTreeSet::new();
    let now = report.options.now;
    let counts = |expires: Option<i64>| expires.is_none_or(|at| now.is_none_or(|now| now < at));
    let targets = flag.targets.iter();
    let targets = targets.filter(|target| !target.keys.is_empty() && counts(target.expires));
    served.extend(targets.map(|target| target.variant.as_str()));
    let holdouts = &report.configuration.holdouts;
    let held_out = flag
        .holdout
        .iter()
        .filter(|held| holdouts.get(&held.holdout).is_some_and(|holdout| holdout.weight > 0));
    served.extend(held_out.map(|held| held.variant.as_str()));
    let rules = flag.rules.iter().enumerate();
    let rules = rules.filter(|(at, rule)| counts(rule.to) && !unreached.rules.contains(at));
    let fallthrough = Some(&flag.fallthrough).filter(|_| !unreached.fallthrough);
    for serve in rules.map(|(_, rule)| &rule.serve).chain(fallthrough) {
        served.extend(variants_of(serve));
    }
    served
}

/// The variants that some bucket gets at some time.
pub(super) fn variants_of(serve: &Serve) -> BTreeSet<&str> {
    match serve {
        Serve::Variant(variant) => BTreeSet::from([variant.as_str()]),
        Serve::Split(split) => {
            let parts = split.weights.iter().filter(|part| part.weight > 0);
            parts.filter_map(|part| part.variant.as_deref()).collect()
        }
        Serve::Ramp(ramp) => {
            let parts = ramp.variants.iter().enumerate();
            let ever = |at: usize| {
                ramp.steps.iter().any(|step| step.weights.get(at).is_some_and(|weight| *weight > 0))
            };
            parts
                .filter(|(at, _)| ever(*at))
                .filter_map(|(_, variant)| variant.as_deref())
                .collect()
        }
    }
}

fn prerequisite(report: &mut Report<'_>, place: &str, needed: &Prerequisite) {
    let key = &needed.flag;
    let Some(flag) = report.configuration.flags.get(key) else { return };
    if !flag.enabled {
        let message = format!("is not met while `{key}` is off");
        report.add(Code::PrerequisiteOff, place, message).other = Some(pointer("/flags", key));
    }
    let mut served = variants(report, flag, &Unreached::default());
    // A flag that is on serves its off variant where its own prerequisites are not met.
    if !flag.prerequisites.is_empty() {
        served.extend(flag.off_variant.iter().map(|variant| variant.as_str()));
    }
    let known = |variant: &str| flag.variants.iter().any(|known| known.key == variant);
    let in_vain = |variant: &str| known(variant) && !served.contains(variant);
    if !needed.variants.is_empty() && needed.variants.iter().all(|variant| in_vain(variant)) {
        let message = format!("is never met: `{key}` serves none of these variants while it is on");
        report.add(Code::PrerequisiteNeverMet, place, message).other = Some(pointer("/flags", key));
        return;
    }
    for (at, variant) in needed.variants.iter().enumerate().filter(|(_, variant)| in_vain(variant))
    {
        let message = format!("`{key}` never serves `{variant}` while it is on");
        let found = report.add(
            Code::PrerequisiteVariantNeverServed,
            &format!("{place}/variants/{at}"),
            message,
        );
        found.other = Some(pointer("/flags", key));
    }
}
