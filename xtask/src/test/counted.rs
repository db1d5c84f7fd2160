//! Test runners whose closing lines are read: how many tests passed, and that none was left out.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::process::{self, Service};

/// How long the output may go on after the runner has ended: something it started may hold the pipe open.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// What runners said, added up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: usize,
    pub(crate) skipped: usize,
}

impl Count {
    /// Reads one line: cargo's `test result: ok. 3 passed; 0 failed; 1 ignored; ...`, Node's `ℹ pass 3`, or Vitest's
    /// `Tests  1 skipped | 3 passed (4)`.
    fn read(&mut self, line: &str) {
        let line = without_colours(line);
        if let Some((_, counts)) = line.split_once("test result: ") {
            self.passed += number_before(counts, " passed");
            self.skipped += number_before(counts, " ignored");
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["Tests", counts @ ..] = &words[..] {
            for pair in counts.windows(2) {
                match (pair[0].parse::<usize>(), pair[1]) {
                    (Ok(number), "passed") => self.passed += number,
                    (Ok(number), "skipped" | "todo") => self.skipped += number,
                    _ => {}
                }
            }
        }
        if let ["ℹ" | "#", what, number] = words[..]
            && let Ok(number) = number.parse::<usize>()
        {
            match what {
                "pass" => self.passed += number,
                "skipped" | "todo" => self.skipped += number,
                _ => {}
            }
        }
    }
}

fn number_before(text: &str, word: &str) -> usize {
    let before = text.split_once(word).map_or("", |(before, _)| before);
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Runners colour their output when told to by the environment.
fn without_colours(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    text
}

/// Runs a test runner with its output shown. Fails when it fails, when it ran nothing, and, under `CI=true`, when it left
/// a test out.
pub(crate) fn run(command: &mut Command) -> Result<Count> {
    let line = process::line_of(command);
    let mut service = Service::start(&line, command.stdout(Stdio::piped()))?;
    let output = service.take_output();
    let (sender, receiver) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut count = Count::default();
        for line in output
            .into_iter()
            .flat_map(|output| BufReader::new(output).split(b'\n'))
            .map_while(Result::ok)
        {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            count.read(&line);
            // The receiver stops listening when it has waited long enough.
            if sender.send(count).is_err() {
                return;
            }
        }
    });
    let status = service.wait()?;
    let mut count = Count::default();
    let drained = process::wait_until(DRAIN_LIMIT, || Ok(reader.is_finished()));
    while let Ok(newer) = receiver.try_recv() {
        count = newer;
    }
    if !status.success() {
        bail!("failed ({status}): {line}");
    }
    drained?;
    if count.passed == 0 {
        bail!("no test ran: {line}");
    }
    if count.skipped > 0 && std::env::var("CI").is_ok_and(|ci| ci == "true") {
        bail!("{} tests were left out, and with CI=true none may be: {line}", count.skipped);
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(lines: &[&str]) -> (usize, usize) {
        let mut count = Count::default();
        lines.iter().for_each(|line| count.read(line));
        (count.passed, count.skipped)
    }

    #[test]
    fn cargo_and_node_are_understood() {
        assert_eq!(
            count(&["test result: ok. 20 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out"]),
            (20, 2)
        );
        assert_eq!(
            count(&["test result: \x1b[32mok\x1b[0m. 7 passed; 0 failed; 0 ignored; 0 measured"]),
            (7, 0)
        );
        assert_eq!(
            count(&[
                "\x1b[34mℹ tests 5\x1b[39m",
                "\x1b[34mℹ pass 4\x1b[39m",
                "ℹ skipped 1",
                "ℹ todo 1"
            ]),
            (4, 2)
        );
        assert_eq!(count(&["      Tests  2 skipped | 5 passed | 1 todo (8)"]), (5, 3));
        assert_eq!(
            count(&[
                " Test Files  2 passed (2)",
                "\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m7 passed\x1b[39m\x1b[22m\x1b[90m (7)\x1b[39m"
            ]),
            (7, 0)
        );
        assert_eq!(count(&["# pass 12", "# skipped 3"]), (12, 3));
        assert_eq!(count(&["test name ... ok", "pass 3", "# pass many"]), (0, 0));
    }

    #[test]
    fn a_runner_that_runs_nothing_fails() {
        let _others = process::CHILDREN.lock().unwrap();
        assert!(run(&mut Command::new("true")).is_err());
        assert!(run(Command::new("sh").args(["-c", "echo '# pass 1'; exit 1"])).is_err());
        let count = run(Command::new("sh").args(["-c", "echo '# pass 1'"])).unwrap();
        assert_eq!(count, Count { passed: 1, skipped: 0 });
    }
}
