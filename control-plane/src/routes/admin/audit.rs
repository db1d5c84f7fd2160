//! `GET /admin/projects/{project}/audit`: the log, by page or whole.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::find;
use crate::app::App;
use crate::auth::actor::Actor;
use crate::routes::page::Page;
use crate::routes::path::{Path, Query};
use crate::routes::problem::Problem;
use crate::store::audit::{self, Chained, Filter, MAX_PAGE, Order};
use crate::store::projects::Project;
use crate::store::{StoreError, Tx};

/// Entries a page has unless the request says otherwise.
const PAGE: i64 = 50;
/// The longest text of a filter.
const MAX_FILTER_CHARACTERS: usize = 200;

/// Which entries, and which page of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Who made the change: `user:...`, `token:...`.
    author: Option<String>,
    /// What was done: `flag.created`, ...
    action: Option<String>,
    /// The key or id of what was changed.
    target: Option<String>,
    /// The key of an environment: entries that concern it alone.
    environment: Option<String>,
    /// Unix milliseconds, included.
    from: Option<i64>,
    /// Unix milliseconds, not included.
    to: Option<i64>,
    /// A text that the entry holds.
    search: Option<String>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Entries a page has at most: 50 unless given, at most 200.
    limit: Option<i64>,
}

/// Newest first.
pub async fn list(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Chained>>, Problem> {
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::invalid("limit", format!("give 1 to {MAX_PAGE}")));
    }
    let before = match &wanted.cursor {
        None => i64::MAX,
        Some(cursor) => cursor
            .parse()
            .map_err(|_| Problem::invalid("cursor", "give the `next` of the page before"))?,
    };
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let filter = filter(&mut tx, &project, wanted).await?;
    let entries =
        audit::list(&mut tx, &project.id, &filter, (0, before), Order::NewestFirst, limit).await?;
    let next = entries.last().map(|last| last.entry.sequence).filter(|sequence| *sequence > 1);
    let next = next.map(|sequence| sequence.to_string());
    Ok(Json(Page { items: entries, next, total: None }))
}

/// The filter that a request asks for.
async fn filter(tx: &mut Tx, project: &Project, wanted: Wanted) -> Result<Filter, Problem> {
    for (field, text) in [
        ("author", &wanted.author),
        ("action", &wanted.action),
        ("target", &wanted.target),
        ("search", &wanted.search),
    ] {
        if text.as_ref().is_some_and(|text| text.chars().count() > MAX_FILTER_CHARACTERS) {
            let detail = format!("give at most {MAX_FILTER_CHARACTERS} characters");
            return Err(Problem::invalid(field, detail));
        }
        // PostgreSQL knows no NUL in a text, and no text of the log but JSON holds one.
        if text.as_ref().is_some_and(|text| text.contains('\0')) {
            return Err(Problem::invalid(field, "a text holds no NUL"));
        }
    }
    let environment_id = match &wanted.environment {
        Some(key) => Some(find::environment(tx, project, key).await?.id),
        None => None,
    };
    Ok(Filter {
        author: wanted.author,
        action: wanted.action,
        target: wanted.target,
        environment_id,
        from: wanted.from,
        to: wanted.to,
        text: wanted.search.filter(|text| !text.is_empty()),
    })
}

/// A file format of the export.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One entry as JSON a line: everything, exactly.
    Jsonl,
    /// For spreadsheets: values as JSON texts; a cell that a spreadsheet would take for a formula begins with an apostrophe.
    Csv,
}

/// Which entries, and how they are written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// How the file is written.
    format: Format,
    /// Who made the change: `user:...`, `token:...`.
    author: Option<String>,
    /// What was done: `flag.created`, ...
    action: Option<String>,
    /// The key or id of what was changed.
    target: Option<String>,
    /// The key of an environment: entries that concern it alone.
    environment: Option<String>,
    /// Unix milliseconds, included.
    from: Option<i64>,
    /// Unix milliseconds, not included.
    to: Option<i64>,
    /// A text that the entry holds.
    search: Option<String>,
}

