//! `pennon doctor`: looks at the configuration and at all that the server leans on. One line a check; what is wrong says what to do.

use std::time::Duration;

use pennon_core::protocol::connection;
use pennon_core::snapshot::{Head, Kind};

use super::own_secret;
use crate::ambient::Clock;
use crate::config::{self, Config, ServeArgs};
use crate::first_start::ROOT_FINGERPRINT;
use crate::publish::signer::Signer;
use crate::publish::{push, trust};
use crate::store::audit::{self, Verified};
use crate::store::{
    Store, StoreError, environments, instance, pending, projects, signing, snapshots,
};

/// How long anything may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clocks may differ by so much: sessions and heads are dated.
const MAX_CLOCK_DIFFERENCE_MS: i64 = 2_000;

/// The lines, and whether all is well.
#[derive(Debug, Default)]
struct Findings {
    lines: Vec<String>,
    ill: bool,
}

impl Findings {
    fn well(&mut self, what: &str, detail: &str) {
        self.lines.push(format!("ok    {what}: {detail}"));
    }

    fn ill(&mut self, what: &str, detail: &dyn std::fmt::Display) {
        self.ill = true;
        self.lines.push(format!("FAIL  {what}: {detail}"));
    }

    fn judge(&mut self, what: &str, result: Result<String, String>) {
        match result {
            Ok(detail) => self.well(what, &detail),
            Err(detail) => self.ill(what, &detail),
        }
    }
}

/// Looks at everything. `mistakes` are those of the configuration file.
pub fn examine(args: &ServeArgs, mistakes: Vec<String>, clock: &Clock) -> (Vec<String>, bool) {
    let mut findings = Findings::default();
    let variable = std::env::var("PENNON_SECRET").ok();
    let read = config::read(args, variable.as_deref());
    for mistake in mistakes.iter().chain(read.as_ref().err().into_iter().flatten()) {
        findings.ill("configuration", mistake);
    }
    if let Ok(config) = read {
        if mistakes.is_empty() {
            findings.well("configuration", "every setting can be read");
        }
        let secret = config.secret.or_else(|| own_secret(&args.place));
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(look(&config, secret, clock, &mut findings)),
            Err(error) => findings.ill("threads", &error),
        }
    }
    (findings.lines, !findings.ill)
}

async fn look(config: &Config, secret: Option<[u8; 32]>, clock: &Clock, findings: &mut Findings) {
    match connect(config).await {
        Err(detail) => findings.ill("database", &detail),
        Ok(store) => {
            findings.well("database", &format!("{:?} answers", store.dialect()));
            if let Err(error) = look_into(&store, secret, clock, findings).await {
                findings.ill("database", &error);
            }
            store.close().await;
        }
    }
    if let Some(client) = &config.redis {
        findings.judge("redis", redis(client).await);
    }
    for edge in &config.edges {
        findings.judge(&format!("edge {}", edge.url), ask_edge(&edge.url).await);
    }
}

async fn connect(config: &Config) -> Result<Store, String> {
    let file = crate::store::Dialect::file(&config.database).map_err(|error| error.to_string())?;
    if let Some(file) = file.filter(|file| !file.is_file()) {
        return Err(format!(
            "there is no file {}: start pennon serve, or give --data-dir or --database",
            file.display()
        ));
    }
    match tokio::time::timeout(PATIENCE, Store::connect(&config.database)).await {
        Ok(Ok(store)) => Ok(store),
        Ok(Err(error)) => Err(format!("{error}: is it running, and is --database right?")),
        Err(_) => Err(format!("no answer within {} s: is the way to it open?", PATIENCE.as_secs())),
    }
}

