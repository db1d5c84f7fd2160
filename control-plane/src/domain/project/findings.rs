//! What static analysis has to say about what an import changes.

use pennon_core::config::Configuration;
use pennon_core::config::analysis::{Options, findings_of_flag};

use super::{DOCUMENTS, Project};
use crate::domain::findings::{Told, about, of_documents};

/// Findings that a report holds at most: the first ones, in the order of documents, environments and flags.
const MAX_FINDINGS: usize = 1_000;

/// About the documents and flags of `after` that are others than before. `whole` is each environment of `after`, compiled from nothing
/// else.
pub(super) fn findings(
    before: &Project,
    after: &Project,
    whole: &[Configuration],
    now_ms: i64,
) -> Vec<Told> {
    let mut told = Vec::new();
    if let Some(first) = whole.first() {
        let documents = Configuration { flags: Default::default(), ..first.clone() };
        let found = of_documents(&documents, now_ms);
        for (field, kind) in DOCUMENTS {
            let changed = after.documents(field).iter();
            let changed =
                changed.filter(|(key, value)| before.documents(field).get(*key) != Some(*value));
            told.extend(changed.flat_map(|(key, _)| about(&found, kind, key)));
        }
    }
    let options = Options { now: Some(now_ms) };
    for (environment, whole) in after.environments.iter().zip(whole) {
        let known = before.environment(&environment.key);
        for (key, configuration) in &environment.flags {
            let same = known.and_then(|known| known.flags.get(key)) == Some(configuration)
                && before.flags.get(key) == after.flags.get(key);
            if same {
                continue;
            }
            if told.len() >= MAX_FINDINGS {
                break;
            }
            let found = findings_of_flag(whole, key, &options);
            told.extend(
                found
                    .into_iter()
                    .map(|finding| Told { environment: Some(environment.key.clone()), finding }),
            );
        }
    }
    told.truncate(MAX_FINDINGS);
    told
}
