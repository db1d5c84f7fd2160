//! `cargo xtask`: every step of building, testing and running Pennon. Continuous integration runs these commands and
//! nothing else.

mod bench;
mod build;
mod descendants;
mod dev;
mod fuzz;
mod judge;
mod process;
mod screenshots;
mod stamp;
mod temporary;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask COMMAND

  dev            build and start everything on this machine: control plane, edge worker, browser example
  test [STEP..]  run every check and test, or only the named steps; `test --list` names them
  fuzz [TARGET] [SECONDS]
                 what takes bytes from outside, fed with what coverage leads to; `fuzz --list` names the targets
  bench analysis | control-plane | delivery | edge | evaluate | npm | streams
                 what things cost, beside something plain in the same run
  bench instructions [--accept]
                 how many instructions an evaluation takes, against bench/instructions.txt; --accept writes that
  soak [ROUNDS]  the tests that draw their cases, many times over
  judge [VENDOR] imported configurations against the vendors' own engines: 200,000 random evaluations each, or
                 [--evaluations N] [--seed N] [--show N]
  build [edge-worker]
                 WebAssembly modules, npm package, edge worker, dashboard, control plane; or the edge worker alone, and the one that
                 tests crash
  screenshots    the README's pictures of the dashboard, in docs/images
  tools          install what builds and tests need (they do so themselves, as they need it)
  fmt            format the Rust code
  lint           clippy on everything, native and wasm32
  deny           licences, bans and sources of the dependencies
  tidy           paths in the documents, versions, generated files, file sizes";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let _guard = match process::guard() {
        Ok(guard) => guard,
        Err(error) => return failed(&error),
    };
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("\nxtask: {error:#}");
    ExitCode::FAILURE
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["dev"] => dev::dev(),
        ["test", "--list"] => test::list(),
        ["test", steps @ ..] => test::test(steps),
        ["bench", "analysis"] => bench::analysis(),
        ["bench", "evaluate"] => bench::evaluate(),
        ["bench", "control-plane"] => bench::control_plane(),
        ["bench", "edge"] => bench::edge(),
        ["bench", "npm"] => bench::npm(),
        ["bench", "instructions"] => bench::compare(),
        ["bench", "instructions", "--accept"] => bench::accept(),
        ["bench", "streams"] => bench::streams(),
        ["bench", "delivery"] => bench::delivery(),
        ["fuzz", "--list"] => fuzz::list(),
        ["fuzz", "--minimise"] => fuzz::minimise(),
        ["fuzz", arguments @ ..] => fuzz::fuzz(arguments),
        ["soak"] => test::soak(None),
        ["soak", rounds] => test::soak(Some(rounds)),
        ["judge", arguments @ ..] => judge::judge(arguments),
        ["screenshots"] => screenshots::screenshots(),
        ["build"] => build::all(),
        ["build", "edge-worker"] => build::edge_workers(),
        ["tools"] => tools::all(),
        ["fmt"] => process::run(process::cargo().args(["fmt", "--all"])),
        ["lint"] => test::test(&["clippy", "clippy-wasm"]),
        ["deny"] => test::test(&["deny"]),
        ["tidy"] => tidy::tidy(),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("unknown command `{}`\n\n{USAGE}", words.join(" ")),
    }
}
