//! `cargo xtask bench control-plane`: what the admin API, publishing and evaluation over HTTP cost, beside a bare axum handler in the
//! same run. On SQLite, and on PostgreSQL where `PENNON_TEST_POSTGRES` names a cluster.
//!
//! `load PENNON_PROGRAM [FLAGS]`

mod client;
mod floor;
#[expect(dead_code, reason = "the other benchmark uses the rest")]
mod goal;
mod process;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use pennon_core::protocol::connection::{ConnectionString, hex};
use serde_json::{Value, json};

use client::{Client, Times};
use goal::Goal;
use process::Server;

/// Whatever went wrong ends the run.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// Flags of the project while most is measured, and at the end.
const FEW: usize = 1_000;
const MANY: usize = 10_000;
/// Changes further apart than this are published at once; see publish/publisher.rs.
const SPACED: Duration = Duration::from_millis(1_200);
const PROJECT: &str = "/admin/projects/default";
/// A row that has nothing to reach.
const FREE: [Goal; 2] = [Goal::None, Goal::None];

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (program, many) = match arguments[..] {
        ["floor"] => return Ok(floor::serve().await?),
        [program] => (program, MANY),
        [program, many] => (program, many.parse()?),
        _ => return Err("usage: load PENNON_PROGRAM [FLAGS]".into()),
    };
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "no cryptography")?;
    let program = Path::new(program);
    database("SQLite", program, None, [3.0, 10.0], many).await?;
    match std::env::var("PENNON_TEST_POSTGRES") {
        Ok(cluster) => {
            sqlx::any::install_default_drivers();
            let name = format!("pennon_load_{}", std::process::id());
            statement(&cluster, format!("CREATE DATABASE {name}")).await?;
            let (server, _) = cluster.rsplit_once('/').ok_or("PENNON_TEST_POSTGRES is no URL")?;
            let address = format!("{server}/{name}");
            let measured = database("PostgreSQL", program, Some(&address), [5.0, 15.0], many).await;
            statement(&cluster, format!("DROP DATABASE {name} WITH (FORCE)")).await?;
            measured
        }
        Err(_) => {
            println!("PostgreSQL is not measured: PENNON_TEST_POSTGRES names no cluster");
            Ok(())
        }
    }
}

async fn statement(cluster: &str, text: String) -> Result<(), Fault> {
    let mut connection = <sqlx::AnyConnection as sqlx::Connection>::connect(cluster).await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut connection).await?;
    Ok(())
}

/// Rows of the table beside the floor's figures.
struct Table {
    p50: f64,
    p99: f64,
    cpu: f64,
}

impl Table {
    fn times(&self, name: &str, times: &Times, [median, high]: [Goal; 2]) {
        let (p50, p99) = (times.quantile(0.5), times.quantile(0.99));
        println!(
            "  {name:<50} p50 {p50:>8.2} ms ({:>6.1} x){}  p99 {p99:>8.2} ms ({:>6.1} x){}",
            p50 / self.p50,
            median.beside(p50),
            p99 / self.p99,
            high.beside(p99)
        );
    }

    fn cpu(&self, name: &str, cpu: f64, goal: Goal) {
        println!("  {name:<50} CPU {cpu:>8.3} ms ({:>6.1} x){}", cpu / self.cpu, goal.beside(cpu));
    }

    fn figure(name: &str, value: f64, unit: &str, goal: Goal) {
        println!("  {name:<50}     {value:>8.1} {unit}{}", goal.beside(value));
    }
}

