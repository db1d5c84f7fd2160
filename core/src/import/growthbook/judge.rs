//! Conditions on a value that is known while importing: asked of our own evaluator, so that there is one meaning only.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use crate::config::{
    Condition, Configuration, FORMAT, Flag, Rule, Serve, ValueType, Variant, compile,
};
use crate::context::Context;
use crate::snapshot::{Kind, Snapshot};

/// The attribute that holds the value.
pub(super) const VALUE: &str = "value";

/// One condition on the attribute `value`.
pub(super) struct Judge(Snapshot);

impl Judge {
    /// # Errors
    /// Why the condition does not compile.
    pub(super) fn new(when: Condition) -> Result<Self, String> {
        let variant = |key: &str, value: bool| Variant {
            key: key.into(),
            value: value.into(),
            description: String::new(),
        };
        let rule = Rule {
            id: "rule".into(),
            name: String::new(),
            from: None,
            to: None,
            layer: None,
            when,
            serve: Serve::Variant("on".into()),
        };
        let flag = Flag {
            flag_type: ValueType::Boolean,
            description: String::new(),
            client_visible: false,
            enabled: true,
            variants: Vec::from([variant("on", true), variant("off", false)]),
            off_variant: None,
            prerequisites: Vec::new(),
            targets: Vec::new(),
            holdout: None,
            rules: Vec::from([rule]),
            fallthrough: Serve::Variant("off".into()),
            metadata: BTreeMap::new(),
        };
        let configuration = Configuration {
            schema: None,
            format: FORMAT,
            attributes: BTreeMap::new(),
            segments: BTreeMap::new(),
            layers: BTreeMap::new(),
            holdouts: BTreeMap::new(),
            flags: BTreeMap::from([("flag".to_string(), flag)]),
        };
        let body =
            compile(&configuration, Kind::Server, &[]).map_err(|error| format!("{error}"))?;
        Snapshot::open(body, Kind::Server).map(Self).map_err(|refusal| format!("{refusal}"))
    }

    /// # Errors
    /// When no context can hold the value, or its text decides and is not known.
    pub(super) fn holds(&self, value: &Value) -> Result<bool, String> {
        let context =
            Context::from_json(&json!({ VALUE: value })).map_err(|error| format!("{error}"))?;
        let outcome = self.0.evaluate("flag", &context, 0);
        if outcome.error.is_some() {
            return Err(format!("whether `{value}` meets the condition is not known here"));
        }
        Ok(outcome.variant() == Some("on"))
    }
}
