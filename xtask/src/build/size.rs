//! What a module weighs on disk and on the wire.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process::run;

/// Node carries both compressors. Quality as servers use it for files that never change.
const MEASURE: &str = r#"
import { readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
const kib = (bytes) => `${(bytes.length / 1024).toFixed(1)} KiB`.padStart(12);
console.log(`${"".padEnd(56)}${"raw".padStart(12)}${"gzip".padStart(12)}${"brotli".padStart(12)}`);
for (const path of process.argv.slice(1)) {
  const wasm = readFileSync(path);
  console.log(path.split("/").slice(-4).join("/").padEnd(56) + kib(wasm) + kib(gzipSync(wasm, { level: 9 })) + kib(brotliCompressSync(wasm)));
}
"#;

/// Prints one line for each module.
pub(crate) fn print(modules: &[PathBuf]) -> Result<()> {
    run(Command::new("node").args(["--input-type=module", "--eval", MEASURE, "--"]).args(modules))
}
