//! Evaluating, and reading names and values out of the snapshot.

use pennon_core::context::Context;
use pennon_core::outcome::Value;
use pennon_core::snapshot::{FlagRef, Snapshot};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Evaluator;
use crate::pack::{instant, milliseconds, pack};

#[wasm_bindgen]
impl Evaluator {
    /// Takes a context in the encoding of core/spec/snapshot.md. Answers 0, or 1 + the position of the `ContextError`; after an error the
    /// context is empty.
    pub fn set_context(&mut self, encoded: &[u8]) -> u32 {
        match self.context.replace(encoded) {
            Ok(()) => 0,
            Err(error) => {
                self.context = Context::empty();
                error as u32 + 1
            }
        }
    }

    /// Evaluates the flag at `position` at `now` (Unix milliseconds); `pack.rs` says how the outcome is packed.
    pub fn evaluate(&mut self, position: usize, now: f64) -> u32 {
        let Some(snapshot) = self.snapshot() else { return 0 };
        let outcome = snapshot.evaluate_at(position, &self.context, instant(now));
        let (packed, until) = (pack(&outcome), outcome.until);
        self.until = until;
        packed
    }

    /// When the outcome of the last evaluation may change by time alone, in Unix milliseconds.
    pub fn until(&self) -> f64 {
        self.until.map_or(f64::INFINITY, milliseconds)
    }

    pub fn flag_count(&self) -> usize {
        self.snapshot().map_or(0, Snapshot::flag_count)
    }

    /// The position of a flag, for as long as this snapshot is held; -1 when there is no such flag.
    pub fn find(&self, key: &str) -> i32 {
        self.snapshot()
            .and_then(|snapshot| snapshot.find(key))
            .and_then(|position| i32::try_from(position).ok())
            .unwrap_or(-1)
    }

    /// Empty when the flag is too damaged to name itself.
    pub fn flag_key(&self, position: usize) -> String {
        self.flag(position).map(|flag| flag.key().into()).unwrap_or_default()
    }

    /// The position in `FlagType::ALL`; -1 for a damaged flag or a type this evaluator does not know.
    pub fn flag_type(&self, position: usize) -> i32 {
        self.flag(position).and_then(|flag| flag.flag_type()).map_or(-1, |kind| kind as i32)
    }

    /// Whether client SDKs may see the flag.
    pub fn flag_is_client_visible(&self, position: usize) -> bool {
        self.flag(position).is_some_and(|flag| flag.client_visible())
    }

    pub fn variant_name(&self, position: usize, variant: u8) -> String {
        self.flag(position)
            .and_then(|flag| flag.variant(variant))
            .map(|(name, _)| name.into())
            .unwrap_or_default()
    }

    /// The value of a boolean's variant as 0 or 1, and of a number's; NaN for other types.
    pub fn variant_number(&self, position: usize, variant: u8) -> f64 {
        match self.value(position, variant) {
            Some(Value::Boolean(value)) => f64::from(u8::from(value)),
            Some(Value::Number(value)) => value,
            _ => f64::NAN,
        }
    }

    /// The value of a string's variant, and of a json's as JSON text; nothing for other types.
    pub fn variant_text(&self, position: usize, variant: u8) -> Option<String> {
        match self.value(position, variant)? {
            Value::String(text) | Value::Json(text) => Some(text.into()),
            Value::Boolean(_) | Value::Number(_) => None,
        }
    }

    pub fn rule_id(&self, position: usize, rule: u16) -> String {
        self.flag(position).and_then(|flag| flag.rule_id(rule)).map(Into::into).unwrap_or_default()
    }

    /// The flag's metadata: attributes in the encoding of core/spec/snapshot.md section 6.
    pub fn flag_metadata(&self, position: usize) -> Vec<u8> {
        self.flag(position).map(|flag| flag.metadata().to_vec()).unwrap_or_default()
    }

    /// What leads to the flag's outcome at `now` (Unix milliseconds), step by step: the JSON of core/spec/evaluation.md section 8.
    pub fn explain(&self, key: &str, now: f64) -> String {
        self.snapshot()
            .map(|snapshot| snapshot.explain(key, &self.context, instant(now)).1)
            .unwrap_or_default()
    }

    fn snapshot(&self) -> Option<&Snapshot> {
        #[cfg(feature = "draft")]
        if let Some(draft) = &self.draft {
            return Some(draft);
        }
        self.held.as_ref().map(|held| &held.snapshot)
    }

    fn flag(&self, position: usize) -> Option<FlagRef<'_>> {
        self.snapshot()?.flag_at(position)
    }

    fn value(&self, position: usize, variant: u8) -> Option<Value<'_>> {
        self.flag(position)?.variant(variant).map(|(_, value)| value)
    }
}
