//! The values that a feature can have, and their names.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::{Object, bucket, rule, rules};
use crate::config::{ValueType, Variant};

/// In the order of the file.
pub(super) struct Values {
    pub(super) list: Vec<Variant>,
}

impl Values {
    pub(super) fn of(feature: &Object) -> Result<Self, String> {
        let mut values = Self { list: Vec::new() };
        if let Some(value) = feature.get("defaultValue") {
            values.key(value);
        }
        for rule in rules(feature)? {
            let force = rule.get("force").into_iter();
            let variations = rule::variations(rule).and_then(Value::as_array);
            for value in force.chain(variations.into_iter().flatten()) {
                values.key(value);
            }
        }
        Ok(values)
    }

    /// The name of the value, which is added when it is new.
    pub(super) fn key(&mut self, value: &Value) -> String {
        if let Some(variant) = self.list.iter().find(|variant| variant.value == *value) {
            return variant.key.clone();
        }
        let name = bucket::short_name(value);
        let mut key = name.clone();
        let mut number = 1;
        while self.list.iter().any(|variant| variant.key == key) {
            number += 1;
            key = format!("{name}-{number}");
        }
        self.list.push(Variant {
            key: key.clone(),
            value: value.clone(),
            description: String::new(),
        });
        key
    }

    /// Null stands for the caller's default.
    pub(super) fn null(&mut self) -> String {
        self.key(&Value::Null)
    }

    /// What stands where nothing is served.
    pub(super) fn null_or_first(&mut self) -> String {
        match self.list.first() {
            Some(variant) => variant.key.clone(),
            None => self.null(),
        }
    }

    pub(super) fn value_type(&self) -> ValueType {
        let all = |is: fn(&Value) -> bool| self.list.iter().all(|variant| is(&variant.value));
        if all(Value::is_boolean) {
            ValueType::Boolean
        } else if all(Value::is_string) {
            ValueType::String
        } else if all(Value::is_number) {
            ValueType::Number
        } else {
            ValueType::Json
        }
    }
}
