//! Everything below this process, found where the system tells: browsers and databases start groups of their own, so
//! that ending a group is not enough.

#[cfg(target_os = "linux")]
pub(crate) use linux::{adopt_orphans, any_running, end_strays, signal_all};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{adopt_orphans, any_running, end_strays, signal_all};

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::thread;
    use std::time::{Duration, Instant};

    use anyhow::{Context as _, Result};
    use rustix::process::{
        Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
    };

    /// How long what a step left behind may take to end by itself.
    const GRACE: Duration = Duration::from_secs(3);
    const POLL: Duration = Duration::from_millis(20);

    #[derive(Debug)]
    struct Process {
        pid: i32,
        parent: i32,
        name: String,
        ended: bool,
    }

    /// Orphans become children of this process instead of the system's first one, and so stay findable.
    pub(crate) fn adopt_orphans() -> Result<()> {
        set_child_subreaper(Some(getpid())).context("becoming the parent of orphans")
    }

    /// One line of `/proc/N/stat`: `pid (name) state parent ...`; the name may hold spaces and parentheses.
    fn parse(stat: &str) -> Option<Process> {
        let (pid, rest) = stat.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        Some(Process {
            pid: pid.parse().ok()?,
            parent,
            name: name.to_owned(),
            ended: state == "Z" || state == "X",
        })
    }

    fn all() -> Vec<Process> {
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter(|entry| {
                entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit)
            })
            .filter_map(|entry| parse(&fs::read_to_string(entry.path().join("stat")).ok()?))
            .collect()
    }

    /// The processes below those that `is_root` picks, these included.
    fn below(processes: &[Process], is_root: impl Fn(&Process) -> bool) -> Vec<&Process> {
        let mut found: Vec<&Process> =
            processes.iter().filter(|process| is_root(process)).collect();
        let mut next = 0;
        while let Some(parent) = found.get(next).map(|process| process.pid) {
            found.extend(processes.iter().filter(|process| process.parent == parent));
            next += 1;
        }
        found
    }

    fn own_id() -> i32 {
        getpid().as_raw_nonzero().get()
    }

    pub(crate) fn any_running() -> bool {
        below(&all(), |process| process.parent == own_id()).iter().any(|process| !process.ended)
    }

    pub(crate) fn signal_all(signal: Signal) {
        for process in below(&all(), |process| process.parent == own_id()) {
            if let Some(pid) = Pid::from_raw(process.pid) {
                // Gone already is what we want.
                let _ = kill_process(pid, signal);
            }
        }
    }

    /// Ends what is below us and not below one of `known`, and returns the names of what did not end by itself.
    pub(crate) fn end_strays(known: &[Pid]) -> Vec<String> {
        let deadline = Instant::now() + GRACE;
        loop {
            let processes = all();
            let strays = below(&processes, |process| {
                process.parent == own_id()
                    && !known.iter().any(|pid| pid.as_raw_nonzero().get() == process.pid)
            });
            for ended in strays.iter().filter(|process| process.ended && process.parent == own_id())
            {
                let _ = waitpid(Pid::from_raw(ended.pid), WaitOptions::NOHANG);
            }
            let running: Vec<_> = strays.into_iter().filter(|process| !process.ended).collect();
            if running.is_empty() {
                return Vec::new();
            }
            if Instant::now() > deadline {
                for process in &running {
                    if let Some(pid) = Pid::from_raw(process.pid) {
                        let _ = kill_process(pid, Signal::KILL);
                    }
                }
                return running
                    .iter()
                    .map(|process| format!("{} ({})", process.name, process.pid))
                    .collect();
            }
            thread::sleep(POLL);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use anyhow::Result;
    use rustix::process::{Pid, Signal};

    #[expect(clippy::unnecessary_wraps, reason = "the same signature as where it can fail")]
    pub(crate) fn adopt_orphans() -> Result<()> {
        Ok(())
    }

    /// Only groups are known here; `Service` waits for their leaders.
    pub(crate) fn any_running() -> bool {
        false
    }

    pub(crate) fn signal_all(_: Signal) {}

    pub(crate) fn end_strays(_: &[Pid]) -> Vec<String> {
        Vec::new()
    }
}
