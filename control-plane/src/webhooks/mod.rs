//! Tells webhooks of changes: takes what waits in the database, sends it, and tries again what failed.

pub mod guard;
pub mod sender;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::app::App;
use crate::auth::seal::Vault;
use crate::domain::webhook::{MAX_ATTEMPTS, retry_within_ms, shown, signature};
use crate::store::audit::{self, Filter, Order};
use crate::store::deliveries::{self, Delivery};
use crate::store::{StoreError, environments, projects, webhooks};
use sender::{Message, Sender};

/// How often the database is asked for what is due: retries, and what a replica that died left behind.
const TICK: Duration = Duration::from_secs(1);
/// Attempts at once.
const MAX_AT_ONCE: i64 = 16;
/// How long an attempt is claimed for; longer than [`sender::TIMEOUT`] by far.
const CLAIM_MS: i64 = 60_000;
/// A message with old and new value that would be longer goes without them; the audit log has them.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;
/// How long the log of deliveries goes back.
const KEEP_MS: i64 = 30 * 24 * 3_600_000;
/// How often it is pruned.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// What a webhook's secret was sealed for.
pub const SEAL_PURPOSE: &str = "pennon webhook secret";

/// Works until the server stops.
pub async fn run(app: App, sender: Sender) {
    let mut prune_at = Instant::now();
    loop {
        tokio::select! {
            () = app.told.notified() => {}
            () = tokio::time::sleep(TICK) => {}
            () = app.stopped() => return,
        }
        // More may be due than one claim takes.
        loop {
            match deliver_due(&app, &sender).await {
                Ok(0) => break,
                Ok(_) if *app.stopping.borrow() => return,
                Ok(_) => {}
                // Told once by the watch.
                Err(StoreError::Away(_)) => break,
                Err(error) => {
                    tracing::error!(%error, "webhooks cannot be told");
                    break;
                }
            }
        }
        if Instant::now() >= prune_at {
            prune_at = Instant::now() + PRUNE_EVERY;
            if let Err(error) = prune(&app).await {
                tracing::debug!(%error, "the log of webhook deliveries was not pruned");
            }
        }
    }
}

/// Forgets old deliveries.
///
/// # Errors
/// What the database says.
pub async fn prune(app: &App) -> Result<(), StoreError> {
    let mut tx = app.store.begin().await?;
    deliveries::prune(&mut tx, app.clock.now_ms() - KEEP_MS).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes one attempt for each delivery that is due, at most [`MAX_AT_ONCE`], all at once; answers how many.
///
/// # Errors
/// What the database says.
pub async fn deliver_due(app: &App, sender: &Sender) -> Result<usize, StoreError> {
    let now = app.clock.now_ms();
    let mut tx = app.store.begin_read().await?;
    if !deliveries::any_due(&mut tx, now).await? {
        return Ok(0);
    }
    drop(tx);
    let mut tx = app.store.begin().await?;
    let claimed = deliveries::claim(&mut tx, now, now + CLAIM_MS, MAX_AT_ONCE).await?;
    tx.commit().await?;
    let count = claimed.len();
    let mut attempts = JoinSet::new();
    for delivery in claimed {
        let (app, sender) = (app.clone(), sender.clone());
        attempts.spawn(async move { attempt(&app, &sender, delivery).await });
    }
    while let Some(ended) = attempts.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error),
            Err(error) => tracing::error!(%error, "an attempt to tell a webhook failed"),
        }
    }
    Ok(count)
}