async fn database(
    name: &str,
    program: &Path,
    database: Option<&str>,
    creating: [f64; 2],
    many: usize,
) -> Result<(), Fault> {
    let folder = std::env::temp_dir().join(format!("pennon-load-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    println!("{name}; in parentheses: times the bare handler's of the same run");
    let measured = measure(program, &folder, database, creating.map(Goal::Below), many).await;
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn measure(
    program: &Path,
    folder: &Path,
    database: Option<&str>,
    creating: [Goal; 2],
    many: usize,
) -> Result<(), Fault> {
    let listing = [5.0, 15.0].map(Goal::Below);
    let publishing = [Goal::None, Goal::Below(100.0)];
    let floor = Server::floor()?;
    let hello = format!("{}/hello", floor.url);
    let nobody = Client::new("")?;
    let times = nobody.times(2_000, "GET", &hello, None).await?;
    let table = Table {
        p50: times.quantile(0.5),
        p99: times.quantile(0.99),
        cpu: nobody.cpu(&floor, 8_000, "GET", &hello, None).await?,
    };
    table.times("bare axum handler", &times, FREE);
    table.cpu("bare axum handler", table.cpu, Goal::None);

    let (pennon, first) = Server::pennon(program, folder, database)?;
    drop(pennon);
    let (pennon, second) = Server::pennon(program, folder, database)?;
    let start = first.as_secs_f64() * 1e3;
    Table::figure("first start to ready, empty database", start, "ms", Goal::None);
    Table::figure("start to ready", second.as_secs_f64() * 1e3, "ms", Goal::Below(300.0));
    Table::figure("resident memory, idle", pennon.resident_mb()?, "MB", Goal::Below(40.0));

    let credentials: Value =
        serde_json::from_slice(&std::fs::read(folder.join("credentials.json"))?)?;
    let connection = |kind: &str| -> Result<ConnectionString, Fault> {
        let text = credentials["environments"][0]["connectionStrings"][kind].as_str();
        Ok(ConnectionString::parse(text.ok_or("no connection string")?)?)
    };
    let admin = Client::new(credentials["adminToken"].as_str().ok_or("no admin token")?)?;
    let project = format!("{}{PROJECT}", pennon.url);
    let environment = format!("{project}/environments/development");
    let create = |number: usize| {
        let (admin, url) = (admin.clone(), format!("{project}/flags"));
        async move { admin.send("POST", &url, Some(&flag(number))).await }
    };

    let mut times = Times::default();
    for number in 0..FEW {
        times.push(create(number).await?.0);
    }
    table.times("create a flag", &times, creating);
    let config = format!("{environment}/config");
    table.times(
        "the whole project of 1,000 flags",
        &admin.times(50, "GET", &config, None).await?,
        [Goal::Below(10.0), Goal::None],
    );
    let search = format!("{project}/flags?limit=25&search=flag-7");
    table.times(
        "a page of 25 of 1,000 flags, with a search",
        &admin.times(200, "GET", &search, None).await?,
        FREE,
    );

    confirm(&admin, &environment).await?;
    let server_key = connection("server")?;
    let stream = format!("{}/v1/stream/{}/server", pennon.url, hex(&server_key.environment));
    let mut heads = Client::new(&server_key.sdk_key)?.stream(&stream).await?;
    let toggles = format!("{environment}/flags/flag-7");
    let to_head = publish(&admin, &toggles, &mut heads, 40).await?;
    table.times("one write to its published head, 1,000 flags", &to_head, publishing);

    let client_key = Client::new(&connection("client")?.sdk_key)?;
    let bulk = format!("{}/ofrep/v1/evaluate/flags", pennon.url);
    let context = json!({ "context": { "targetingKey": "user-1", "country": "US" } });
    table.times(
        "all values of 1,000 flags for a user",
        &client_key.times(500, "POST", &bulk, Some(&context)).await?,
        FREE,
    );
    let cpu = client_key.cpu(&pennon, 2_000, "POST", &bulk, Some(&context)).await?;
    table.cpu("all values of 1,000 flags for a user", cpu, Goal::Below(0.3));
    let single = format!("{bulk}/flag-7");
    let cpu = client_key.cpu(&pennon, 8_000, "POST", &single, Some(&context)).await?;
    table.cpu("one value", cpu, Goal::None);

    // The rest as one change: what is measured is how it is to have many, not how to get there. They are not for clients, whose body is
    // small enough for a few thousand.
    let file = json!({
        "format": 1,
        "flags": (FEW..many).map(|number| (format!("flag-{number}"), configured(number)))
            .collect::<serde_json::Map<String, Value>>(),
    });
    let import = format!("{project}/import?from=config&environment=development");
    let (took, report) = admin.send("POST", &import, Some(&file)).await?;
    let report: Value = serde_json::from_slice(&report)?;
    if report["refused"].as_array().is_none_or(|refused| !refused.is_empty()) {
        return Err(format!("flags were refused: {}", report["refused"]).into());
    }
    let took = took.as_secs_f64() * 1e3;
    Table::figure("import of all other flags, one change", took, "ms", Goal::None);
    confirm(&admin, &environment).await?;
    table.times(
        "a page of 25 of all flags, with a search",
        &admin.times(200, "GET", &search, None).await?,
        listing,
    );
    let (before, count) = pennon.compiled().await?;
    let to_head = publish(&admin, &toggles, &mut heads, 15).await?;
    table.times("one write to its published head, all flags", &to_head, FREE);
    let (after, now) = pennon.compiled().await?;
    let mean = (after - before) * 1e3 / (now - count);
    Table::figure("compiling and testing all, one changed, mean", mean, "ms", Goal::Below(50.0));
    Table::figure("resident memory, all flags", pennon.resident_mb()?, "MB", Goal::None);
    println!("  ({many} flags in the end)\n");
    Ok(())
}

/// Has everything published: what is more than twice as large as before is held back until somebody confirms it.
async fn confirm(admin: &Client, environment: &str) -> Result<(), Fault> {
    tokio::time::sleep(SPACED).await;
    let (_, delivery) = admin.send("GET", &format!("{environment}/delivery"), None).await?;
    let delivery: Value = serde_json::from_slice(&delivery)?;
    if let Some(held) = delivery.get("held") {
        let confirmation = json!({ "revision": held["revision"] });
        let confirm = format!("{environment}/delivery/confirm");
        admin.send("POST", &confirm, Some(&confirmation)).await?;
    }
    // What was made last is published before anything is measured on it.
    tokio::time::sleep(SPACED * 2).await;
    Ok(())
}

/// Times from sending a change to the head that shows it on a stream, each change by itself.
async fn publish(
    admin: &Client,
    flag: &str,
    heads: &mut client::Heads,
    count: usize,
) -> Result<Times, Fault> {
    let mut times = Times::default();
    for round in 0..count {
        tokio::time::sleep(SPACED).await;
        let way = if round % 2 == 0 { "off" } else { "on" };
        let begun = Instant::now();
        let (_, answer) = admin.send("POST", &format!("{flag}/{way}"), None).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        heads.wait_for(answer["revision"].as_u64().ok_or("no revision")?).await?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// The same as a file of one environment writes it.
fn configured(number: usize) -> Value {
    let flag = flag(number);
    let mut whole = flag["configuration"].clone();
    for (name, value) in flag["definition"].as_object().into_iter().flatten() {
        whole[name] = value.clone();
    }
    whole["clientVisible"] = json!(false);
    whole["variants"] = json!([{ "key": "on", "value": true }, { "key": "off", "value": false }]);
    whole["rules"][0]["id"] = json!("americans");
    whole["rules"][0]["serve"]["split"]["by"] = json!({ "salt": format!("{number:032x}") });
    whole
}

/// A flag as people write them: for clients, a rule, a split.
fn flag(number: usize) -> Value {
    json!({
        "key": format!("flag-{number}"),
        "definition": {
            "type": "boolean",
            "clientVisible": true,
            "description": "One of many, to see how long lists are handled",
        },
        "configuration": {
            "enabled": true,
            "offVariant": "off",
            "rules": [{
                "when": { "in": { "attribute": "country", "values": ["US", "CA"] } },
                "serve": { "split": { "weights": [
                    { "variant": "on", "weight": 25_000 }, { "variant": "off", "weight": 75_000 },
                ] } },
            }],
            "fallthrough": { "variant": "off" },
        },
    })
}
