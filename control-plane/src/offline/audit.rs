//! `pennon audit verify`: the audit log against its chain of hashes.

use clap::Args;
use pennon_core::protocol::connection;

use super::{Failed, Opened};
use crate::config::PlaceArgs;
use crate::store::audit::{self, Verified};
use crate::store::projects;

/// What is verified.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// The key of one project; without it, all of them.
    #[arg(long, value_name = "KEY")]
    project: Option<String>,
    /// A hash that an earlier run printed and that was kept elsewhere: the entry has to be there still. The chain alone cannot show that
    /// its newest entries were removed together with the project's count of them.
    #[arg(long, value_name = "HASH")]
    expect: Vec<String>,
}

/// One line for each project; whether every chain holds and every expected entry is there.
///
/// # Errors
/// When the database cannot be read, there is no such project, or a hash is none.
pub fn verify(args: &VerifyArgs) -> Result<(Vec<String>, bool), Failed> {
    let mut expected = Vec::new();
    for text in &args.expect {
        let hash = connection::digest(&text.trim().to_ascii_lowercase());
        expected.push(hash.ok_or_else(|| Failed(format!("--expect {text}: give 64 hex digits")))?);
    }
    let opened = Opened::open(&args.place)?;
    opened.run(async |store| {
        let mut tx = store.begin_read().await?;
        let mut projects = projects::list(&mut tx).await?;
        if let Some(key) = &args.project {
            projects.retain(|project| project.key == *key);
            if projects.is_empty() {
                return Err(Failed(format!("--project: there is no project {key:?}")));
            }
        }
        let (mut lines, mut sound) = (Vec::new(), true);
        for project in &projects {
            match audit::verify(&mut tx, &project.id).await? {
                Verified::Whole { entries, newest } => lines.push(format!(
                    "{}: {entries} entries, unbroken; the newest hash is {}",
                    project.key,
                    connection::hex(&newest)
                )),
                Verified::Broken { sequence, why } => {
                    sound = false;
                    lines.push(format!("{}: BROKEN at entry {sequence}: {why}", project.key));
                }
            }
            let mut missing = Vec::new();
            for hash in expected {
                match audit::sequence_of(&mut tx, &project.id, &hash).await? {
                    Some(sequence) => lines.push(format!(
                        "{}: the expected entry is there, as number {sequence}",
                        project.key
                    )),
                    None => missing.push(hash),
                }
            }
            expected = missing;
        }
        for hash in expected {
            sound = false;
            let hash = connection::hex(&hash);
            lines.push(format!(
                "MISSING: no entry has the hash {hash}: the log was cut off or written anew"
            ));
        }
        Ok((lines, sound))
    })
}
