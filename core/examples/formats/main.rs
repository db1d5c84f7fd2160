//! Why the body has the layout it has: Pennon's against postcard and JSON, by size, by the time to open and the time to evaluate.
//!
//! `cargo run --release -p pennon-core --example formats --all-features` prints the tables of core/spec/snapshot.md.
#![expect(clippy::disallowed_methods, reason = "measures time")]

mod format;
mod interpret;
mod json;
mod lower;
mod model;
mod modules;
mod pennon;
mod postcard;
mod workload;

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use pennon_core::config::compile;
use pennon_core::snapshot::Kind;
use serde_json::Value;

use crate::format::Format;
use crate::json::Json;
use crate::modules::Question;
use crate::pennon::Pennon;
use crate::postcard::Postcard;

const NAMES: [&str; 3] = ["pennon", "postcard", "json"];
const OPEN_RUNS: usize = 21;
const EVALUATE_RUNS: usize = 31;
const CONTEXTS: usize = 1_000;
const PAIRS: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let contexts = workload::contexts(CONTEXTS);
    let encoded = encode_contexts(&contexts)?;
    println!("opening, and first evaluation of every flag (native)\n");
    let mut small = None;
    for flags in [1_000, 10_000] {
        let bodies = bodies(flags)?;
        println!("{flags} flags: {}", sizes(&bodies));
        let mut rows = [Vec::new(), Vec::new(), Vec::new()];
        let mut whole = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..OPEN_RUNS {
            opening::<Pennon>(&bodies[0], &encoded[0][0], flags, &mut rows[0], &mut whole[0])?;
            opening::<Postcard>(&bodies[1], &encoded[1][0], flags, &mut rows[1], &mut whole[1])?;
            opening::<Json>(&bodies[2], &encoded[2][0], flags, &mut rows[2], &mut whole[2])?;
        }
        table(&format!("open {flags} flags"), "us", &rows, 1e3);
        table(&format!("open {flags} flags, evaluate each once"), "us", &whole, 1e3);
        small.get_or_insert(bodies);
    }
    let bodies = small.ok_or("no bodies")?;

    let mut random = workload::Random(3);
    let pairs: Vec<(String, usize)> = (0..PAIRS)
        .map(|_| (workload::flag_key(random.below(1_000)), random.below(CONTEXTS)))
        .collect();
    let contenders = (
        Contender::<Pennon>::new(&bodies[0], &encoded[0])?,
        Contender::<Postcard>::new(&bodies[1], &encoded[1])?,
        Contender::<Json>::new(&bodies[2], &encoded[2])?,
    );
    let mut split = 0;
    for (key, context) in &pairs {
        let answer = contenders.0.answer(key, *context);
        let others = [contenders.1.answer(key, *context), contenders.2.answer(key, *context)];
        if others != [answer, answer] {
            return Err(format!("{key} in context {context}: {answer:?}, {others:?}").into());
        }
        split += usize::from(answer.rule.is_none());
    }
    println!("{PAIRS} pairs of flag and context, all three agree, {split} reach the split\n");
    let mut rows = [Vec::new(), Vec::new(), Vec::new()];
    let mut prepared = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..EVALUATE_RUNS {
        rows[0].push(contenders.0.pass(&pairs));
        rows[1].push(contenders.1.pass(&pairs));
        rows[2].push(contenders.2.pass(&pairs));
        prepared[0].push(preparing::<Pennon>(&encoded[0])?);
        prepared[1].push(preparing::<Postcard>(&encoded[1])?);
        prepared[2].push(preparing::<Json>(&encoded[2])?);
    }
    table("evaluate one of 1000 flags, value included", "ns", &rows, 1.0);
    table("prepare a context of ten attributes", "ns", &prepared, 1.0);

    let key = workload::flag_key(7);
    let answer = contenders.0.answer(&key, 0).packed();
    let questions: Vec<Question> = NAMES
        .into_iter()
        .zip(&bodies)
        .zip(&encoded)
        .map(|((name, body), contexts)| Question {
            name,
            body: body.clone(),
            context: contexts[0].clone(),
            key: key.clone(),
            answer,
        })
        .collect();
    let (optimised, measured) = modules::measure(&modules::work_folder()?, &questions)?;
    let by = if optimised { "with" } else { "WITHOUT" };
    println!(
        "minimal WebAssembly module, profile wasm, {by} wasm-opt -Oz; its body of 1000 flags\n"
    );
    println!("| format | module raw | gzip | brotli | body raw | body brotli | open in Node, ms |");
    println!("|---|---|---|---|---|---|---|");
    for (question, found) in questions.iter().zip(&measured) {
        println!(
            "| {} | {} | {} | {} | {} | {} | {:.3} |",
            question.name,
            found.raw,
            found.gzip,
            found.brotli,
            question.body.len(),
            found.body_brotli,
            found.open_ms
        );
    }
    Ok(())
}

