//! `pennon export`, `pennon import --server`, `pennon eval --server` and `pennon edges`: through a running server's API, so that roles, checks,
//! the audit log and publishing are the same for programs as for people.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};

use super::import::Format;
use super::{Failed, read, write};

/// A large import compiles every environment, some of them more than once.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Which project of which server.
#[derive(Args, Clone, Debug)]
pub struct ServerArgs {
    /// The server's address.
    #[arg(long, env = "PENNON_SERVER", value_name = "URL")]
    server: String,
    /// The project's key.
    #[arg(long, default_value = "default", value_name = "KEY")]
    project: String,
    /// A file with an API token; without it, PENNON_TOKEN holds one.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// `pennon export`
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Where the project goes.
    #[arg(long, value_name = "PROJECT.json")]
    out: PathBuf,
}

/// Asks what a context gets, or got, on a server.
#[derive(Clone, Debug)]
pub struct Question {
    pub server: String,
    pub project: String,
    pub environment: String,
    pub token_file: Option<PathBuf>,
    pub flag: String,
    /// JSON.
    pub context: String,
    /// A version, or a time.
    pub at: Option<String>,
    pub kind: Kind,
}

/// `pennon edges`
#[derive(Args, Clone, Debug)]
pub struct EdgesArgs {
    /// The server's address.
    #[arg(long, env = "PENNON_SERVER", value_name = "URL")]
    server: String,
    /// A file with a token of an owner of the instance; without it, PENNON_TOKEN holds one.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Print the API's answer instead of a table.
    #[arg(long)]
    json: bool,
}

/// What `pennon import` needs besides a format and a file when it goes to a server.
#[derive(Clone, Debug)]
pub struct ImportTo {
    pub server: String,
    pub project: String,
    pub environment: Option<String>,
    pub token_file: Option<PathBuf>,
    pub dry_run: bool,
}

/// Writes a project into a file.
///
/// # Errors
/// When the server refuses or does not answer, or the file cannot be written.
pub fn export(args: &ExportArgs) -> Result<(), Failed> {
    let token = token(args.server.token_file.as_deref())?;
    let path = ["projects", &args.server.project, "export"];
    let url = url(&args.server.server, &path, &[])?;
    let project = ask(|client| client.get(url).bearer_auth(token))?;
    let text = serde_json::to_string_pretty(&project).map_err(|error| Failed(error.to_string()))?;
    write(&args.out, (text + "\n").as_bytes())
}

/// Sends a file to a server and answers its report.
///
/// # Errors
/// When the file cannot be read, or the server refuses it or does not answer.
pub fn import(format: Format, file: &Path, to: &ImportTo) -> Result<Value, Failed> {
    let token = token(to.token_file.as_deref())?;
    let from = match format {
        Format::Project => "project",
        Format::Pennon => "config",
        Format::Unleash => "unleash",
        Format::Growthbook => "growthbook",
        Format::Flagd => "flagd",
        Format::Launchdarkly => "launchdarkly",
    };
    let mut query = vec![("from", from), ("dryRun", if to.dry_run { "true" } else { "false" })];
    if let Some(environment) = &to.environment {
        query.push(("environment", environment));
    }
    let url = url(&to.server, &["projects", &to.project, "import"], &query)?;
    let bytes = read(file)?;
    ask(|client| {
        let request = client.post(url).bearer_auth(token);
        request.header(reqwest::header::CONTENT_TYPE, "application/json").body(bytes)
    })
}

/// What a context gets, or got at a version or a time, with the trace.
///
/// # Errors
/// When the context is no object, or the server refuses or does not answer.
pub fn evaluate(question: &Question) -> Result<Value, Failed> {
    let token = token(question.token_file.as_deref())?;
    let context: Value = serde_json::from_str(&question.context)
        .map_err(|error| Failed(format!("--context: {error}")))?;
    let path = ["projects", &question.project, "environments", &question.environment, "evaluate"];
    let url = url(&question.server, &path, &[])?;
    let body = json!({
        "flag": question.flag,
        "context": context,
        "at": question.at,
        "kind": question.kind.as_str(),
    });
    ask(|client| {
        let request = client.post(url).bearer_auth(token);
        request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body.to_string())
    })
}

