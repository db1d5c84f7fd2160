//! An ephemeral PostgreSQL cluster.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;

use super::environment::free_port;
use crate::process::{self, Service};
use crate::temporary::Folder;
use crate::tools;

const START_LIMIT: Duration = Duration::from_secs(30);
/// Nothing of it has to survive a crash of the machine. A crash of the server it has to: a test ends one right after a commit, so
/// `synchronous_commit` stays on.
const FAST: &[&str] = &["fsync=off", "full_page_writes=off", "max_connections=200"];

/// A running cluster; dropping it ends it and then removes its folder, in the order of the fields.
#[derive(Debug)]
pub(crate) struct Postgres {
    _server: Service,
    prepared: Prepared,
}

/// A cluster that is made and does not run: whoever has it may start it, end it, and start it again.
#[derive(Debug)]
pub(crate) struct Prepared {
    folder: Folder,
    port: u16,
    /// Program and arguments, as whatever user this is.
    command: Vec<String>,
}

impl Prepared {
    pub(crate) fn new() -> Result<Self> {
        let binaries = tools::postgres_binaries()?;
        let folder = Folder::create("postgres")?;
        let user = unprivileged_user(folder.path())?;
        let data = folder.path().join("data");
        let mut initdb = user.command(&binaries.initdb)?;
        initdb.extend(["--pgdata".to_owned(), text(&data)?]);
        initdb.extend(
            ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
                .map(str::to_owned),
        );
        process::capture(&mut of(&initdb))?;

        let port = free_port()?;
        let mut command = user.command(&binaries.postgres)?;
        command.extend(["-D".to_owned(), text(&data)?, "-k".to_owned(), text(folder.path())?]);
        command.extend(["-h", "127.0.0.1", "-p"].map(str::to_owned));
        command.push(port.to_string());
        for setting in FAST {
            command.extend(["-c", setting].map(str::to_owned));
        }
        Ok(Self { folder, port, command })
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Program and arguments that start it.
    pub(crate) fn command(&self) -> &[String] {
        &self.command
    }
}

impl Postgres {
    pub(crate) fn start() -> Result<Self> {
        println!("starting PostgreSQL");
        let prepared = Prepared::new()?;
        let folder = prepared.folder.path();
        let data = folder.join("data");
        let log = std::fs::File::create(folder.join("log")).context("creating PostgreSQL's log")?;
        let mut postgres = of(&prepared.command);
        postgres.stdout(Stdio::null()).stderr(log);
        // It takes this for an immediate shutdown; for a termination signal it would wait until nobody is connected.
        let mut server = Service::start("PostgreSQL", &mut postgres)?.stopped_by(Signal::QUIT);
        let ready = process::wait_until(START_LIMIT, || {
            server.must_run()?;
            Ok(std::fs::read_to_string(data.join("postmaster.pid"))
                .is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready")))
        });
        if let Err(error) = ready {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            bail!("PostgreSQL did not start: {error:#}\n{log}");
        }
        Ok(Self { _server: server, prepared })
    }

    pub(crate) fn url(&self) -> String {
        self.prepared.url()
    }
}

/// The program and its arguments as a command.
fn of(command: &[String]) -> Command {
    let mut built = Command::new(&command[0]);
    built.args(&command[1..]).current_dir("/");
    built
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
}

/// Who runs the server: PostgreSQL refuses root.
struct User(Option<(u32, u32)>);

impl User {
    /// The beginning of a command that runs this program as that user.
    fn command(&self, program: &Path) -> Result<Vec<String>> {
        let mut command = Vec::new();
        if let Some((user, group)) = self.0 {
            command.push("setpriv".to_owned());
            command.extend([format!("--reuid={user}"), format!("--regid={group}")]);
            command.push("--clear-groups".to_owned());
        }
        command.push(text(program)?);
        Ok(command)
    }
}

fn unprivileged_user(folder: &Path) -> Result<User> {
    if !rustix::process::geteuid().is_root() {
        return Ok(User(None));
    }
    let id = |which| -> Result<u32> {
        let text = process::capture(Command::new("id").args([which, "postgres"])).context(
            "PostgreSQL refuses to run as root and there is no user `postgres` to run it as",
        )?;
        text.trim().parse().context("reading the output of id")
    };
    let (user, group) = (id("--user")?, id("--group")?);
    std::os::unix::fs::chown(folder, Some(user), Some(group))
        .context("giving PostgreSQL its folder")?;
    Ok(User(Some((user, group))))
}