async fn look_into(
    store: &Store,
    secret: Option<[u8; 32]>,
    clock: &Clock,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    match pending(store).await {
        Ok(missing) if missing.is_empty() => findings.well("migrations", "nothing is missing"),
        Ok(missing) => {
            let count = missing.len();
            findings.ill("migrations", &format!("{count} are missing: run pennon migrate"));
            return Ok(());
        }
        Err(error) => {
            findings.ill("migrations", &error);
            return Ok(());
        }
    }
    let fits = match secret {
        None => Err(
            "none is configured: set PENNON_SECRET to the one that the database was sealed with"
                .to_owned(),
        ),
        Some(secret) => match Signer::load(store, &secret).await {
            Ok(_) => Ok("it opens the signing key".to_owned()),
            Err(error) => Err(error.to_string()),
        },
    };
    findings.judge("secret", fits);
    findings.judge("keys", keys(store, clock).await?);
    let mut tx = store.begin_read().await?;
    let time = match store.dialect().now_ms(&mut tx).await? {
        None => Ok("the database is a file here".to_owned()),
        Some(there) => {
            let difference = clock.now_ms() - there;
            match difference.abs() <= MAX_CLOCK_DIFFERENCE_MS {
                true => Ok(format!("{difference} ms from the database's")),
                false => Err(format!(
                    "{difference} ms from the database's: let both computers follow a time server"
                )),
            }
        }
    };
    findings.judge("clock", time);
    for project in projects::list(&mut tx).await? {
        let told = match audit::verify(&mut tx, &project.id).await? {
            Verified::Whole { entries, .. } => Ok(format!("{entries} entries, unbroken")),
            Verified::Broken { sequence, why } => Err(format!(
                "broken at entry {sequence} ({why}): find out who can write into the database, and restore a backup"
            )),
        };
        findings.judge(&format!("audit log of {}", project.key), told);
    }
    Ok(())
}

/// Verifies every newest snapshot as a client does that has the root fingerprint alone.
async fn keys(store: &Store, clock: &Clock) -> Result<Result<String, String>, StoreError> {
    let mut tx = store.begin_read().await?;
    let Some(root) = instance::get(&mut tx, ROOT_FINGERPRINT).await? else {
        return Ok(Err("the database was never served: start pennon serve".to_owned()));
    };
    let Ok(root) = <[u8; 32]>::try_from(root) else {
        return Ok(Err("the root fingerprint is damaged: restore a backup".to_owned()));
    };
    let keysets = signing::keysets(&mut tx).await?;
    let mut verified = 0;
    for environment in environments::list_all(&mut tx).await? {
        for kind in Kind::ALL {
            let stored = snapshots::latest(&mut tx, &environment.id, kind.as_str()).await?;
            let (Some(stored), Some(id)) = (stored, connection::id(&environment.id)) else {
                continue;
            };
            let place = format!("the {} snapshot of {}", kind.as_str(), environment.key);
            let body = snapshots::body(&mut tx, &stored.body_sha256).await?.unwrap_or_default();
            let keyset = |number: u32| {
                let named = keysets.iter().find(|(known, _)| *known == i64::from(number));
                named.map(|(_, bytes)| bytes)
            };
            let checked = Head::parse(&stored.head).and_then(|head| {
                let mut receiver = trust::receiver(root, (id, kind), head.keyset, keyset)?;
                receiver.accept_held(&stored.head, body, clock.now_ms())
            });
            match checked {
                Ok(_) => verified += 1,
                Err(refusal) => {
                    return Ok(Err(format!(
                        "{place} is refused ({refusal}): change something there so that it is published anew, or restore a backup"
                    )));
                }
            }
        }
    }
    let short = &connection::hex(&root)[..8];
    Ok(Ok(format!("{verified} snapshots verify under root {short}")))
}

async fn redis(client: &redis::Client) -> Result<String, String> {
    let asked = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<String>(&mut connection).await
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(_)) => Ok("it answers".to_owned()),
        Ok(Err(error)) => Err(format!("{error}: is it running, and is --redis right?")),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

async fn ask_edge(url: &str) -> Result<String, String> {
    let client = push::client().map_err(|error| error.to_string())?;
    let asked = client.get(format!("{url}/healthz")).timeout(PATIENCE).send().await;
    match asked {
        Ok(answer) if answer.status().is_success() => Ok("it answers".to_owned()),
        Ok(answer) => {
            Err(format!("it answers {}: is this the address of an edge?", answer.status()))
        }
        Err(error) => Err(format!("{}: is it running?", push::causes(&error))),
    }
}