/// Every edge with the version it runs, how old that is, and what is wrong: as a table, or as the API answers.
///
/// # Errors
/// When the server refuses or does not answer.
pub fn edges(args: &EdgesArgs) -> Result<String, Failed> {
    let token = token(args.token_file.as_deref())?;
    let url = url(&args.server, &["edges"], &[])?;
    let answer = ask(|client| client.get(url).bearer_auth(token))?;
    if args.json {
        return Ok(format!("{answer:#}\n"));
    }
    let names = ["EDGE", "ENVIRONMENT", "KIND", "VERSION", "KEYSET", "AGE", "ERROR"];
    let mut rows = vec![names.map(str::to_owned)];
    for edge in answer["items"].as_array().into_iter().flatten() {
        let text = |name: &str| edge[name].as_str().unwrap_or_default().to_owned();
        let reported = &edge["reported"];
        let version = reported["version"].as_i64().or_else(|| edge["version"].as_i64());
        rows.push([
            text("url"),
            text("environmentId"),
            text("kind"),
            version.map_or_else(String::new, |version| version.to_string()),
            reported["keyset"].as_i64().map_or_else(String::new, |keyset| keyset.to_string()),
            reported["ageMs"].as_i64().map_or_else(String::new, age),
            match edge["statusError"].as_str() {
                Some(error) => error.to_owned(),
                None => text("lastError"),
            },
        ]);
    }
    Ok(table(&rows))
}

fn age(milliseconds: i64) -> String {
    match milliseconds / 1_000 {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 2 * 3_600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

/// Columns as wide as their longest cell.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn token(file: Option<&Path>) -> Result<String, Failed> {
    let token = match file {
        Some(file) => String::from_utf8_lossy(&read(file)?).trim().to_owned(),
        None => std::env::var("PENNON_TOKEN").unwrap_or_default(),
    };
    if token.is_empty() {
        return Err(Failed("give an API token: --token-file, or PENNON_TOKEN".to_owned()));
    }
    Ok(token)
}

fn url(server: &str, path: &[&str], query: &[(&str, &str)]) -> Result<reqwest::Url, Failed> {
    let wrong = |why: &dyn std::fmt::Display| Failed(format!("--server {server:?}: {why}"));
    let mut url = reqwest::Url::parse(server).map_err(|error| wrong(&error))?;
    url.path_segments_mut()
        .map_err(|()| wrong(&"it is no address of a server"))?
        .pop_if_empty()
        .push("admin")
        .extend(path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// Asks once and reads the answer.
fn ask(request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder) -> Result<Value, Failed> {
    let failed = |error: &dyn std::fmt::Display| Failed(format!("the server: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(&error))?;
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| failed(&error))?;
    runtime.block_on(async {
        let response = request(&client).send().await.map_err(|error| failed(&error))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| failed(&error))?;
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let detail = answer["detail"].as_str().unwrap_or("it answered no problem document");
        let field = answer["field"].as_str().filter(|field| !field.is_empty());
        let field = field.map_or_else(String::new, |field| format!("{field}: "));
        Err(Failed(format!("the server answered {status}: {field}{detail}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let path = ["projects", "a b", "import"];
        let of = |server: &str| url(server, &path, &[("from", "flagd")]).map(String::from);
        let expected = "https://flags.example.com/admin/projects/a%20b/import?from=flagd";
        assert_eq!(of("https://flags.example.com").unwrap(), expected);
        assert_eq!(of("https://flags.example.com/").unwrap(), expected);
        assert!(of("flags.example.com").is_err() && of("mailto:a@b").is_err());
    }
}
