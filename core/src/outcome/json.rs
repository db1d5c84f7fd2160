//! Outcomes as JSON: one form on the command line, in vectors and in the HTTP interfaces.

use alloc::string::ToString;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json};

use super::{Outcome, Value};

impl Outcome<'_> {
    /// `{value?, variant?, reason, errorCode?, rule?, until?, metadata?}`; no value where the caller's default applies.
    pub fn to_json(&self) -> Map<alloc::string::String, Json> {
        let mut fields = Map::new();
        let mut put = |name: &str, field: Option<Json>| {
            if let Some(field) = field {
                fields.insert(name.to_string(), field);
            }
        };
        put("value", self.value().map(Value::to_json));
        put("variant", self.variant().map(Json::from));
        put("reason", Some(self.reason.as_str().into()));
        put("errorCode", self.error.map(|code| code.as_str().into()));
        put("rule", self.rule().map(Json::from));
        put("until", self.until.map(Json::from));
        let metadata = crate::context::to_json(self.metadata());
        put("metadata", metadata.filter(|metadata| !metadata.is_empty()).map(Json::Object));
        fields
    }
}

impl Value<'_> {
    /// Whole numbers stand without a fraction.
    pub fn to_json(self) -> Json {
        match self {
            Self::Boolean(value) => value.into(),
            Self::Number(number) => {
                whole(number).map_or_else(|| number.into(), |integer| integer.into())
            }
            Self::String(text) => text.into(),
            // A body that this crate compiled holds JSON here; a damaged one is told by null.
            Self::Json(text) => serde_json::from_str(text).unwrap_or(Json::Null),
        }
    }
}

/// As [`Value::to_json`], without the value in between where it is no JSON itself.
impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Number(number) => match whole(*number) {
                Some(integer) => serializer.serialize_i64(integer),
                None => serializer.serialize_f64(*number),
            },
            Self::String(text) => serializer.serialize_str(text),
            Self::Json(_) => self.to_json().serialize(serializer),
        }
    }
}

/// The integer that a number is exactly.
fn whole(number: f64) -> Option<i64> {
    let integer = number as i64;
    (integer as f64 == number && integer.unsigned_abs() <= 1 << 53).then_some(integer)
}
