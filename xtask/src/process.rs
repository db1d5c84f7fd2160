//! Children: every one in a process group of its own, none outliving this program, not even after Ctrl-C or a panic.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::descendants;

/// How long a child may take to end by itself when asked to.
const GRACE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);
/// What shells report for a program that Ctrl-C ended.
const EXIT_INTERRUPTED: i32 = 130;

/// The group leaders that are running now.
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
/// Set once everything is being ended: nothing may start any more.
static ENDING: AtomicBool = AtomicBool::new(false);

fn groups() -> MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends every child when dropped: at the end of `main`, whichever way it is left.
#[derive(Debug)]
pub(crate) struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        end_everything();
    }
}

/// Makes orphaned grandchildren ours and ends all of them on Ctrl-C, on a termination signal and when the guard drops.
pub(crate) fn guard() -> Result<Guard> {
    descendants::adopt_orphans()?;
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).context("installing the handler of Ctrl-C")?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            eprintln!("\nxtask: stopping everything that was started (again: at once)");
            thread::spawn(move || {
                if signals.forever().next().is_some() {
                    kill_all(Signal::KILL);
                    std::process::exit(EXIT_INTERRUPTED);
                }
            });
            end_everything();
            crate::temporary::remove_all();
            std::process::exit(EXIT_INTERRUPTED);
        }
    });
    Ok(Guard)
}

fn kill_all(signal: Signal) {
    for group in groups().iter() {
        // Gone already is what we want.
        let _ = kill_process_group(*group, signal);
    }
    descendants::signal_all(signal);
}

fn end_everything() {
    ENDING.store(true, Ordering::SeqCst);
    kill_all(Signal::TERM);
    let deadline = Instant::now() + GRACE;
    while descendants::any_running() && Instant::now() < deadline {
        thread::sleep(POLL);
    }
    kill_all(Signal::KILL);
    // Also takes leave of those that have ended: not every system's first process does.
    descendants::end_strays(&[]);
}

/// A child that runs on its own until it is stopped or dropped.
#[derive(Debug)]
pub(crate) struct Service {
    name: String,
    child: Child,
    group: Pid,
    stop: Signal,
}

impl Service {
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Self> {
        if ENDING.load(Ordering::SeqCst) {
            wait_for_the_end();
        }
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {name} ({program}); is it installed?"))?;
        let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
            child.kill().context("ending a child with an impossible process id")?;
            bail!("{name} has an impossible process id");
        };
        groups().push(group);
        Ok(Self { name: name.to_owned(), child, group, stop: Signal::TERM })
    }

    /// What asks it to end, where that is not the termination signal.
    pub(crate) fn stopped_by(mut self, signal: Signal) -> Self {
        self.stop = signal;
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Fails when the child has ended, whatever its status: it was meant to stay.
    pub(crate) fn must_run(&mut self) -> Result<()> {
        match self
            .child
            .try_wait()
            .with_context(|| format!("asking for the state of {}", self.name))?
        {
            Some(status) => bail!("{} ended by itself: {status}", self.name),
            None => Ok(()),
        }
    }

    /// What it prints, when its command pipes it.
    pub(crate) fn take_output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    pub(crate) fn wait(mut self) -> Result<std::process::ExitStatus> {
        let status = self.child.wait();
        if ENDING.load(Ordering::SeqCst) {
            wait_for_the_end();
        }
        status.with_context(|| format!("waiting for {}", self.name))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = kill_process_group(self.group, self.stop);
        let deadline = Instant::now() + GRACE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        // Also when the leader has ended: others of its group may not have.
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.wait();
        groups().retain(|group| *group != self.group);
    }
}

/// The signal's handler is ending everything and then this program.
fn wait_for_the_end() -> ! {
    loop {
        thread::park();
    }
}

/// Runs a command to its end with its output shown, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line_of(command);
    let status = Service::start(&line, command)?.wait()?;
    if !status.success() {
        bail!("failed ({status}): {line}");
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed; its errors are part of the failure.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let line = line_of(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {line}; is it installed?"))?;
    if !output.status.success() {
        bail!("failed ({}): {line}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).with_context(|| format!("reading the output of {line}"))
}

/// `cargo`, without what the `cargo run` that started us has put into the environment: build scripts would see it
/// change between a build from here and one from a shell, and everything would be compiled twice.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(crate::workspace::root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let ours = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_NAME",
            "CARGO_CRATE_NAME",
            "CARGO_PRIMARY_",
        ];
        if ours.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Ends what finished steps left running and returns its names.
pub(crate) fn end_strays() -> Vec<String> {
    descendants::end_strays(&groups().clone())
}

/// Waits for a condition, looking often, until it holds, fails or the time is over.
pub(crate) fn wait_until(
    limit: Duration,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + limit;
    while !condition()? {
        if Instant::now() > deadline {
            bail!("nothing after {} s", limit.as_secs());
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// A command as one would type it.
pub(crate) fn line_of(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

/// Held by tests that start children: one of them looks at all children of this process.
#[cfg(test)]
pub(crate) static CHILDREN: Mutex<()> = Mutex::new(());

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::path::Path;

    fn sleeps(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        command
    }

    fn first_line(service: &mut Service) -> String {
        use std::io::BufRead as _;
        let mut line = String::new();
        let output = service.take_output().expect("it is piped");
        std::io::BufReader::new(output).read_line(&mut line).expect("the script prints a line");
        line.trim().to_owned()
    }

    #[test]
    fn no_child_survives() {
        let _others = CHILDREN.lock().unwrap();
        descendants::adopt_orphans().unwrap();

        let mut service =
            Service::start("a service", &mut sleeps("sleep 600 & echo $!; wait")).unwrap();
        let child = first_line(&mut service);
        assert!(Path::new("/proc").join(&child).exists());
        assert_eq!(
            end_strays(),
            Vec::<String>::new(),
            "what a running service started is no stray"
        );
        service.must_run().unwrap();
        drop(service);
        assert_eq!(end_strays(), Vec::<String>::new());
        assert!(!Path::new("/proc").join(&child).exists());

        // A browser's way to leave: a session of its own and no parent.
        let mut service = Service::start(
            "a daemon",
            &mut sleeps("setsid sh -c 'echo $$; exec sleep 600' & wait"),
        )
        .unwrap();
        let child = first_line(&mut service);
        drop(service);
        assert_eq!(end_strays(), [format!("sleep ({child})")]);
        assert_eq!(end_strays(), Vec::<String>::new());
        assert!(!Path::new("/proc").join(&child).exists());
    }
}
