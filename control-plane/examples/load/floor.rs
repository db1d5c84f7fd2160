//! A bare axum handler: what a request costs on this machine before anything is done for it.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

/// Serves until it is killed; says on which address.
pub(crate) async fn serve() -> std::io::Result<()> {
    let hello = get(async || Json(json!({ "key": "simple-bool", "value": true })));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/hello", hello)).await
}
