//! What the very first start creates: the root key, keyset 1, a signing key, a project with two environments, their SDK
//! keys and the admin token. Secrets are written down or shown before the database commits, so none of them can be lost between the two;
//! a first start that is interrupted is simply done again.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pennon_core::config::Configuration;
use pennon_core::protocol::connection::{self, ConnectionString};
use pennon_core::snapshot::sign::{SigningKey, root_fingerprint, sign_keyset};
use pennon_core::snapshot::{Keyset, Kind, OnlineKey};
use serde_json::{Map, Value, json};

use crate::ambient::{Clock, Random};
use crate::auth::{sdk, seal, token};
use crate::config::Config;
use crate::domain::document::Definition;
use crate::domain::flag;
use crate::domain::keys::{check_attribute, check_key};
use crate::offline::compile::read_configuration;
use crate::private_file;
use crate::publish::signer::SEAL_PURPOSE;
use crate::store::change::{Author, Change, Changing};
use crate::store::documents::{self, Document};
use crate::store::environments::{self, Environment};
use crate::store::projects::{self, Project};
use crate::store::sdk_keys;
use crate::store::tokens::{self, Token};
use crate::store::{Store, StoreError, Tx, flags, instance, signing};

/// The fact whose absence makes a start the first one.
pub const ROOT_FINGERPRINT: &str = "root-fingerprint";
/// The project and the environments that a first start makes: key, name, protected.
const PROJECT: (&str, &str) = ("default", "Default");
const ENVIRONMENTS: [(&str, &str, bool); 2] =
    [("development", "Development", false), ("production", "Production", true)];
/// Who made all this, in the audit log.
const AUTHOR: &str = "first start";

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sentence names the file and says what to do.
    #[error("{0}")]
    File(String),
    #[error("{0}")]
    Other(String),
}

/// The root fingerprint, and whether this is the first start.
///
/// # Errors
/// A file that cannot be written or read, a bootstrap file that is not sound, or what the database says.
pub async fn prepare(
    config: &Config,
    store: &Store,
    secret: &[u8; 32],
    clock: &Clock,
    random: &Random,
    public_url: &str,
) -> Result<([u8; 32], bool), StartError> {
    // A second replica waits here for the first one's commit, and then is not the first.
    let mut tx = store.begin_alone().await?;
    if let Some(known) = instance::get(&mut tx, ROOT_FINGERPRINT).await? {
        return Ok((fingerprint(known)?, false));
    }
    let other = |error: &dyn std::fmt::Display| StartError::Other(error.to_string());
    let now = clock.now_ms();
    let root = root_key(&config.root_key_file, random)?;
    let seed = random.bytes::<32>().map_err(|error| other(&error))?;
    let online = SigningKey::from_seed(seed);
    let keyset = Keyset {
        number: 1,
        created: now,
        threshold: 1,
        roots: vec![root.public_key()],
        keys: vec![OnlineKey::for_environment(online.public_key(), [0; 16])],
    };
    let root_fingerprint = root_fingerprint(&keyset);
    instance::insert(&mut tx, ROOT_FINGERPRINT, &root_fingerprint).await?;
    let bytes =
        sign_keyset(&keyset, &[&root]).ok_or_else(|| other(&"keyset 1 cannot be written"))?;
    signing::insert_keyset(&mut tx, 1, &bytes, now).await?;
    let sealed = seal::seal(secret, SEAL_PURPOSE, &seed, random).map_err(|error| other(&error))?;
    let key_id = connection::hex(&online.key_id());
    signing::insert_signing_key(&mut tx, &key_id, &online.public_key(), &sealed, now).await?;

    let admin_token =
        token::generate(token::ADMIN_PREFIX, random).map_err(|error| other(&error))?;
    let row = Token {
        id: random.id().map_err(|error| other(&error))?,
        name: "admin".to_owned(),
        prefix: token::shown(&admin_token),
        sha256: token::sha256(&admin_token).to_vec(),
        created_at: now,
        expires_at: None,
        revoked_at: None,
        scope: None,
        made_by_user: None,
        last_used_at: None,
    };
    tokens::insert(&mut tx, &row).await?;
    let (tx, credentials) =
        first_project(config, tx, random, now, public_url, root_fingerprint).await?;

    let mut credentials = credentials;
    credentials.insert("adminToken".to_owned(), json!(admin_token));
    write_secrets(config, &admin_token, &Value::Object(credentials))?;
    tx.commit().await.map_err(StoreError::from)?;
    tracing::warn!(
        file = %config.root_key_file.display(),
        "this file is the root of all trust: move it offline now; it is needed only to rotate signing keys"
    );
    Ok((root_fingerprint, true))
}

