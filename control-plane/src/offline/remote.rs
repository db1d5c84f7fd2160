//! `pennon export` and `pennon import --server`: whole projects through a running server's API, so that roles, checks, the audit log and
//! publishing are the same for files as for people.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::Value;

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
    let url = url(&args.server.server, &args.server.project, "export", &[])?;
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
    let url = url(&to.server, &to.project, "import", &query)?;
    let bytes = read(file)?;
    ask(|client| {
        let request = client.post(url).bearer_auth(token);
        request.header(reqwest::header::CONTENT_TYPE, "application/json").body(bytes)
    })
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

fn url(
    server: &str,
    project: &str,
    what: &str,
    query: &[(&str, &str)],
) -> Result<reqwest::Url, Failed> {
    let wrong = |why: &dyn std::fmt::Display| Failed(format!("--server {server:?}: {why}"));
    let mut url = reqwest::Url::parse(server).map_err(|error| wrong(&error))?;
    url.path_segments_mut()
        .map_err(|()| wrong(&"it is no address of a server"))?
        .pop_if_empty()
        .extend(["admin", "projects", project, what]);
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
        let of =
            |server: &str| url(server, "a b", "import", &[("from", "flagd")]).map(String::from);
        let expected = "https://flags.example.com/admin/projects/a%20b/import?from=flagd";
        assert_eq!(of("https://flags.example.com").unwrap(), expected);
        assert_eq!(of("https://flags.example.com/").unwrap(), expected);
        assert!(of("flags.example.com").is_err() && of("mailto:a@b").is_err());
    }
}
