//! The steps, cheapest first.

use anyhow::Result;

use super::environment::Environment;
use crate::process::{cargo, run};
use crate::{build, tidy, tools};

/// A part of the run that passes or fails as a whole.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&mut Environment) -> Result<()>,
}

/// What is compiled for the machine itself. Always named together: cargo unites the features of what one command
/// builds, and with another selection it would compile the dependencies again.
const NATIVE: &[&str] = &["--package", "pennon-core", "--package", "pennon-control-plane"];
const WASM: &[&str] = &[
    "--package",
    "pennon-wasm",
    "--package",
    "pennon-edge-worker",
    "--target",
    "wasm32-unknown-unknown",
];

pub(crate) const STEPS: &[Step] = &[
    Step { name: "fmt", about: "the Rust code is formatted", run: fmt },
    Step {
        name: "tidy",
        about: "documents, versions, generated files, file sizes",
        run: |_| tidy::tidy(),
    },
    Step { name: "deny", about: "licences, bans and sources of the dependencies", run: deny },
    Step { name: "clippy", about: "no warning in native code", run: clippy },
    Step { name: "clippy-wasm", about: "no warning in WebAssembly code", run: clippy_wasm },
    Step { name: "xtask", about: "unit tests of the build tool", run: xtask },
    Step { name: "native", about: "core, control plane on SQLite and on PostgreSQL", run: native },
    Step {
        name: "build",
        about: "WebAssembly modules, npm package, edge worker, control plane",
        run: |_| build::everything(),
    },
    Step {
        name: "npm",
        about: "the npm package on Node and in Chromium",
        run: |e| workspace(e, "npm"),
    },
    Step {
        name: "edge-worker",
        about: "the edge worker on workerd",
        run: |e| workspace(e, "edge-worker"),
    },
    Step {
        name: "end-to-end",
        about: "all parts together, with OpenFeature's clients",
        run: end_to_end,
    },
];

fn fmt(_: &mut Environment) -> Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))
}

fn deny(_: &mut Environment) -> Result<()> {
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

fn clippy(_: &mut Environment) -> Result<()> {
    let mut command = cargo();
    command.args(["clippy", "--quiet", "--package", "xtask"]).args(NATIVE);
    run(command.args(["--all-targets", "--all-features", "--", "--deny", "warnings"]))
}

fn clippy_wasm(_: &mut Environment) -> Result<()> {
    tools::wasm_target()?;
    run(cargo().args(["clippy", "--quiet"]).args(WASM).args([
        "--all-features",
        "--",
        "--deny",
        "warnings",
    ]))
}

fn xtask(_: &mut Environment) -> Result<()> {
    run(cargo().args(["test", "--package", "xtask"]))
}

fn native(environment: &mut Environment) -> Result<()> {
    let mut command = cargo();
    environment.postgres(&mut command)?;
    environment.redis(&mut command)?;
    run(command.arg("test").args(NATIVE).arg("--all-features"))
}

/// The tests of an npm workspace.
fn workspace(environment: &mut Environment, name: &str) -> Result<()> {
    let mut command = tools::npm_test();
    environment.parts(&mut command)?;
    run(command.args(["--workspace", name]))
}

/// As any workspace, with the interpreter that has OpenFeature's Python client (`PENNON_PYTHON`).
fn end_to_end(environment: &mut Environment) -> Result<()> {
    let mut command = tools::npm_test();
    environment.parts(&mut command)?;
    command.env("PENNON_PYTHON", tools::python()?);
    run(command.args(["--workspace", "end-to-end"]))
}
