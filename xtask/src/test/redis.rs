//! An ephemeral Redis server.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::environment::free_port;
use crate::process::{self, Service};
use crate::temporary::Folder;
use crate::tools;

const START_LIMIT: Duration = Duration::from_secs(15);
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// A running server; dropping it ends it and then removes its folder, in the order of the fields.
#[derive(Debug)]
pub(crate) struct Redis {
    _server: Service,
    _folder: Folder,
    port: u16,
}

impl Redis {
    pub(crate) fn start() -> Result<Self> {
        println!("starting Redis");
        let folder = Folder::create("redis")?;
        let port = free_port()?;
        let arguments = command(port, folder.path())?;
        let mut command = Command::new(&arguments[0]);
        command.args(&arguments[1..]).stdout(Stdio::null());
        let mut server = Service::start("Redis", &mut command)?;
        process::wait_until(START_LIMIT, || {
            server.must_run()?;
            Ok(answers(port).unwrap_or(false))
        })
        .context("Redis did not start")?;
        Ok(Self { _server: server, _folder: folder, port })
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }
}

pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

/// Program and arguments of an empty server.
pub(crate) fn command(port: u16, folder: &Path) -> Result<Vec<String>> {
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
    };
    let program = text(&tools::redis_server()?)?;
    let fixed = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"];
    let mut command = vec![program];
    command.extend(fixed.map(str::to_owned));
    command.extend([port.to_string(), "--dir".to_owned(), text(folder)?]);
    Ok(command)
}

fn answers(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    Ok(&answer == b"+PONG")
}
