//! Writes the workloads of `cargo xtask bench` into a folder: bodies and contexts as the evaluator takes them, the same as JSON for
//! JavaScript, and the flags as plain words for the hand-written floor.
//!
//! `cargo run -p pennon-core --example workload --all-features -- FOLDER`

mod contexts;
mod model;
mod single;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use pennon_core::config::{Configuration, compile};
use pennon_core::context::Context;
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};

const FLAGS: usize = 1_000;
const CONTEXTS: usize = 1_000;
const PAIRS: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder to write into")?);
    fs::create_dir_all(&folder)?;
    let typical = serde_json::to_value(model::configuration(FLAGS)?)?;
    let configurations = [
        ("simple", single::one_boolean()),
        ("typical", typical),
        ("segment", single::one_segment()),
    ];
    for (name, configuration) in &configurations {
        let read: Configuration = serde_json::from_value(configuration.clone())?;
        fs::write(folder.join(format!("{name}.body")), compile(&read, Kind::Server, &[])?)?;
    }

    let contexts = contexts::contexts(CONTEXTS);
    let mut encoded = Vec::new();
    for context in &contexts {
        let context = Context::from_json(context)?;
        encoded.extend_from_slice(&u32::try_from(context.encoded().len())?.to_le_bytes());
        encoded.extend_from_slice(context.encoded());
    }
    fs::write(folder.join("contexts.bin"), encoded)?;
    let mut random = model::Random(3);
    let pairs: Vec<_> = (0..PAIRS).map(|_| (random.below(FLAGS), random.below(CONTEXTS))).collect();
    let numbers = pairs.iter().flat_map(|(flag, context)| [*flag as u32, *context as u32]);
    fs::write(folder.join("pairs.bin"), numbers.flat_map(u32::to_le_bytes).collect::<Vec<_>>())?;

    let [_, (_, typical), (_, segment)] = &configurations;
    fs::write(folder.join("floor.txt"), floor(typical, segment, &contexts)?)?;
    let snapshots: serde_json::Map<String, Value> =
        configurations.iter().map(|(name, config)| ((*name).to_owned(), config.clone())).collect();
    let everything = json!({"configurations": snapshots, "contexts": contexts, "pairs": pairs});
    fs::write(folder.join("workload.json"), everything.to_string())?;
    Ok(())
}

/// Lines of fields between tabs: `flag` KEY SALT, its rules' `when` ATTRIBUTE OPERATOR VALUE.., its `split` WEIGHT..; `listed` KEY;
/// `context` NAME VALUE NAME VALUE...
fn floor(typical: &Value, segment: &Value, contexts: &[Value]) -> Result<String, Box<dyn Error>> {
    let mut lines = String::new();
    let mut line = |fields: &[&str]| {
        lines.push_str(&fields.join("\t"));
        lines.push('\n');
    };
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for (key, flag) in typical["flags"].as_object().ok_or("no flags")? {
        let split = &flag["fallthrough"]["split"];
        line(&["flag", key, split["by"]["salt"].as_str().ok_or("no salt")?]);
        for rule in flag["rules"].as_array().ok_or("no rules")? {
            for condition in rule["when"]["all"].as_array().ok_or("no conditions")? {
                let (operator, leaf) =
                    condition.as_object().and_then(|node| node.iter().next()).ok_or("no node")?;
                let values = leaf["values"].as_array().cloned();
                let values = values.unwrap_or_else(|| vec![leaf["value"].clone()]);
                let values: Vec<String> = values.iter().map(plain).collect();
                let mut fields = vec!["when", leaf["attribute"].as_str().ok_or("none")?, operator];
                fields.extend(values.iter().map(String::as_str));
                line(&fields);
            }
        }
        let weights = split["weights"].as_array().ok_or("no weights")?;
        let weights: Vec<String> = weights.iter().map(|part| part["weight"].to_string()).collect();
        let mut fields = vec!["split"];
        fields.extend(weights.iter().map(String::as_str));
        line(&fields);
    }
    for key in segment["segments"]["heavy"]["included"].as_array().ok_or("no keys")? {
        line(&["listed", key.as_str().ok_or("no key")?]);
    }
    for context in contexts {
        let attributes = context.as_object().ok_or("no context")?;
        let fields = attributes.iter().flat_map(|(name, value)| [name.clone(), plain(value)]);
        let fields: Vec<String> = std::iter::once("context".to_owned()).chain(fields).collect();
        line(&fields.iter().map(String::as_str).collect::<Vec<_>>());
    }
    Ok(lines)
}