async fn attempt(app: &App, sender: &Sender, mut delivery: Delivery) -> Result<(), StoreError> {
    let message = match message(app, &delivery).await? {
        Ok(message) => message,
        Err(why) => {
            delivery.state = "failed".to_owned();
            delivery.last_error = Some(why.to_owned());
            return settle(app, &delivery, None).await;
        }
    };
    let receiver = shown(&message.url);
    let attempt = sender.send(message).await;
    delivery.last_status = attempt.status.map(i64::from);
    delivery.last_duration_ms = Some(attempt.duration_ms);
    delivery.last_error = attempt.error;
    let mut retry_at = None;
    match &delivery.last_error {
        None => delivery.state = "delivered".to_owned(),
        Some(why) => {
            let last = delivery.attempts >= MAX_ATTEMPTS;
            tracing::info!(
                webhook = delivery.webhook_id,
                receiver,
                attempt = delivery.attempts,
                why,
                last,
                "a webhook was not told"
            );
            if last {
                delivery.state = "failed".to_owned();
            } else {
                // Half of the wait by chance, so that many deliveries do not come back together.
                let half = retry_within_ms(delivery.attempts) / 2;
                let chance = app.random.below(half.unsigned_abs()).unwrap_or_default();
                let wait = half + i64::try_from(chance).unwrap_or(half);
                retry_at = Some(app.clock.now_ms() + wait);
            }
        }
    }
    app.metrics.webhook_deliveries(delivery.last_error.is_none());
    settle(app, &delivery, retry_at).await
}

async fn settle(app: &App, delivery: &Delivery, retry_at: Option<i64>) -> Result<(), StoreError> {
    let mut tx = app.store.begin().await?;
    deliveries::settle(&mut tx, delivery, retry_at).await?;
    tx.commit().await?;
    Ok(())
}

/// The message, made anew for each attempt from what does not change: the entry of the audit log.
async fn message(
    app: &App,
    delivery: &Delivery,
) -> Result<Result<Message, &'static str>, StoreError> {
    let mut tx = app.store.begin_read().await?;
    let Some(webhook) = webhooks::get(&mut tx, &delivery.webhook_id).await? else {
        return Ok(Err("the webhook is gone"));
    };
    if !webhook.enabled {
        return Ok(Err("the webhook was turned off"));
    }
    let around = (delivery.sequence - 1, delivery.sequence + 1);
    let filter = Filter::default();
    let entries =
        audit::list(&mut tx, &delivery.project_id, &filter, around, Order::OldestFirst, 1).await?;
    let project = projects::get(&mut tx, &delivery.project_id).await?;
    let (Some(chained), Some(project)) = (entries.into_iter().next(), project) else {
        return Ok(Err("the audit log has no such entry"));
    };
    let mut entry = json!(chained.entry);
    let environment = match &chained.entry.environment_id {
        Some(id) => {
            environments::name(&mut tx, id).await?.map(|key| json!({ "id": id, "key": key }))
        }
        None => None,
    };
    drop(tx);
    // Where the author was is nobody else's business.
    if let Value::Object(fields) = &mut entry {
        fields.remove("origin");
        fields.remove("environmentId");
    }
    let mut whole = json!({
        "id": delivery.id,
        "type": delivery.event,
        "timestamp": chained.entry.at,
        "project": { "id": project.id, "key": project.key },
        "environment": environment,
        "data": entry,
    });
    let mut body = whole.to_string().into_bytes();
    if body.len() > MAX_MESSAGE_BYTES {
        whole["data"]["oldValue"] = Value::Null;
        whole["data"]["newValue"] = Value::Null;
        whole["data"]["valuesLeftOut"] = json!(true);
        body = whole.to_string().into_bytes();
    }
    let now = app.clock.now_ms();
    let mut secrets = vec![open(&app.settings.vault, &webhook.sealed_secret)?];
    if let Some(previous) = &webhook.sealed_previous
        && webhook.previous_until.is_some_and(|until| now < until)
    {
        secrets.push(open(&app.settings.vault, previous)?);
    }
    let timestamp_s = now / 1_000;
    Ok(Ok(Message {
        signature: signature(&secrets, &delivery.id, timestamp_s, &body),
        url: webhook.url,
        id: delivery.id.clone(),
        timestamp_s,
        body,
    }))
}

fn open(vault: &Vault, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    vault
        .open(SEAL_PURPOSE, sealed)
        .map_err(|error| StoreError::Unusable(format!("a webhook's secret: {error}")))
}