fn fingerprint(bytes: Vec<u8>) -> Result<[u8; 32], StartError> {
    <[u8; 32]>::try_from(bytes).map_err(|_| {
        StartError::Other("the database's root fingerprint is damaged: restore a backup".to_owned())
    })
}

/// Writes the files that were configured for secrets, or shows the admin token on standard output when none was.
fn write_secrets(
    config: &Config,
    admin_token: &str,
    credentials: &Value,
) -> Result<(), StartError> {
    let write = |path: &Path, text: String| {
        private_file::replace(path, text.as_bytes(), 0o600).map_err(|error| {
            StartError::File(format!("{} cannot be written: {error}", path.display()))
        })
    };
    if let Some(path) = &config.credentials_file {
        write(path, format!("{credentials:#}\n"))?;
    }
    if let Some(path) = &config.admin_token_file {
        write(path, format!("{admin_token}\n"))?;
    }
    if config.credentials_file.is_none() && config.admin_token_file.is_none() {
        // Shown once, to the person who started it, and never logged.
        let mut out = std::io::stdout().lock();
        writeln!(out, "PENNON ADMIN TOKEN (shown once): {admin_token}")
            .and_then(|()| out.flush())
            .map_err(|error| {
                StartError::Other(format!(
                    "the admin token cannot be shown on standard output ({error}): give --admin-token-file"
                ))
            })?;
    }
    Ok(())
}

/// Reads the root key, or makes one. Kept as 64 hex digits, so that it survives being printed and typed.
pub fn root_key(path: &Path, random: &Random) -> Result<SigningKey, StartError> {
    let file = |error: &dyn std::fmt::Display| {
        StartError::File(format!("the root key file {}: {error}", path.display()))
    };
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let seed =
                connection::digest(text.trim()).ok_or_else(|| file(&"it has not 64 hex digits"))?;
            Ok(SigningKey::from_seed(seed))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let seed = random.bytes::<32>().map_err(|error| file(&error))?;
            let text = format!("{}\n", connection::hex(&seed));
            private_file::create(path, text.as_bytes()).map_err(|error| file(&error))?;
            Ok(SigningKey::from_seed(seed))
        }
        Err(error) => Err(file(&error)),
    }
}

/// The first project, its environments and their keys; answers what the credentials file says of them.
async fn first_project(
    config: &Config,
    mut tx: Tx,
    random: &Random,
    now_ms: i64,
    public_url: &str,
    root_fingerprint: [u8; 32],
) -> Result<(Tx, Map<String, Value>), StartError> {
    let other = |error: &dyn std::fmt::Display| StartError::Other(error.to_string());
    let id = || random.id().map_err(|error| StartError::Other(error.to_string()));
    let project = Project {
        id: id()?,
        key: PROJECT.0.to_owned(),
        name: PROJECT.1.to_owned(),
        version: 1,
        created_at: now_ms,
    };
    projects::insert(&mut tx, &project).await?;
    let mut made = Vec::new();
    let mut shown = Vec::new();
    for (position, (key, name, protected)) in ENVIRONMENTS.into_iter().enumerate() {
        let environment = Environment {
            id: id()?,
            project_id: project.id.clone(),
            key: key.to_owned(),
            name: name.to_owned(),
            protected,
            epoch: 1,
            revision: 0,
            position: i64::try_from(position).unwrap_or(0),
            colour: None,
            origins: Vec::new(),
            requests_per_minute: None,
            version: 1,
            created_at: now_ms,
        };
        environments::insert(&mut tx, &environment).await?;
        let mut keys = Map::new();
        let mut strings = Map::new();
        for kind in Kind::ALL {
            let (text, row) = sdk::generate(&environment.id, kind, "first", random, 1, now_ms)
                .map_err(|error| other(&error))?;
            sdk_keys::insert(&mut tx, &row).await?;
            let string = ConnectionString {
                origin: public_url.to_owned(),
                sdk_key: text.clone(),
                kind,
                root_fingerprint,
                environment: connection::id(&environment.id).unwrap_or_default(),
            };
            keys.insert(kind.as_str().to_owned(), json!(text));
            strings.insert(kind.as_str().to_owned(), json!(string.reveal()));
        }
        shown.push(json!({ "key": environment.key, "id": environment.id, "sdkKeys": keys, "connectionStrings": strings }));
        made.push(environment);
    }
    let ids: Vec<String> = made.iter().map(|environment| environment.id.clone()).collect();
    let missing = || StartError::Other("the first project vanished".to_owned());
    let author = Author::program(AUTHOR);
    let changing =
        Changing::within(tx, &project.key, &author, now_ms).await?.ok_or_else(missing)?;
    let created = Change {
        action: "project.created",
        target: &project.key,
        environment_id: None,
        old: None,
        new: Some(json!({ "project": project, "environments": made })),
    };
    let (mut tx, _) = changing.record(created, &ids).await?;
    if let Some(path) = &config.bootstrap {
        let configuration = read_bootstrap(path)?;
        let mut changing =
            Changing::within(tx, &project.key, &author, now_ms).await?.ok_or_else(missing)?;
        import(&mut changing, &made, &configuration).await?;
        let imported = Change {
            action: "config.imported",
            target: &project.key,
            environment_id: None,
            old: None,
            new: Some(json!(configuration)),
        };
        tx = changing.record(imported, &ids).await?.0;
    }
    let mut credentials = Map::new();
    credentials
        .insert("rootFingerprint".to_owned(), json!(URL_SAFE_NO_PAD.encode(root_fingerprint)));
    credentials.insert("project".to_owned(), json!({ "key": project.key, "id": project.id }));
    credentials.insert("environments".to_owned(), Value::Array(shown));
    Ok((tx, credentials))
}

