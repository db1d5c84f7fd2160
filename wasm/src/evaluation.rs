//! Evaluating, and reading names and values out of the snapshot.

use pennon_core::context::Context;
use pennon_core::outcome::{ErrorCode, Outcome, Value};
use pennon_core::snapshot::{FlagRef, Snapshot};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::pack::{instant, milliseconds, pack};
use crate::{Evaluator, Exchange};

/// Contexts that are held ready at once. npm/src/flags.ts keeps large ones out of all places but two, and so the memory in bounds.
const MAX_CONTEXTS: usize = 1024;

#[wasm_bindgen]
impl Evaluator {
    /// Takes the context in the exchange, in the encoding of core/spec/snapshot.md, to a place of its own, of which there are
    /// `MAX_CONTEXTS`. `named`: with its names, or else the values alone of one that has those of the context there
    /// (`Context::replace_values`). Answers 0, or 1 + the position of the `ContextError`; after an error the context is empty.
    pub fn set_context(&mut self, exchange: &Exchange, place: usize, named: bool) -> u32 {
        if self.contexts.len() <= place && place < MAX_CONTEXTS {
            self.contexts.resize_with(place + 1, Context::empty);
        }
        let Some(context) = self.contexts.get_mut(place) else { return u32::MAX };
        let bytes = exchange.bytes();
        match if named { context.replace(bytes) } else { context.replace_values(bytes) } {
            Ok(()) => 0,
            Err(error) => error as u32 + 1,
        }
    }

    /// Evaluates the flag at `position` for the context at `place` at `now` (Unix milliseconds); `pack.rs` says how the outcome is packed.
    pub fn evaluate(&mut self, position: usize, place: usize, now: f64) -> u32 {
        let outcome = match self.evaluated(place) {
            Ok((snapshot, context)) => snapshot.evaluate_at(position, context, instant(now)),
            Err(code) => Outcome::error(code),
        };
        let (packed, until) = (pack(&outcome), outcome.until);
        self.until = until;
        packed
    }

    /// Puts the packed outcomes of all flags, in the order of their positions, each as four bytes, little-endian. When they end, only
    /// `evaluate` tells.
    pub fn evaluate_all(&self, exchange: &mut Exchange, place: usize, now: f64) {
        let answers = exchange.room(4 * self.flag_count());
        let evaluated = self.evaluated(place);
        for (position, answer) in answers.chunks_exact_mut(4).enumerate() {
            let outcome = match evaluated {
                Ok((snapshot, context)) => snapshot.evaluate_at(position, context, instant(now)),
                Err(code) => Outcome::error(code),
            };
            answer.copy_from_slice(&pack(&outcome).to_le_bytes());
        }
    }

    /// When the outcome of the last evaluation may change by time alone, in Unix milliseconds.
    pub fn until(&self) -> f64 {
        self.until.map_or(f64::INFINITY, milliseconds)
    }

    pub fn flag_count(&self) -> usize {
        self.snapshot().map_or(0, Snapshot::flag_count)
    }

    /// The position of the flag whose key lies in the exchange, for as long as this snapshot is held; -1 when there is no such flag.
    pub fn find(&self, exchange: &Exchange) -> i32 {
        self.snapshot()
            .and_then(|snapshot| snapshot.find(exchange.text()?))
            .and_then(|position| i32::try_from(position).ok())
            .unwrap_or(-1)
    }

    /// Puts the flag's key; nothing when the flag is too damaged to name itself.
    pub fn flag_key(&self, exchange: &mut Exchange, position: usize) {
        exchange.put(self.flag(position).map_or("", |flag| flag.key()).as_bytes());
    }

    /// The position in `FlagType::ALL`; -1 for a damaged flag or a type this evaluator does not know.
    pub fn flag_type(&self, position: usize) -> i32 {
        self.flag(position).and_then(|flag| flag.flag_type()).map_or(-1, |kind| kind as i32)
    }

    /// Whether client SDKs may see the flag.
    pub fn flag_is_client_visible(&self, position: usize) -> bool {
        self.flag(position).is_some_and(|flag| flag.client_visible())
    }

    /// Puts the name of a variant.
    pub fn variant_name(&self, exchange: &mut Exchange, position: usize, variant: u8) {
        let named = self.flag(position).and_then(|flag| flag.variant(variant));
        exchange.put(named.map_or("", |(name, _)| name).as_bytes());
    }

    /// The value of a boolean's variant as 0 or 1, and of a number's; NaN for other types.
    pub fn variant_number(&self, position: usize, variant: u8) -> f64 {
        match self.value(position, variant) {
            Some(Value::Boolean(value)) => f64::from(u8::from(value)),
            Some(Value::Number(value)) => value,
            _ => f64::NAN,
        }
    }

    /// Puts the value of a string's variant, and of a json's as JSON text. Whether there is one: not for other types.
    pub fn variant_text(&self, exchange: &mut Exchange, position: usize, variant: u8) -> bool {
        match self.value(position, variant) {
            Some(Value::String(text) | Value::Json(text)) => {
                exchange.put(text.as_bytes());
                true
            }
            _ => false,
        }
    }

    /// Puts the stable id of a rule.
    pub fn rule_id(&self, exchange: &mut Exchange, position: usize, rule: u16) {
        let id = self.flag(position).and_then(|flag| flag.rule_id(rule));
        exchange.put(id.unwrap_or_default().as_bytes());
    }

    /// Puts the flag's metadata: attributes in the encoding of core/spec/snapshot.md section 6.
    pub fn flag_metadata(&self, exchange: &mut Exchange, position: usize) {
        exchange.put(self.flag(position).map_or(&[], |flag| flag.metadata()));
    }

    /// Puts what leads to the outcome of the flag whose key lies in the exchange, as for `evaluate`, step by step: the JSON of
    /// core/spec/evaluation.md section 8.
    pub fn explain(&self, exchange: &mut Exchange, place: usize, now: f64) {
        let explained = self.snapshot().and_then(|snapshot| {
            let context = self.contexts.get(place)?;
            Some(snapshot.explain(exchange.text()?, context, instant(now)).1)
        });
        exchange.put(explained.unwrap_or_default().as_bytes());
    }
}

impl Evaluator {
    fn snapshot(&self) -> Option<&Snapshot> {
        #[cfg(feature = "draft")]
        if let Some(draft) = &self.draft {
            return Some(draft);
        }
        self.held.as_ref().map(|held| &held.snapshot)
    }

    /// What is evaluated, for whom; or what every outcome is otherwise.
    fn evaluated(&self, place: usize) -> Result<(&Snapshot, &Context), ErrorCode> {
        let snapshot = self.snapshot().ok_or(ErrorCode::ProviderNotReady)?;
        Ok((snapshot, self.contexts.get(place).ok_or(ErrorCode::InvalidContext)?))
    }

    fn flag(&self, position: usize) -> Option<FlagRef<'_>> {
        self.snapshot()?.flag_at(position)
    }

    fn value(&self, position: usize, variant: u8) -> Option<Value<'_>> {
        self.flag(position)?.variant(variant).map(|(_, value)| value)
    }
}
