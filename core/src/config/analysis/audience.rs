//! Lists of individuals: of targets and of segments.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

use super::Report;
use crate::config::Flag;
use crate::config::finding::Code;
use crate::config::literal::pointer;

/// Keys that a segment lists twice, or as included and excluded.
pub(super) fn segments(report: &mut Report<'_>) {
    for (key, segment) in &report.configuration.segments {
        let place = pointer("/segments", key);
        for (part, keys) in [("included", &segment.included), ("excluded", &segment.excluded)] {
            let mut seen = BTreeSet::new();
            if let Some(twice) = keys.iter().find(|key| !seen.insert(key.as_str())) {
                let message = format!("lists `{twice}` more than once");
                report.add(Code::KeyListedTwice, &format!("{place}/{part}"), message);
            }
        }
        let excluded: BTreeSet<&String> = segment.excluded.iter().collect();
        if let Some(both) = segment.included.iter().find(|key| excluded.contains(key)) {
            let message = format!("lists `{both}`, which is excluded: excluded beats included");
            report.add(Code::KeyIncludedAndExcluded, &format!("{place}/included"), message);
        }
    }
}

/// Targets that have expired.
pub(super) fn targets(report: &mut Report<'_>, place: &str, flag: &Flag) {
    let Some(now) = report.options.now else { return };
    for (at, target) in flag.targets.iter().enumerate() {
        if let Some(expires) = target.expires.filter(|expires| *expires <= now) {
            let message = format!("expired at {expires} and counts no more");
            report.add(Code::TargetExpired, &format!("{place}/targets/{at}"), message);
        }
    }
}
