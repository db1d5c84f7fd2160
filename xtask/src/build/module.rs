//! One WebAssembly module: rustc, wasm-bindgen, wasm-opt.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::{cargo, run};
use crate::stamp::Stamp;
use crate::{tools, workspace};

/// Every feature is in browsers since 2023 at the latest, and in workerd.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Again and again until nothing gets better; functions that are called often get short numbers.
const CONVERGE: &[&str] = &["--converge", "--reorder-functions"];

/// An engine compiles a function whole when it is called first. Those of one caller stay apart unless they are small, so that the first
/// evaluation does not wait for the code of all others. They also compress better.
const APART: &str = "--one-caller-inline-max-function-size=200";

/// What no engine reads.
const STRIP: &[&str] = &["--strip-debug", "--strip-producers", "--strip-target-features"];

/// What wasm-bindgen's own JavaScript starts a module with. The npm package does without it, and an exported import has V8 optimise the way to
/// it when the module is compiled, long before anything runs.
const STARTED_ALONE: &str = "--remove-exports=__wbindgen_*";

/// What wasm-bindgen catches an abort with, in modules that can be started afresh.
const CATCH: &str = "--enable-exception-handling";

/// A crate and the form that its module takes.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) package: &'static str,
    /// wasm-bindgen's target: `web` is instantiated by the caller, who calls it without wasm-bindgen's JavaScript; `module` imports the compiled
    /// module.
    pub(crate) target: &'static str,
    /// Features of the crate. A module with other features than the default ones is compiled in a folder of its own: rustc's output has the
    /// same name, and each build would undo the other.
    pub(crate) features: &'static [&'static str],
    /// Whether the host can start the instance afresh after a panic.
    pub(crate) recoverable: bool,
    /// What it is compiled for.
    pub(crate) aim: Aim,
    /// Where JavaScript, types and module go.
    pub(crate) folder: PathBuf,
}

/// What a module is compiled for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    /// A browser fetches it.
    Size,
    /// A server runs it for every request.
    Speed,
}

impl Aim {
    /// The profile of Cargo.toml.
    fn profile(self) -> &'static str {
        match self {
            Self::Size => "wasm",
            Self::Speed => "wasm-edge",
        }
    }

    /// What wasm-opt is to aim at.
    fn options(self) -> &'static [&'static str] {
        match self {
            // Once more as it is read back: the locals that writing has put together leave more to be taken away.
            Self::Size => &["-Oz", APART, "--roundtrip", "-Oz"],
            Self::Speed => &["-O3", APART],
        }
    }
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

    fn engine_features(&self) -> impl Iterator<Item = &'static str> + use<> {
        FEATURES.iter().copied().chain(self.recoverable.then_some(CATCH))
    }

    /// How wasm-opt is to go about it.
    fn optimizing(&self) -> Vec<&'static str> {
        let alone: &[&str] = if self.target == "web" { &[STARTED_ALONE] } else { &[] };
        [alone, self.aim.options(), CONVERGE].concat()
    }

    /// The same module with its functions' names.
    pub(crate) fn named(&self) -> PathBuf {
        workspace::target().join(format!("{}.named.wasm", self.title()))
    }

    /// Brings the module up to date.
    pub(crate) fn build(&self) -> Result<()> {
        tools::wasm_target()?;
        println!("building {} for wasm32", self.title());
        let target = match self.features {
            // The feature of the edge worker's tests changes no dependency, and cargo puts the right output in place without compiling.
            [] | ["crash"] => workspace::target(),
            features => workspace::target().join(features.join("-")),
        };
        run(cargo()
            .args(["build", "--profile", self.aim.profile(), "--target", "wasm32-unknown-unknown"])
            .args(["--package", self.package, "--features", &self.features.join(",")])
            .arg("--target-dir")
            .arg(&target))?;
        let input = target
            .join("wasm32-unknown-unknown")
            .join(self.aim.profile())
            .join(format!("{}.wasm", self.name()));

        let version = tools::bindgen_version()?;
        let tool = workspace::root().join("xtask").join("bindgen");
        let mut settings: Vec<&str> = vec![version.as_str(), self.target];
        settings.extend(self.optimizing());
        settings.extend(STRIP);
        for feature in self.engine_features() {
            settings.push(feature);
        }
        let lock = workspace::root().join("package-lock.json");
        let stamp = Stamp::of(&self.title(), &[input.clone(), tool, lock], &settings)?;
        if stamp.is_current(&[&self.path(), &self.named()]) {
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
        let wasm_opt = |from: &Path, to: &Path, options: &[&str]| {
            let mut command = Command::new(workspace::npm_program("wasm-opt"));
            run(command
                .args(self.engine_features())
                .args(options)
                .arg(from)
                .arg("--output")
                .arg(to))
        };
        let optimize = self.optimizing();
        // Names keep wasm-opt from joining some functions, so who asks for parts gets a module of its own, a little larger.
        wasm_opt(&module, &self.named(), &[optimize.as_slice(), &["--debuginfo"]].concat())?;
        let smaller = module.with_extension("wasm.smaller");
        wasm_opt(&module, &smaller, &[optimize.as_slice(), STRIP].concat())?;
        fs::rename(&smaller, &module).with_context(|| format!("replacing {}", module.display()))
    }
}
