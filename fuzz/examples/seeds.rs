//! Writes the seeds of every target anew, after a format changed: `cargo run -p pennon-fuzz --example seeds`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let written =
        pennon_fuzz::seeds::write(&here.join("../core/spec/vectors"), &here.join("corpus"))?;
    println!("{written} seeds written");
    Ok(())
}
