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
/// Nothing of it has to survive a crash.
const FAST: &[&str] =
    &["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"];

/// A running cluster; dropping it ends it and then removes its folder, in the order of the fields.
#[derive(Debug)]
pub(crate) struct Postgres {
    _server: Service,
    _folder: Folder,
    port: u16,
}

impl Postgres {
    pub(crate) fn start() -> Result<Self> {
        let binaries = tools::postgres_binaries()?;
        let folder = Folder::create("postgres")?;
        let user = unprivileged_user(folder.path())?;
        let data = folder.path().join("data");
        println!("starting PostgreSQL");

        let mut initdb = user.command(&binaries.initdb);
        initdb.arg("--pgdata").arg(&data).args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        process::capture(&mut initdb)?;

        let port = free_port()?;
        let log = std::fs::File::create(folder.path().join("log"))
            .context("creating PostgreSQL's log")?;
        let mut postgres = user.command(&binaries.postgres);
        postgres.arg("-D").arg(&data).arg("-k").arg(folder.path()).args([
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ]);
        for setting in FAST {
            postgres.args(["-c", setting]);
        }
        postgres.stdout(Stdio::null()).stderr(log);
        // It takes this for an immediate shutdown; for a termination signal it would wait until nobody is connected.
        let mut server = Service::start("PostgreSQL", &mut postgres)?.stopped_by(Signal::QUIT);
        let ready = process::wait_until(START_LIMIT, || {
            server.must_run()?;
            Ok(std::fs::read_to_string(data.join("postmaster.pid"))
                .is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready")))
        });
        if let Err(error) = ready {
            let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            bail!("PostgreSQL did not start: {error:#}\n{log}");
        }
        Ok(Self { _server: server, _folder: folder, port })
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

/// Who runs the server: PostgreSQL refuses root.
struct User(Option<(u32, u32)>);

impl User {
    fn command(&self, program: &Path) -> Command {
        use std::os::unix::process::CommandExt as _;
        let mut command = Command::new(program);
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command.current_dir("/");
        command
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
