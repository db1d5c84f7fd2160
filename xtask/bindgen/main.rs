//! wasm-bindgen's own library behind four arguments: half the compile time of its command line, which brings a web
//! server and a test runner along.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

const USAGE: &str =
    "usage: bindgen IN.wasm --target web|module --out-dir DIR --out-name NAME [--recoverable]";

fn main() -> Result<()> {
    let mut input = None;
    let mut target = None;
    let mut out_dir = None;
    let mut out_name = None;
    let mut recoverable = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().context(USAGE);
        match argument.as_str() {
            "--target" => target = Some(value()?),
            "--out-dir" => out_dir = Some(PathBuf::from(value()?)),
            "--out-name" => out_name = Some(value()?),
            "--recoverable" => recoverable = true,
            _ if input.is_none() && !argument.starts_with('-') => {
                input = Some(PathBuf::from(argument))
            }
            _ => bail!("unknown argument {argument}; {USAGE}"),
        }
    }
    let (Some(input), Some(target), Some(out_dir), Some(out_name)) =
        (input, target, out_dir, out_name)
    else {
        bail!("{USAGE}");
    };

    let mut bindgen = Bindgen::new();
    match target.as_str() {
        "web" => bindgen.web(true)?,
        "module" => bindgen.module(true)?,
        _ => bail!("unknown target {target}; {USAGE}"),
    };
    bindgen
        .input_path(&input)
        .out_name(&out_name)
        .typescript(true)
        // The package loads the module itself; bundlers would emit the file once more, also where nothing asks for it.
        .omit_default_module_path(true)
        // A panic aborts the instance and loses its statics: what hosts it must be able to notice and to start afresh.
        .reset_state_function(recoverable)
        .force_enable_abort_handler(recoverable);
    bindgen.generate(&out_dir).with_context(|| format!("wasm-bindgen on {}", input.display()))
}
