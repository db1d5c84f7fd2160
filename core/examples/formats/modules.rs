//! The size of a minimal WebAssembly module for each format: built here, proven to answer in Node, compressed by Node.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const TARGET: &str = "wasm32-unknown-unknown";

/// What each module is given, and must answer.
pub(crate) struct Question {
    pub name: &'static str,
    pub body: Vec<u8>,
    pub context: Vec<u8>,
    pub key: String,
    pub answer: u32,
}

/// What Node says of a module: its bytes raw, by gzip and by brotli, and the milliseconds that opening the body takes.
pub(crate) struct Measured {
    pub raw: u64,
    pub gzip: u64,
    pub brotli: u64,
    pub body_brotli: u64,
    pub open_ms: f64,
}

/// Runs a module in Node and prints what it measured, as one line of JSON.
const MEASURE: &str = r#"
import { readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
const [module, body, context, key, runs] = process.argv.slice(1);
const bytes = readFileSync(module);
const compiled = new WebAssembly.Module(bytes);
let exports, times = [];
const give = (input) => {
  const at = exports.input(input.length);
  new Uint8Array(exports.memory.buffer).set(input, at);
};
for (let run = 0; run < Number(runs); run++) {
  exports = new WebAssembly.Instance(compiled, {}).exports;
  give(readFileSync(body));
  const start = performance.now();
  const opened = exports.open_body();
  times.push(performance.now() - start);
  if (!opened) throw new Error("the module did not open the body");
}
give(readFileSync(context));
if (!exports.read_context()) throw new Error("the module did not read the context");
give(new TextEncoder().encode(key));
const answer = exports.evaluate_flag(0) >>> 0;
times.sort((a, b) => a - b);
console.log(JSON.stringify({
  raw: bytes.length,
  gzip: gzipSync(bytes, { level: 9 }).length,
  brotli: brotliCompressSync(bytes).length,
  bodyBrotli: brotliCompressSync(readFileSync(body)).length,
  openMs: times[times.length >> 1],
  answer,
}));
"#;

/// The folder `name` inside cargo's target folder, where this program lies as `<profile>/examples/formats`.
pub(crate) fn work_folder() -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or("this program lies in no target folder")?;
    let folder = target.join("formats");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Whether wasm-opt was found, and what Node measured for each question.
pub(crate) fn measure(
    folder: &Path,
    questions: &[Question],
) -> Result<(bool, Vec<Measured>), Box<dyn Error>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no repository")?;
    let wasm_opt = repository.join("node_modules/.bin/wasm-opt");
    let optimised = wasm_opt.exists();
    let mut measured = Vec::new();
    for question in questions {
        let example = format!("formats_{}", question.name);
        let target = folder.join("wasm");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--profile", "wasm", "--target", TARGET]);
        cargo.args(["--package", "pennon-core", "--no-default-features", "--example", &example]);
        run(cargo.arg("--target-dir").arg(&target).current_dir(repository))?;
        let built = target.join(TARGET).join("wasm/examples").join(format!("{example}.wasm"));
        let module = folder.join(format!("{example}.wasm"));
        if optimised {
            let mut optimise = Command::new(&wasm_opt);
            optimise.args(["-Oz", "--enable-bulk-memory", "--enable-nontrapping-float-to-int"]);
            optimise.args(["--enable-sign-ext", "--enable-mutable-globals"]);
            optimise.args(["--enable-reference-types", "--enable-multivalue", "-o"]);
            run(optimise.arg(&module).arg(&built))?;
        } else {
            fs::copy(&built, &module)?;
        }
        let body = folder.join(format!("{}.body", question.name));
        let context = folder.join(format!("{}.context", question.name));
        fs::write(&body, &question.body)?;
        fs::write(&context, &question.context)?;
        let mut node = Command::new("node");
        node.args(["--input-type=module", "--eval", MEASURE, "--"]);
        node.args([&module, &body, &context]).args([&question.key, "15"]);
        let found: Value = serde_json::from_slice(&run(&mut node)?)?;
        if found["answer"] != question.answer {
            return Err(format!(
                "{}: the module answers {}, not {}",
                question.name, found["answer"], question.answer
            )
            .into());
        }
        let number = |name: &str| found[name].as_u64().ok_or("Node told no size");
        measured.push(Measured {
            raw: number("raw")?,
            gzip: number("gzip")?,
            brotli: number("brotli")?,
            body_brotli: number("bodyBrotli")?,
            open_ms: found["openMs"].as_f64().ok_or("Node told no time")?,
        });
    }
    Ok((optimised, measured))
}

/// What the command prints; an error with its complaint when it fails.
fn run(command: &mut Command) -> Result<Vec<u8>, Box<dyn Error>> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} failed: {complaint}").into());
    }
    Ok(output.stdout)
}
