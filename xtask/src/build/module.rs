//! One WebAssembly module: rustc, wasm-bindgen, wasm-opt.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::{cargo, run};
use crate::stamp::Stamp;
use crate::{tools, workspace};

/// Every feature is in browsers since 2023 at the latest, and in workerd.
const OPTIMIZE: &[&str] = &[
    "-Oz",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// What wasm-bindgen catches an abort with, in modules that can be started afresh.
const CATCH: &str = "--enable-exception-handling";

/// A crate and the form that its module takes.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) package: &'static str,
    /// wasm-bindgen's target: `web` is instantiated by the caller, `module` imports the compiled module.
    pub(crate) target: &'static str,
    /// Features of the crate. A module with other features than the default ones is compiled in a folder of its own: rustc's output has the
    /// same name, and each build would undo the other.
    pub(crate) features: &'static [&'static str],
    /// Whether the host can start the instance afresh after a panic.
    pub(crate) recoverable: bool,
    /// Where JavaScript, types and module go.
    pub(crate) folder: PathBuf,
}

impl Module {
    fn name(&self) -> String {
        self.package.replace('-', "_")
    }

    /// Tells it from the same crate's other modules.
    fn title(&self) -> String {
        [&[self.package], self.features].concat().join("-")
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(format!("{}_bg.wasm", self.name()))
    }

    /// Brings the module up to date.
    pub(crate) fn build(&self) -> Result<()> {
        tools::wasm_target()?;
        println!("building {} for wasm32", self.title());
        let target = match self.features {
            [] => workspace::target(),
            features => workspace::target().join(features.join("-")),
        };
        run(cargo()
            .args(["build", "--profile", "wasm", "--target", "wasm32-unknown-unknown"])
            .args(["--package", self.package, "--features", &self.features.join(",")])
            .arg("--target-dir")
            .arg(&target))?;
        let input = target
            .join("wasm32-unknown-unknown")
            .join("wasm")
            .join(format!("{}.wasm", self.name()));

        let version = tools::bindgen_version()?;
        let tool = workspace::root().join("xtask").join("bindgen");
        let mut settings = vec![version.as_str(), self.target];
        settings.extend(OPTIMIZE);
        if self.recoverable {
            settings.push(CATCH);
        }
        let lock = workspace::root().join("package-lock.json");
        let stamp = Stamp::of(&self.title(), &[input.clone(), tool, lock], &settings)?;
        if stamp.is_current(&[&self.path()]) {
            return Ok(());
        }
        self.bind(&input)?;
        self.optimize()?;
        stamp.set()
    }

    /// Writes the folder anew: snippets of an older module must not stay.
    fn bind(&self, input: &Path) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)
                .with_context(|| format!("emptying {}", self.folder.display()))?;
        }
        let mut bindgen = Command::new(tools::bindgen()?);
        bindgen
            .arg(input)
            .args(["--target", self.target, "--out-name", &self.name(), "--out-dir"])
            .arg(&self.folder);
        if self.recoverable {
            bindgen.arg("--recoverable");
        }
        run(&mut bindgen)
    }

    fn optimize(&self) -> Result<()> {
        tools::node_packages()?;
        let module = self.path();
        let smaller = module.with_extension("wasm.smaller");
        let mut command = Command::new(workspace::npm_program("wasm-opt"));
        command.args(OPTIMIZE);
        if self.recoverable {
            command.arg(CATCH);
        }
        run(command.arg(&module).arg("--output").arg(&smaller))?;
        fs::rename(&smaller, &module).with_context(|| format!("replacing {}", module.display()))
    }
}
