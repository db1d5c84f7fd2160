//! The configuration of `pennon serve`: flags, environment variables and a file, read once, every mistake told at once.

pub mod file;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Args;
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;

use crate::auth::rate::Rates;
use crate::auth::streams::StreamLimits;
use crate::store::Dialect;
use pennon_core::protocol::connection;

/// Where the data is: what every command needs that works on the database.
#[derive(Args, Clone, Debug)]
pub struct PlaceArgs {
    /// A file of settings in TOML, each under the name of its flag: `listen = "0.0.0.0:8600"`. A variable beats the file, a flag beats both.
    #[arg(long, env = "PENNON_CONFIG_FILE", value_name = "FILE.toml")]
    pub config_file: Option<PathBuf>,
    /// Folder for the database file and the key files; created when it is missing.
    #[arg(long, env = "PENNON_DATA_DIR", default_value = "pennon-data", value_name = "FOLDER")]
    pub data_dir: PathBuf,
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE [default: pennon.sqlite in the data folder]
    #[arg(long, env = "PENNON_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
    /// The 64 hex digits that seal the signing keys, when they are not in the variable PENNON_SECRET [default: secret.key in the data folder, made at the first start on SQLite]
    #[arg(long, env = "PENNON_SECRET_FILE", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
}

impl PlaceArgs {
    /// The database's address.
    pub fn database(&self) -> String {
        let file = || format!("sqlite:{}", self.data_dir.join("pennon.sqlite").display());
        set(&self.database).map_or_else(file, str::to_owned)
    }

    /// The secret, when it is configured: `variable` is PENNON_SECRET.
    ///
    /// # Errors
    /// A sentence, when it is not one.
    pub fn secret(&self, variable: Option<&str>) -> Result<Option<[u8; 32]>, String> {
        let digits = |text: &str| connection::digest(&text.trim().to_ascii_lowercase());
        let advice = "64 hex digits; `openssl rand -hex 32` makes them";
        match (variable.filter(|text| !text.is_empty()), &self.secret_file) {
            (Some(_), Some(_)) => {
                Err("PENNON_SECRET and --secret-file are both set: unset one of them".to_owned())
            }
            (Some(text), None) => {
                digits(text).map(Some).ok_or_else(|| format!("PENNON_SECRET must be {advice}"))
            }
            (None, Some(path)) => {
                let wrong = |why: &dyn std::fmt::Display| {
                    format!("--secret-file (PENNON_SECRET_FILE) {}: {why}", path.display())
                };
                let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
                digits(&text).map(Some).ok_or_else(|| wrong(&format!("it must hold {advice}")))
            }
            (None, None) => Ok(None),
        }
    }

    /// Where the secret of a server on SQLite is that was given none.
    pub fn own_secret_file(&self) -> PathBuf {
        own_secret_file(&self.data_dir)
    }
}

/// See [`PlaceArgs::own_secret_file`].
pub fn own_secret_file(data_dir: &Path) -> PathBuf {
    data_dir.join("secret.key")
}

