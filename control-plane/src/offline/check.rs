//! `pennon check`: what static analysis has to say about CONFIG.json.

use std::fmt::Write;
use std::path::Path;

use pennon_core::config::{Finding, Severity, analysis};
use serde_json::json;

use super::Failed;
use super::compile::read_configuration;

/// How findings are printed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Format {
    /// A line for each: severity, code, place and a sentence.
    Text,
    /// `{"findings": [...], "errors": n, "warnings": n, "notes": n}`.
    Json,
}

/// Analyses a file as of `now`, in Unix milliseconds. Answers what to print, and whether the configuration passes.
///
/// # Errors
/// When the file cannot be read, or is no CONFIG.json.
pub fn check(
    file: &Path,
    format: Format,
    deny_warnings: bool,
    now: i64,
) -> Result<(String, bool), Failed> {
    let configuration = read_configuration(file)?;
    let findings = analysis::findings(&configuration, &analysis::Options { now: Some(now) });
    let count = |severity| findings.iter().filter(|found| found.severity == severity).count();
    let counts = [count(Severity::Error), count(Severity::Warning), count(Severity::Note)];
    let [errors, warnings, notes] = counts;
    let text = match format {
        Format::Text => text(&findings, counts)?,
        Format::Json => {
            let all = json!({ "findings": findings, "errors": errors, "warnings": warnings, "notes": notes });
            format!("{all:#}\n")
        }
    };
    Ok((text, errors == 0 && !(deny_warnings && warnings > 0)))
}

fn text(findings: &[Finding], [errors, warnings, notes]: [usize; 3]) -> Result<String, Failed> {
    let mut text = String::new();
    let mut write = || {
        for finding in findings {
            writeln!(text, "{finding}")?;
            if let Some(witness) = &finding.witness {
                writeln!(text, "    for example at {} with {}", witness.now, witness.context)?;
            }
        }
        writeln!(text, "errors: {errors}, warnings: {warnings}, notes: {notes}")
    };
    write().map_err(|error| Failed(error.to_string()))?;
    Ok(text)
}
