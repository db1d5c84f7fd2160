//! What people and other products write.

use pennon_core::config::{CompileError, Configuration, compile};
use pennon_core::import::{Import, ImportError, flagd, growthbook, launchdarkly, unleash};
use pennon_core::snapshot::{Kind, Snapshot};
use serde_json::Value;

use super::evaluation::every_flag;
use crate::ground::{GROUND, NOW};

pub(super) fn config(bytes: &[u8]) {
    let Ok(configuration) = serde_json::from_slice::<Configuration>(bytes) else { return };
    let text = serde_json::to_string(&configuration).expect("what was read can be written");
    let again: Configuration = serde_json::from_str(&text).expect("and read again");
    assert!(again == configuration, "{text} is read as something else");
    compiles_or_says_why(&configuration);
}

fn compiles_or_says_why(configuration: &Configuration) {
    let problems = configuration.problems();
    for problem in &problems {
        assert!(!problem.message.is_empty());
        assert!(problem.place.is_empty() || problem.place.starts_with('/'), "{problem}");
    }
    for kind in Kind::ALL {
        match compile(configuration, kind, &[]) {
            Ok(body) => {
                assert!(problems.is_empty(), "it compiles in spite of {problems:?}");
                let snapshot = Snapshot::open(body, kind).expect("what compiles opens");
                every_flag(&snapshot, &GROUND.context, NOW, kind == Kind::Server);
                no_flag_is_malformed(configuration, &snapshot);
            }
            Err(CompileError::Problems(found)) => {
                assert!(found.starts_with(&problems) && !found.is_empty());
            }
            Err(CompileError::OverLimits(message)) => assert!(!message.is_empty()),
        }
    }
}

/// What the compiler lets pass the evaluator can read. Only an author's own condition `error` answers as if it could not.
fn no_flag_is_malformed(configuration: &Configuration, snapshot: &Snapshot) {
    let text = serde_json::to_string(configuration).expect("what was read can be written");
    if text.contains("\"error\":") {
        return;
    }
    for position in 0..snapshot.flag_count() {
        let outcome = snapshot.evaluate_at(position, &GROUND.context, NOW);
        let error = outcome.error.map(|error| error.as_str());
        assert_ne!(error, Some("PARSE_ERROR"), "flag {position} of {text}");
    }
}

type Importer = fn(&Value) -> Result<Import, ImportError>;

pub(crate) const IMPORTERS: [(&str, Importer); 4] = [
    ("flagd", flagd::import),
    ("growthbook", growthbook::import),
    ("launchdarkly", launchdarkly::import),
    ("unleash", unleash::import),
];

/// A byte for the product, then JSON.
pub(super) fn import(bytes: &[u8]) {
    let Some((product, json)) = bytes.split_first() else { return };
    let Ok(json) = serde_json::from_slice::<Value>(json) else { return };
    let (name, import) = IMPORTERS[usize::from(*product) % IMPORTERS.len()];
    let Ok(Import { configuration, report }) = import(&json) else { return };
    assert!(configuration.flags.keys().eq(&report.imported), "{name}: {report:?}");
    for refused in &report.refused {
        assert!(!report.imported.contains(&refused.flag), "{name}: {refused:?} is imported too");
        assert!(!refused.reason.is_empty(), "{name}: {refused:?} has no reason");
    }
    let problems = configuration.problems();
    assert!(problems.is_empty(), "{name}: what is imported has problems: {problems:?}");
    compiles_or_says_why(&configuration);
}