/// A variable that is set to nothing is not set: compose files do that.
fn set(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// What can be set; `pennon serve --help` is the reference.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "PENNON_LISTEN", default_value = "127.0.0.1:8600", value_name = "ADDRESS")]
    pub listen: String,
    /// Another address, for Prometheus and probes alone: /metrics, /healthz, /readyz, without a token; keep it off the internet. Without it there are no metrics.
    #[arg(long, env = "PENNON_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<String>,
    /// redis://HOST:PORT; tells the other replicas of a published snapshot at once.
    #[arg(long, env = "PENNON_REDIS", value_name = "URL", hide_env_values = true)]
    pub redis: Option<String>,
    /// The address that SDKs reach this server by; it goes into connection strings [default: http://LISTEN ADDRESS]
    #[arg(long, env = "PENNON_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// An edge to push snapshots to, and its push key; give it once for each edge. In the variable, separate them by spaces.
    #[arg(
        long = "edge",
        env = "PENNON_EDGES",
        value_name = "URL=PUSHKEY",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    pub edges: Vec<String>,
    /// Networks of reverse proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8,127.0.0.1/32 [default: none]
    #[arg(long, env = "PENNON_TRUSTED_PROXIES", value_name = "NETWORK", value_delimiter = ',')]
    pub trusted_proxies: Vec<String>,
    /// Requests that one address may make a second, on average, four seconds' worth at once; 0 for no limit
    #[arg(long, env = "PENNON_RATE_PER_ADDRESS", value_name = "NUMBER", default_value_t = 1_000)]
    pub rate_per_address: u32,
    /// The same for one secret credential: a server or edge key, an API token, a session
    #[arg(
        long,
        env = "PENNON_RATE_PER_CREDENTIAL",
        value_name = "NUMBER",
        default_value_t = 5_000
    )]
    pub rate_per_credential: u32,
    /// Streams of heads that this server holds open at once; the next client is told to come back
    #[arg(long, env = "PENNON_MAX_STREAMS", value_name = "NUMBER", default_value_t = 10_000)]
    pub max_streams: usize,
    /// Streams that may be opened a second, one second's worth at once; it also sets over how long clients spread that lose theirs; 0 for no limit
    #[arg(long, env = "PENNON_STREAMS_PER_SECOND", value_name = "NUMBER", default_value_t = 1_000)]
    pub streams_per_second: u32,
    /// Networks that webhooks may reach although they are not public, and without TLS, such as 10.1.0.0/16 [default: none]
    #[arg(long, env = "PENNON_WEBHOOK_NETWORKS", value_name = "NETWORK", value_delimiter = ',')]
    pub webhook_networks: Vec<String>,
    /// Days for which a snapshot can still be fetched, and evaluated with, after another took its place; 0 for ever
    #[arg(long, env = "PENNON_KEEP_SNAPSHOTS", value_name = "DAYS", default_value_t = 90)]
    pub keep_snapshots: u32,
    /// The root key, created at the first start: move it offline afterwards [default: root.key in the data folder]
    #[arg(long, env = "PENNON_ROOT_KEY_FILE", value_name = "FILE")]
    pub root_key_file: Option<PathBuf>,
    /// At the first start: the flags of this CONFIG.json go into every environment of the first project.
    #[arg(long, env = "PENNON_BOOTSTRAP", value_name = "CONFIG.json")]
    pub bootstrap: Option<PathBuf>,
    /// Written at every start, once the server answers: its address and its environments as JSON, no secrets.
    #[arg(long, env = "PENNON_READY_FILE", value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Written at the first start, mode 0600: the admin token and the SDK keys as JSON.
    #[arg(long, env = "PENNON_CREDENTIALS_FILE", value_name = "FILE")]
    pub credentials_file: Option<PathBuf>,
    /// Written at the first start, mode 0600: the admin token alone.
    #[arg(long, env = "PENNON_ADMIN_TOKEN_FILE", value_name = "FILE")]
    pub admin_token_file: Option<PathBuf>,
    /// What is logged to standard error: error, warn, info, debug, or a filter such as "info,sqlx=debug".
    #[arg(long, env = "PENNON_LOG", default_value = "info", value_name = "FILTER")]
    pub log_level: String,
}

/// The configuration, checked.
#[derive(Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub metrics_listen: Option<SocketAddr>,
    pub data_dir: PathBuf,
    pub database: String,
    pub redis: Option<redis::Client>,
    pub public_url: Option<String>,
    pub edges: Vec<Edge>,
    pub trusted_proxies: Vec<IpNet>,
    pub rates: Rates,
    pub streams: StreamLimits,
    pub keep_snapshots: u32,
    pub webhook_networks: Vec<IpNet>,
    pub root_key_file: PathBuf,
    /// What seals the signing keys; without it, a file in the data folder.
    pub secret: Option<[u8; 32]>,
    pub bootstrap: Option<PathBuf>,
    pub ready_file: Option<PathBuf>,
    pub credentials_file: Option<PathBuf>,
    pub admin_token_file: Option<PathBuf>,
}

