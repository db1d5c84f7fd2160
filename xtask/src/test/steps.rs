//! The steps, cheapest first.

use anyhow::Result;

use super::counted::{self, Count};
use super::environment::Environment;
use super::generated;
use super::soak;
use crate::build::NATIVE;
use crate::process::{cargo, run};
use crate::{bench, build, judge, tidy, tools};

/// A part of the run that passes or fails as a whole.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&mut Environment) -> Result<Count>,
}

/// Of libFuzzer, for each target.
const FUZZ_SECONDS: u32 = 3;

pub(crate) const STEPS: &[Step] = &[
    Step { name: "fmt", about: "the Rust code is formatted", run: |_| check(fmt()) },
    Step {
        name: "tidy",
        about: "documents, versions, generated files, file sizes",
        run: |_| check(tidy::tidy()),
    },
    Step {
        name: "deny",
        about: "licences, bans and sources of the dependencies",
        run: |_| check(deny()),
    },
    Step { name: "clippy", about: "no warning in native code", run: |_| check(clippy()) },
    Step {
        name: "clippy-wasm",
        about: "no warning in WebAssembly code",
        run: |_| check(clippy_wasm()),
    },
    Step { name: "xtask", about: "unit tests of the build tool", run: xtask },
    Step { name: "native", about: "core, control plane on SQLite and on PostgreSQL", run: native },
    Step {
        name: "agreement",
        about: "the evaluator and the reference interpreter over 100,000 worlds, optimised",
        run: |_| soak::agreement(),
    },
    Step {
        name: "fuzz",
        about: "any bytes whatsoever, and a few seconds of libFuzzer for each target",
        run: fuzz,
    },
    Step {
        name: "instructions",
        about: "what an evaluation takes, against the committed figures; nothing for an observer that is not there",
        run: |_| check(bench::compare()),
    },
    Step {
        name: "build",
        about: "WebAssembly modules, npm package, edge worker, dashboard, control plane",
        run: |_| check(build::everything()),
    },
    Step {
        name: "generated",
        about: "requests generated from the OpenAPI document, by Schemathesis",
        run: |_| generated::generated(),
    },
    Step {
        name: "npm",
        about: "the npm package on Node and in Chromium",
        run: |e| workspace(e, "npm"),
    },
    Step {
        name: "consumers",
        about: "the npm package, packed and installed, in what Vite, webpack, Next.js and others make of it",
        run: consumers,
    },
    Step { name: "edge-worker", about: "the edge worker on workerd", run: edge_worker },
    Step {
        name: "dashboard",
        about: "the dashboard in Chromium, served by the control plane",
        run: |e| workspace(e, "dashboard"),
    },
    Step {
        name: "judges",
        about: "imported configurations against the vendors' own engines",
        run: judges,
    },
    Step {
        name: "end-to-end",
        about: "all parts together, with OpenFeature's clients",
        run: end_to_end,
    },
];

/// A step that passes or fails and counts no tests.
fn check(result: Result<()>) -> Result<Count> {
    result.map(|()| Count::default())
}

fn fmt() -> Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))
}

fn deny() -> Result<()> {
    let program = tools::cargo_deny()?;
    let mut command = cargo();
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = program.parent() {
        let mut folders = vec![folder.to_path_buf()];
        folders.extend(std::env::split_paths(&path));
        path = std::env::join_paths(folders)?;
    }
    run(command
        .env("PATH", path)
        .args(["deny", "--locked", "check", "bans", "licenses", "sources"]))
}

fn clippy() -> Result<()> {
    let mut command = cargo();
    let others = ["--package", "xtask", "--package", "pennon-example-rust-server"];
    command.args(["clippy", "--quiet"]).args(others).args(NATIVE);
    run(command.args(["--all-targets", "--", "--deny", "warnings"]))?;
    // By itself: with all its features it would compile libFuzzer.
    let mut fuzz = cargo();
    fuzz.args(["clippy", "--quiet", "--package", "pennon-fuzz", "--package", "pennon-bench"]);
    run(fuzz.args(["--all-targets", "--", "--deny", "warnings"]))
}

fn clippy_wasm() -> Result<()> {
    tools::wasm_target()?;
    let deny = ["--", "--deny", "warnings"];
    // One by one: together, browsers' module would be compiled with the features that the edge worker needs, the standard library too.
    for package in ["pennon-edge-worker", "pennon-wasm", "pennon-wasm-ed25519"] {
        let module = ["--package", package, "--target", "wasm32-unknown-unknown"];
        run(cargo().args(["clippy", "--quiet"]).args(module).arg("--all-features").args(deny))?;
    }
    Ok(())
}

fn xtask(_: &mut Environment) -> Result<Count> {
    counted::run(cargo().args(["test", "--package", "xtask"]))
}

fn native(environment: &mut Environment) -> Result<Count> {
    let mut command = cargo();
    environment.postgres(&mut command)?;
    environment.redis(&mut command)?;
    environment.own(&mut command)?;
    counted::run(command.arg("test").args(NATIVE))
}

/// What is kept and what a simple mutator makes of it, then what coverage leads to.
fn fuzz(_: &mut Environment) -> Result<Count> {
    let mut count = counted::run(cargo().args(["test", "--package", "pennon-fuzz"]))?;
    count.passed += crate::fuzz::short(FUZZ_SECONDS)?;
    Ok(count)
}

/// The tests of an npm workspace.
fn workspace(environment: &mut Environment, name: &str) -> Result<Count> {
    let mut command = tools::npm_test();
    environment.parts(&mut command)?;
    counted::run(command.args(["--workspace", name]))
}

/// By their own lock file, so not of the workspace.
fn consumers(environment: &mut Environment) -> Result<Count> {
    tools::consumer_packages()?;
    let mut command = tools::npm_test();
    environment.parts(&mut command)?;
    counted::run(command.args(["--prefix", "npm/consumers"]))
}

fn edge_worker(environment: &mut Environment) -> Result<Count> {
    build::crashing_edge_worker()?;
    workspace(environment, "edge-worker")
}

fn judges(_: &mut Environment) -> Result<Count> {
    tools::node_packages()?;
    let mut command = tools::npm_test();
    command.env("PENNON_JUDGE", judge::program(false)?);
    counted::run(command.args(["--workspace", "judges"]))
}

/// As any workspace, with the interpreter that has OpenFeature's Python client (`PENNON_PYTHON`).
fn end_to_end(environment: &mut Environment) -> Result<Count> {
    let mut command = tools::npm_test();
    environment.parts(&mut command)?;
    environment.own_redis(&mut command)?;
    command.env("PENNON_PYTHON", tools::python()?);
    counted::run(command.args(["--workspace", "end-to-end"]))
}