/// `GET .../audit/export`: oldest first, as many as there were when the request came. No more than a page is held in memory, and no
/// transaction is kept open for a slow reader.
pub async fn export(
    State(app): State<App>,
    _: Actor,
    Path(project): Path<String>,
    Query(export): Query<Export>,
) -> Result<Response, Problem> {
    let Export { format, author, action, target, environment, from, to, search } = export;
    let wanted =
        Wanted { author, action, target, environment, from, to, search, cursor: None, limit: None };
    let mut tx = app.store.begin_read().await?;
    let project = find::project(&mut tx, &project).await?;
    let filter = filter(&mut tx, &project, wanted).await?;
    let all = Filter::default();
    let newest =
        audit::list(&mut tx, &project.id, &all, (0, i64::MAX), Order::NewestFirst, 1).await?;
    drop(tx);
    let end = newest.first().map_or(0, |newest| newest.entry.sequence) + 1;
    let name = project.key.clone();
    let reading = Reading { app, project_id: project.id, filter, format, after: 0, end };
    let head = match format {
        Format::Jsonl => Bytes::new(),
        Format::Csv => csv_line(&COLUMNS.map(str::to_owned))?,
    };
    let body = stream::unfold((Some(head), Some(reading)), |(head, reading)| async move {
        if let Some(head) = head {
            return Some((Ok::<_, StoreError>(head), (None, reading)));
        }
        let mut reading = reading?;
        match reading.page().await {
            Ok(None) => None,
            Ok(Some(bytes)) => Some((Ok(bytes), (None, Some(reading)))),
            // The reader sees a body that breaks off, never one that looks whole.
            Err(error) => {
                tracing::warn!(%error, "an export of the audit log broke off");
                Some((Err(error), (None, None)))
            }
        }
    });
    let (kind, ending) = match format {
        Format::Jsonl => ("application/jsonl", "jsonl"),
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"audit-{name}.{ending}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// An export on its way.
struct Reading {
    app: App,
    project_id: String,
    filter: Filter,
    format: Format,
    after: i64,
    end: i64,
}

impl Reading {
    /// The next page's bytes.
    async fn page(&mut self) -> Result<Option<Bytes>, StoreError> {
        let mut tx = self.app.store.begin_read().await?;
        let range = (self.after, self.end);
        let entries = audit::list(
            &mut tx,
            &self.project_id,
            &self.filter,
            range,
            Order::OldestFirst,
            MAX_PAGE,
        )
        .await?;
        drop(tx);
        let Some(last) = entries.last() else { return Ok(None) };
        self.after = last.entry.sequence;
        let mut bytes = Vec::new();
        for entry in &entries {
            match self.format {
                Format::Jsonl => {
                    bytes.extend_from_slice(json!(entry).to_string().as_bytes());
                    bytes.push(b'\n');
                }
                Format::Csv => bytes.extend_from_slice(&csv_line(&cells(entry))?),
            }
        }
        Ok(Some(Bytes::from(bytes)))
    }
}

const COLUMNS: [&str; 11] = [
    "sequence",
    "at",
    "author",
    "origin",
    "action",
    "environmentId",
    "target",
    "oldValue",
    "newValue",
    "comment",
    "hash",
];

fn cells(Chained { entry, hash }: &Chained) -> [String; 11] {
    let text = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    [
        entry.sequence.to_string(),
        entry.at.to_string(),
        cell(&entry.author),
        text(&entry.origin),
        cell(&entry.action),
        text(&entry.environment_id),
        cell(&entry.target),
        json(&entry.old_value),
        json(&entry.new_value),
        text(&entry.comment),
        hash.clone(),
    ]
}

/// A text that no spreadsheet runs.
fn cell(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

fn csv_line(cells: &[String; 11]) -> Result<Bytes, StoreError> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let unwritable = |error: &dyn std::fmt::Display| StoreError::Unusable(format!("CSV: {error}"));
    writer.write_record(cells).map_err(|error| unwritable(&error))?;
    Ok(writer.into_inner().map_err(|error| unwritable(&error))?.into())
}
