//! A service whose answers depend on flags. They are evaluated in this process, from a verified snapshot that `flags.rs` keeps up to date: no
//! request waits for anybody, and all goes on when Pennon is away.
//!
//! `PENNON_CONNECTION` holds a server connection string; `LISTEN` an address (127.0.0.1:8700).

mod flags;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use pennon_core::context::Context;
use pennon_core::outcome::Value as FlagValue;
use serde::Deserialize;
use serde_json::{Value, json};

use flags::Flags;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Which cryptography TLS uses: an https connection string needs one.
    rustls::crypto::ring::default_provider().install_default().ok();
    let connection = std::env::var("PENNON_CONNECTION")
        .context("set PENNON_CONNECTION to a server connection string")?;
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8700".to_owned());
    // Starts at once, and without Pennon: until the first snapshot flags have the defaults given below.
    let flags = Flags::follow(&connection)?;
    let listener = tokio::net::TcpListener::bind(&address).await.context(address)?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = Router::new().route("/", get(shop)).with_state(flags);
    Ok(axum::serve(listener, service).await?)
}

#[derive(Deserialize)]
struct Visitor {
    user: String,
    #[serde(default)]
    country: String,
}

/// What a visitor sees.
async fn shop(State(flags): State<Flags>, Query(visitor): Query<Visitor>) -> Json<Value> {
    let context = json!({ "targetingKey": visitor.user, "country": visitor.country });
    let Ok(context) = Context::from_json(&context) else { return Json(json!({})) };
    let Some(snapshot) = flags.snapshot() else {
        return Json(json!({ "banner": "Welcome", "checkout": "old", "version": null }));
    };
    let now = unix_ms();
    let banner = match snapshot.body.evaluate("banner-text", &context, now).value() {
        Some(FlagValue::String(text)) => text,
        // No such flag, another type, an error: the default.
        _ => "Welcome",
    };
    let checkout = snapshot.body.evaluate("new-checkout", &context, now);
    let new = matches!(checkout.value(), Some(FlagValue::Boolean(true)));
    Json(json!({
        "banner": banner,
        "checkout": if new { "new" } else { "old" },
        "version": snapshot.version,
    }))
}

fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
