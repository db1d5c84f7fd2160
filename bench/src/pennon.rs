//! Pennon over the workloads.

use std::error::Error;
use std::hint::black_box;

use pennon_core::context::Context;
use pennon_core::outcome::Value;
use pennon_core::snapshot::{Kind, Snapshot};

use crate::Row;
use crate::clock::Measure;
use crate::floor::Floor;
use crate::workload::Workload;

/// Evaluations of a flag in one pass.
const PASS: usize = 1_000;
/// How often each workload is done for its instructions to be counted.
const COUNTED: usize = 2_000;

pub(crate) struct Pennon<'w> {
    workload: &'w Workload,
    simple: Snapshot,
    typical: Snapshot,
    segment: Snapshot,
    contexts: Vec<Context>,
    /// Of the typical flags, in the order of their positions.
    keys: Vec<String>,
}

impl<'w> Pennon<'w> {
    pub(crate) fn open(workload: &'w Workload) -> Result<Self, Box<dyn Error>> {
        let open = |body: &[u8]| {
            Snapshot::open(body.to_vec(), Kind::Server).map_err(|refusal| refusal.to_string())
        };
        let typical = open(&workload.typical)?;
        let keys: Option<Vec<String>> = (0..typical.flag_count())
            .map(|position| Some(typical.flag_at(position)?.key().to_owned()))
            .collect();
        let contexts: Result<_, _> =
            workload.contexts.iter().map(|context| Context::decode(context)).collect();
        Ok(Self {
            workload,
            simple: open(&workload.simple)?,
            segment: open(&workload.segment)?,
            keys: keys.ok_or("a flag is damaged")?,
            typical,
            contexts: contexts?,
        })
    }

    /// How many answers there are, all as the floor gives them.
    pub(crate) fn agree(&self, floor: &Floor) -> Result<usize, Box<dyn Error>> {
        for (flag, context) in &self.workload.pairs {
            let outcome = self.typical.evaluate(&self.keys[*flag], &self.contexts[*context], 0);
            let variant = outcome.variant().ok_or("a typical flag has no variant")?;
            let expected = floor.typical(*flag, *context);
            if variant != expected {
                return Err(
                    format!("flag {flag} for context {context}: {variant}, {expected}").into()
                );
            }
        }
        let mut inside = 0;
        for (position, context) in self.contexts.iter().enumerate() {
            let listed = floor.listed(position);
            inside += usize::from(listed);
            if self.segment.evaluate("listed", context, 0).value() != Some(Value::Boolean(listed)) {
                return Err(format!("the segment holds context {position} wrongly").into());
            }
        }
        if inside == 0 || inside == self.contexts.len() {
            return Err("the segment holds all contexts or none".into());
        }
        Ok(self.workload.pairs.len() + self.contexts.len())
    }

    fn simple(&self, _: usize) {
        let context = &self.contexts[0];
        black_box(self.simple.evaluate(black_box("simple"), context, 0).value());
    }

    fn typical(&self, round: usize) {
        let (flag, context) = self.workload.pairs[round];
        let outcome =
            self.typical.evaluate(black_box(&self.keys[flag]), &self.contexts[context], 0);
        black_box(outcome.value());
    }

    fn segment(&self, round: usize) {
        // Seven shares no factor with the number of contexts, and its steps are not in the order of memory.
        let context = &self.contexts[round * 7 % self.contexts.len()];
        black_box(self.segment.evaluate(black_box("listed"), context, 0).value());
    }

    fn all(&self, round: usize) {
        let context = &self.contexts[round * 7 % self.contexts.len()];
        for position in 0..self.typical.flag_count() {
            black_box(self.typical.evaluate_at(position, context, 0).value());
        }
    }

    fn open_typical(&self, _: usize) {
        // The copy is the caller's business: what arrives is owned.
        black_box(Snapshot::open(black_box(self.workload.typical.clone()), Kind::Server).is_ok());
    }

    fn copy(&self, _: usize) {
        black_box(black_box(&self.workload.typical).clone());
    }

    fn prepare(&self, round: usize) {
        black_box(Context::decode(black_box(&self.workload.contexts[round])).is_ok());
    }

    pub(crate) fn rows(&self) -> Vec<Row<'_>> {
        let row = |name, about, count: usize, rounds: usize, one: fn(&Self, usize)| {
            let pass = Box::new(move || (0..rounds).for_each(|round| one(self, round)));
            let must_not_allocate = name != "open" && name != "copy" && name != "context";
            Row { name, about, must_not_allocate, measure: Measure { pass, count } }
        };
        let pairs = self.workload.pairs.len();
        let flags = self.typical.flag_count();
        vec![
            row("W1", "W1 one boolean without rules", PASS, PASS, Self::simple),
            row("W2", "W2 one typical flag of 1,000", pairs, pairs, Self::typical),
            row("W3", "W3 a segment of 10,000 keys", PASS, PASS, Self::segment),
            row("W4", "W4 all 1,000 flags, for each", flags * 10, 10, Self::all),
            row("open", "open 1,000 flags, their copy included", 1, 1, Self::open_typical),
            row("copy", "  that copy alone", 1, 1, Self::copy),
            row("context", "context of ten attributes", PASS, PASS, Self::prepare),
        ]
    }

    /// Runs one workload inside of `counted`; answers how many evaluations, openings or contexts that were.
    pub(crate) fn count(&self, name: &str) -> Result<usize, Box<dyn Error>> {
        let (one, rounds, each): (fn(&Self, usize), _, _) = match name {
            "simple" => (Self::simple, COUNTED, 1),
            "typical" => (Self::typical, COUNTED, 1),
            "segment" => (Self::segment, COUNTED, 1),
            "all" => (Self::all, 4, self.typical.flag_count()),
            "open" => (Self::open_typical, 4, 1),
            "context" => (Self::prepare, self.contexts.len(), 1),
            _ => return Err(format!("no workload is called {name}").into()),
        };
        // Texts of a flag are checked at its first evaluation; that is not counted.
        self.all(0);
        self.simple(0);
        self.segment(0);
        counted(self, rounds, one);
        Ok(rounds * each)
    }
}

/// What callgrind counts: it collects from the entry of this function to its end.
#[inline(never)]
fn counted<'w>(pennon: &Pennon<'w>, rounds: usize, one: fn(&Pennon<'w>, usize)) {
    (0..rounds).for_each(|round| one(pennon, round));
}