fn read_bootstrap(path: &Path) -> Result<Configuration, StartError> {
    let file = |why: &dyn std::fmt::Display| StartError::File(format!("{}: {why}", path.display()));
    let configuration = read_configuration(path).map_err(|why| StartError::File(why.0))?;
    flag::check(&configuration, None)
        .and_then(|()| flag::fits(&configuration))
        .map_err(|wrong| file(&wrong.sentence()))?;
    let Configuration { attributes, segments, layers, holdouts, flags, .. } = &configuration;
    for key in flags.keys().chain(segments.keys()).chain(layers.keys()).chain(holdouts.keys()) {
        check_key(key).map_err(|detail| file(&format!("{key:?}: {detail}")))?;
    }
    for name in attributes.keys() {
        check_attribute(name).map_err(|detail| file(&format!("{name:?}: {detail}")))?;
    }
    Ok(configuration)
}

/// Writes a sound configuration into a project that has no flags yet, the same in every environment.
async fn import(
    changing: &mut Changing,
    environments: &[Environment],
    configuration: &Configuration,
) -> Result<(), StartError> {
    let (version, now) = (changing.version(), changing.now_ms);
    let (tx, project_id) = (&mut changing.tx, &changing.project.id);
    put_all(tx, project_id, &configuration.attributes, version, now).await?;
    put_all(tx, project_id, &configuration.segments, version, now).await?;
    put_all(tx, project_id, &configuration.layers, version, now).await?;
    put_all(tx, project_id, &configuration.holdouts, version, now).await?;
    for (key, flag) in &configuration.flags {
        let (definition, configured) = flag::split(flag);
        let json = json!(configured).to_string();
        let stored = flags::Stored { key: key.clone(), json, version, updated_at: now };
        let document = Document {
            key: key.clone(),
            definition: json!(definition).to_string(),
            version,
            created_at: now,
            updated_at: now,
            archived_at: None,
        };
        flags::add(tx, project_id, &[(&document, &definition)]).await?;
        let everywhere = environments.iter().map(|environment| flags::Configured {
            environment_id: &environment.id,
            stored: &stored,
            enabled: configured.enabled,
        });
        flags::put_configurations(tx, project_id, &everywhere.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

async fn put_all<T: Definition>(
    tx: &mut Tx,
    project_id: &str,
    definitions: &BTreeMap<String, T>,
    version: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    for (key, definition) in definitions {
        let document = Document {
            key: key.clone(),
            definition: json!(definition).to_string(),
            version,
            created_at: now_ms,
            updated_at: now_ms,
            archived_at: None,
        };
        documents::put(tx, project_id, &document, definition).await?;
    }
    Ok(())
}