impl std::fmt::Debug for Config {
    /// Without the database's password, the secret and the push keys.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Config")
            .field("listen", &self.listen)
            .field("data_dir", &self.data_dir)
            .field("edges", &self.edges.iter().map(|edge| &edge.url).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// An edge to push to.
#[derive(Clone, PartialEq, Eq)]
pub struct Edge {
    /// Without a slash at its end.
    pub url: String,
    pub push_key: String,
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Edge").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Checks everything and tells every mistake.
///
/// # Errors
/// One sentence for each mistake, naming the flag and the variable.
pub fn read(args: &ServeArgs, secret: Option<&str>) -> Result<Config, Vec<String>> {
    let mut mistakes = Vec::new();
    let mut note = |sentence: String| mistakes.push(sentence);

    let mut address = |names: &str, text: &str| {
        text.parse::<SocketAddr>().map_err(|_| {
            note(format!(
                "{names} is {text:?}: give an address and a port, such as 127.0.0.1:8600"
            ));
        })
    };
    let listen = address("--listen (PENNON_LISTEN)", &args.listen);
    let metrics_listen = set(&args.metrics_listen)
        .and_then(|text| address("--metrics-listen (PENNON_METRICS_LISTEN)", text).ok());
    let database = args.place.database();
    let dialect = Dialect::of(&database)
        .map_err(|sentence| note(format!("--database (PENNON_DATABASE): {sentence}")));
    let redis = set(&args.redis).map(redis::Client::open).transpose();
    let redis = redis.unwrap_or_else(|error| {
        note(format!("--redis (PENNON_REDIS): {error}: give redis://HOST:PORT"));
        None
    });
    let public_url = set(&args.public_url).map(|url| url.trim_end_matches('/').to_owned());
    if let Some(url) = &public_url
        && !is_base_url(url)
    {
        note(format!(
            "--public-url (PENNON_PUBLIC_URL) is {url:?}: give http:// or https://, a host, no path"
        ));
    }
    let mut edges = Vec::new();
    for (position, text) in args.edges.iter().filter(|text| !text.is_empty()).enumerate() {
        // The push key may hold any character that a header may; the address cannot hold "=" without a query.
        match text.split_once('=') {
            Some((url, push_key))
                if is_base_url(url.trim_end_matches('/')) && is_push_key(push_key) =>
            {
                edges.push(Edge {
                    url: url.trim_end_matches('/').to_owned(),
                    push_key: push_key.to_owned(),
                });
            }
            _ => note(format!(
                "--edge (PENNON_EDGES) number {}: give URL=PUSHKEY, such as https://edge.example.com=0123456789abcdef; a push key is 16 to 256 visible characters",
                position + 1
            )),
        }
    }
    let mut networks = |names: &str, texts: &[String]| {
        let mut found = Vec::new();
        for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            let network = text.parse::<IpNet>();
            match network.or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
                Ok(network) => found.push(network),
                Err(_) => note(format!(
                    "{names} has {text:?}: give addresses or networks, such as 10.0.0.0/8"
                )),
            }
        }
        found
    };
    let trusted_proxies =
        networks("--trusted-proxies (PENNON_TRUSTED_PROXIES)", &args.trusted_proxies);
    let webhook_networks =
        networks("--webhook-networks (PENNON_WEBHOOK_NETWORKS)", &args.webhook_networks);
    let secret = match args.place.secret(secret) {
        Ok(None) if dialect == Ok(Dialect::Postgres) => {
            note("PENNON_SECRET is missing: with PostgreSQL every replica needs the same 64 hex digits; `openssl rand -hex 32` makes them".to_owned());
            None
        }
        Ok(secret) => secret,
        Err(sentence) => {
            note(sentence);
            None
        }
    };
    if let Err(error) = EnvFilter::try_new(&args.log_level) {
        note(format!("--log-level (PENNON_LOG): {error}"));
    }
    if let Some(file) = &args.bootstrap
        && !file.is_file()
    {
        note(format!("--bootstrap (PENNON_BOOTSTRAP): there is no file {}", file.display()));
    }
    match listen {
        Ok(listen) if mistakes.is_empty() => Ok(Config {
            listen,
            metrics_listen,
            data_dir: args.place.data_dir.clone(),
            database,
            redis,
            public_url,
            edges,
            trusted_proxies,
            rates: Rates {
                per_address: args.rate_per_address,
                per_credential: args.rate_per_credential,
            },
            streams: StreamLimits { open: args.max_streams, a_second: args.streams_per_second },
            keep_snapshots: args.keep_snapshots,
            webhook_networks,
            root_key_file: args
                .root_key_file
                .clone()
                .unwrap_or_else(|| args.place.data_dir.join("root.key")),
            secret,
            bootstrap: args.bootstrap.clone(),
            ready_file: args.ready_file.clone(),
            credentials_file: args.credentials_file.clone(),
            admin_token_file: args.admin_token_file.clone(),
        }),
        _ => Err(mistakes),
    }
}

/// `http(s)://host[:port]`, nothing behind it: the delivery paths start at the root.
fn is_base_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|host| {
        !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    })
}

