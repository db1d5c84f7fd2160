//! Compiles each file of core/spec/vectors for the runtimes that carry no compiler: `vectors OUT_DIR` writes one JSON file each,
//! `{name, body, cases}` with the server body in base64.

use std::path::Path;
use std::{env, fs};

use base64::Engine;
use pennon_core::config::{Configuration, compile};
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = env::args().nth(1).ok_or("usage: vectors OUT_DIR")?;
    fs::create_dir_all(&out)?;
    let mut written = 0;
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/spec/vectors"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let configuration: Configuration = serde_json::from_value(file["config"].clone())?;
        let body = compile(&configuration, Kind::Server, &[])?;
        let body = base64::engine::general_purpose::STANDARD.encode(body);
        let compiled = json!({"name": file["name"], "body": body, "cases": file["cases"]});
        let name = path.file_name().ok_or("a file without a name")?;
        fs::write(Path::new(&out).join(name), compiled.to_string())?;
        written += 1;
    }
    if written == 0 {
        return Err("core/spec/vectors holds no vectors".into());
    }
    println!("{written} files of vectors compiled");
    Ok(())
}