fn bodies(flags: usize) -> Result<[Vec<u8>; 3], Box<dyn Error>> {
    let configuration = workload::configuration(flags)?;
    let model = lower::lower(&configuration)?;
    let pennon = compile(&configuration, Kind::Server, &[])?;
    Ok([pennon, ::postcard::to_allocvec(&model)?, serde_json::to_vec(&model)?])
}

fn sizes(bodies: &[Vec<u8>; 3]) -> String {
    let sizes: Vec<_> = NAMES
        .iter()
        .zip(bodies)
        .map(|(name, body)| format!("{name} {} bytes", body.len()))
        .collect();
    sizes.join(", ")
}

/// For each format, every context in its encoding.
fn encode_contexts(contexts: &[Value]) -> Result<[Vec<Vec<u8>>; 3], Box<dyn Error>> {
    let mut encoded = [Vec::new(), Vec::new(), Vec::new()];
    for context in contexts {
        let attributes = lower::attributes(context);
        encoded[0].push(pennon_core::context::Context::from_json(context)?.encoded().to_vec());
        encoded[1].push(::postcard::to_allocvec(&attributes)?);
        encoded[2].push(serde_json::to_vec(&attributes)?);
    }
    Ok(encoded)
}

/// Nanoseconds to open a body, and to open it and evaluate each of its flags for the first time.
fn opening<F: Format>(
    body: &[u8],
    context: &[u8],
    flags: usize,
    open: &mut Vec<f64>,
    whole: &mut Vec<f64>,
) -> Result<(), Box<dyn Error>> {
    let context = F::context(context).ok_or("no context")?;
    let keys: Vec<String> = (0..flags).map(workload::flag_key).collect();
    let bytes = body.to_vec();
    let start = Instant::now();
    let opened = black_box(F::open(black_box(bytes))).ok_or("no body")?;
    open.push(start.elapsed().as_nanos() as f64);
    for key in &keys {
        black_box(F::evaluate(&opened, key, &context, 0));
    }
    whole.push(start.elapsed().as_nanos() as f64);
    Ok(())
}

/// Nanoseconds to prepare one context, over all.
fn preparing<F: Format>(encoded: &[Vec<u8>]) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    for bytes in encoded {
        black_box(F::context(black_box(bytes))).ok_or("no context")?;
    }
    Ok(start.elapsed().as_nanos() as f64 / encoded.len() as f64)
}

struct Contender<F: Format> {
    body: F::Body,
    contexts: Vec<F::Context>,
}

impl<F: Format> Contender<F> {
    fn new(body: &[u8], contexts: &[Vec<u8>]) -> Result<Self, Box<dyn Error>> {
        let body = F::open(body.to_vec()).ok_or("no body")?;
        let contexts: Option<_> = contexts.iter().map(|bytes| F::context(bytes)).collect();
        Ok(Self { body, contexts: contexts.ok_or("no context")? })
    }

    fn answer(&self, key: &str, context: usize) -> format::Answer<'_> {
        F::evaluate(&self.body, key, &self.contexts[context], 0)
    }

    /// Nanoseconds of one evaluation, over all pairs.
    fn pass(&self, pairs: &[(String, usize)]) -> f64 {
        let start = Instant::now();
        for (key, context) in pairs {
            black_box(self.answer(black_box(key), *context));
        }
        start.elapsed().as_nanos() as f64 / pairs.len() as f64
    }
}

/// Minimum and median of each format, and the minimum, which other work on the machine disturbs least, as a multiple of Pennon's.
fn table(what: &str, unit: &str, rows: &[Vec<f64>; 3], divisor: f64) {
    println!("| {what} | minimum {unit} | median {unit} | minimum, times Pennon's |");
    println!("|---|---|---|---|");
    let mut first = None;
    for (name, row) in NAMES.iter().zip(rows) {
        let mut sorted: Vec<f64> = row.iter().map(|time| time / divisor).collect();
        sorted.sort_by(f64::total_cmp);
        let (minimum, median) = (sorted[0], sorted[sorted.len() / 2]);
        let ratio = minimum / *first.get_or_insert(minimum);
        println!("| {name} | {minimum:.1} | {median:.1} | {ratio:.2} |");
    }
    println!();
}