fn is_push_key(key: &str) -> bool {
    (16..=256).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ServeArgs,
    }

    fn args(flags: &[&str]) -> ServeArgs {
        Line::parse_from([&["pennon"], flags].concat()).args
    }

    #[test]
    fn defaults_are_a_database_file_in_the_data_folder() {
        let config = read(&args(&["--data-dir", "/tmp/x"]), None).unwrap();
        assert_eq!(config.database, "sqlite:/tmp/x/pennon.sqlite");
        assert_eq!(config.root_key_file, PathBuf::from("/tmp/x/root.key"));
    }

    #[test]
    fn tells_every_mistake_at_once() {
        let args = args(&[
            "--listen",
            "nowhere",
            "--database",
            "mysql://x",
            "--redis",
            "x",
            "--public-url",
            "example.com/x",
            "--edge",
            "http://edge",
            "--trusted-proxies",
            "10.0.0.0/33",
            "--webhook-networks",
            "10.0.0.0/8,inside",
            "--bootstrap",
            "/nowhere/config.json",
            "--log-level",
            "loud=loudest",
            "--metrics-listen",
            "9000",
        ]);
        let mistakes = read(&args, Some("short")).unwrap_err();
        let named = [
            "--listen",
            "--metrics-listen",
            "--database",
            "--redis",
            "--public-url",
            "--edge",
            "--trusted-proxies",
            "--webhook-networks",
            "PENNON_SECRET",
            "--log-level",
            "--bootstrap",
        ];
        assert_eq!(mistakes.len(), named.len(), "{mistakes:#?}");
        for (mistake, name) in mistakes.iter().zip(named) {
            assert!(mistake.contains(name), "{mistake}");
        }
    }

    #[test]
    fn the_secret_comes_from_one_place() {
        let file = std::env::temp_dir().join(format!("pennon-secret-{}", std::process::id()));
        std::fs::write(&file, format!("{}\n", "cd".repeat(32))).unwrap();
        let named = args(&["--secret-file", file.to_str().unwrap()]);
        assert_eq!(read(&named, None).unwrap().secret, Some([0xcd; 32]));
        assert_eq!(read(&args(&[]), Some(&"AB".repeat(32))).unwrap().secret, Some([0xab; 32]));
        assert_eq!(read(&args(&[]), Some("")).unwrap().secret, None);
        assert!(read(&named, Some(&"ab".repeat(32))).unwrap_err()[0].contains("both"));
        std::fs::write(&file, "cd").unwrap();
        assert!(read(&named, None).unwrap_err()[0].contains("--secret-file"));
        std::fs::remove_file(&file).unwrap();
        assert!(read(&named, None).unwrap_err()[0].contains("--secret-file"));
    }

    #[test]
    fn what_is_set_to_nothing_is_not_set() {
        let config =
            read(&args(&["--redis", "", "--public-url", "", "--metrics-listen", ""]), None)
                .unwrap();
        assert!(config.redis.is_none() && config.public_url.is_none());
        assert!(config.metrics_listen.is_none());
    }

    #[test]
    fn reads_edges_and_never_prints_their_keys() {
        let key = "0123456789abcdef=";
        let config =
            read(&args(&["--edge", &format!("http://127.0.0.1:8601/={key}")]), None).unwrap();
        assert_eq!(
            config.edges,
            [Edge { url: "http://127.0.0.1:8601".to_owned(), push_key: key.to_owned() }]
        );
        assert!(!format!("{config:?}").contains(key));
    }

    #[test]
    fn postgres_needs_a_secret() {
        let args = args(&["--database", "postgres://u@h/d"]);
        assert!(read(&args, None).unwrap_err()[0].contains("PENNON_SECRET"));
        assert!(read(&args, Some(&"ab".repeat(32))).is_ok());
    }
}
