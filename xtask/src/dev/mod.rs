//! `cargo xtask dev`: the whole of Pennon on this machine, until Ctrl-C.

mod logged;
mod ready;

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::{build, process, tools, workspace};
use logged::Logged;
use ready::Credentials;

const CONTROL_PLANE_PORT: u16 = 8600;
const EDGE_WORKER_PORT: u16 = 8601;
const EXAMPLE_PORT: u16 = 8602;

/// A flag of the sample project that is off at first.
const SAMPLE_FLAG: &str = "new-checkout";

/// How long one part may take from its start to its first answer.
const START_LIMIT: Duration = Duration::from_secs(60);
const WATCH: Duration = Duration::from_millis(250);

/// Builds what changed, starts everything, and watches until something ends.
pub(crate) fn dev() -> Result<()> {
    let began = Instant::now();
    ports_are_free()?;
    let state = State::open()?;

    step(1, "packages and tools");
    tools::wasm_target()?;
    tools::node_packages()?;
    step(2, "build (the first one takes minutes, later ones seconds)");
    build::parts()?;

    step(3, "control plane");
    let mut control_plane = control_plane(&state)?;
    let credentials = ready::control_plane(&mut control_plane, &state, START_LIMIT)?;
    step(4, "edge worker");
    let mut edge_worker = edge_worker(&state, &credentials)?;
    listens(&mut edge_worker, EDGE_WORKER_PORT)?;
    step(5, "browser example");
    let mut example = example(&state, &credentials)?;
    listens(&mut example, EXAMPLE_PORT)?;

    announce(&state, &credentials, began.elapsed());
    let mut running = [control_plane, edge_worker, example];
    loop {
        for part in &mut running {
            part.must_run()?;
        }
        thread::sleep(WATCH);
    }
}

fn step(number: u32, what: &str) {
    println!("[{number}/5] {what}");
}

/// What stays from one start to the next, in `.pennon/`.
#[derive(Debug)]
struct State {
    folder: PathBuf,
    first_start: bool,
    push_key: String,
}

impl State {
    fn open() -> Result<Self> {
        let folder = workspace::root().join(".pennon");
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let push_key = push_key(&folder.join("push-key"))?;
        let mut state = Self { folder, first_start: false, push_key };
        state.first_start = !state.credentials().is_file();
        Ok(state)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("control-plane")
    }

    fn credentials(&self) -> PathBuf {
        self.folder.join("credentials.json")
    }

    fn ready(&self) -> PathBuf {
        self.folder.join("ready.json")
    }

    fn start(&self, name: &str, command: &mut Command) -> Result<Logged> {
        Logged::start(name, &self.folder.join(format!("{}.log", name.replace(' ', "-"))), command)
    }
}

/// The secret between control plane and edge worker, made at the first start.
fn push_key(path: &Path) -> Result<String> {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Ok(key) = fs::read_to_string(path) {
        return Ok(key);
    }
    let mut random = [0; 24];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut random))
        .context("reading /dev/urandom")?;
    let key: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("creating {}", path.display()))?;
    file.write_all(key.as_bytes()).with_context(|| format!("writing {}", path.display()))?;
    Ok(key)
}

fn ports_are_free() -> Result<()> {
    let ports = [
        (CONTROL_PLANE_PORT, "the control plane"),
        (EDGE_WORKER_PORT, "the edge worker"),
        (EXAMPLE_PORT, "the browser example"),
    ];
    for (port, what) in ports {
        if let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            bail!(
                "port {port}, for {what}, cannot be used ({error}): is another `cargo xtask dev` running? \
                 `ss --listening --tcp --processes` says who has it"
            );
        }
    }
    Ok(())
}

fn address(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn control_plane(state: &State) -> Result<Logged> {
    // The last run's would be taken for this one's.
    if state.ready().exists() {
        fs::remove_file(state.ready()).context("removing the ready file of the last run")?;
    }
    let mut command = Command::new(workspace::pennon());
    command
        .current_dir(workspace::root())
        .args(["serve", "--listen", &format!("127.0.0.1:{CONTROL_PLANE_PORT}")])
        .args(["--edge", &format!("{}={}", address(EDGE_WORKER_PORT), state.push_key)])
        .arg("--data-dir")
        .arg(state.data())
        .arg("--bootstrap")
        .arg(workspace::root().join("examples").join("sample").join("config.json"))
        .arg("--ready-file")
        .arg(state.ready())
        .arg("--credentials-file")
        .arg(state.credentials())
        .arg("--admin-token-file")
        .arg(state.folder.join("admin-token"));
    state.start("control plane", &mut command)
}

fn edge_worker(state: &State, credentials: &Credentials) -> Result<Logged> {
    let mut command = Command::new("node");
    command
        .current_dir(workspace::root())
        .args(["edge-worker/serve.mjs", "--port", &EDGE_WORKER_PORT.to_string(), "--state"])
        .arg(state.folder.join("edge-worker"))
        .env("PENNON_CONNECTION", &credentials.edge_connection)
        .env("PENNON_PUSH_KEY", &state.push_key);
    state.start("edge worker", &mut command)
}

fn example(state: &State, credentials: &Credentials) -> Result<Logged> {
    let mut command = tools::npm();
    command
        .args(["run", "dev", "--workspace", "examples/browser", "--", "--strictPort", "--port"])
        .arg(EXAMPLE_PORT.to_string())
        .env("VITE_PENNON_CONNECTION", &credentials.client_connection);
    state.start("browser example", &mut command)
}

/// Waits until a part accepts connections.
fn listens(part: &mut Logged, port: u16) -> Result<()> {
    process::wait_until(START_LIMIT, || {
        part.must_run()?;
        Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
    })
    .with_context(|| {
        format!(
            "waiting for the {} on port {port}; its log is {}",
            part.name(),
            part.log().display()
        )
    })
}

fn announce(state: &State, credentials: &Credentials, took: Duration) {
    println!("\nPennon runs, {:.1} s after its start. Ctrl-C ends it.\n", took.as_secs_f64());
    println!("  dashboard          {}", address(CONTROL_PLANE_PORT));
    println!("  edge worker        {}", address(EDGE_WORKER_PORT));
    println!("  browser example    {}", address(EXAMPLE_PORT));
    println!("  data and logs      {}", state.folder.display());
    let token = if state.first_start {
        println!(
            "  admin token        {}   (shown this once, kept in .pennon/admin-token)",
            credentials.admin_token
        );
        credentials.admin_token.clone()
    } else {
        println!("  admin token        in .pennon/admin-token, as shown at the first start");
        "$(cat .pennon/admin-token)".to_owned()
    };
    println!("  connection string  {}", credentials.client_connection);
    println!("  other SDK keys     in .pennon/credentials.json");
    println!(
        "  first sign-in      in the dashboard, with the admin token; or POST /auth/setup: docs/access.md"
    );
    println!(
        "\nFlip a flag in the dashboard, or here, and watch the page (`off` at the end flips it back):\n"
    );
    println!(
        "  curl -X POST -H \"Authorization: Bearer {token}\" {}/admin/projects/{}/environments/{}/flags/{SAMPLE_FLAG}/on\n",
        address(CONTROL_PLANE_PORT),
        credentials.project,
        ready::ENVIRONMENT,
    );
}
