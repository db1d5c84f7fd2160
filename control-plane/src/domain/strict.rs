//! Reads JSON values as the types of requests, and takes an object for an object alone. Serde's derived types take a list for a struct, too,
//! field by field in their order: nobody means that, and no document of this API says it.

use serde::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

/// A value that is read so, and everything within it.
#[derive(Debug)]
pub struct Strict(pub Value);

/// What an error calls the value.
fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(truth) => Unexpected::Bool(*truth),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Unexpected::Unsigned(number),
            (None, Some(number)) => Unexpected::Signed(number),
            (None, None) => Unexpected::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}

impl<'de> IntoDeserializer<'de, Error> for Strict {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Strict {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(truth),
            Value::Number(number) => number.deserialize_any(visitor),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(list) => {
                let mut items: SeqDeserializer<_, Error> =
                    SeqDeserializer::new(list.into_iter().map(Self));
                let read = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(read)
            }
            Value::Object(map) => {
                let mut fields: MapDeserializer<'_, _, Error> =
                    MapDeserializer::new(map.into_iter().map(|(name, value)| (name, Self(value))));
                let read = visitor.visit_map(&mut fields)?;
                fields.end()?;
                Ok(read)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(_) => self.deserialize_any(visitor),
            other => Err(Error::invalid_type(unexpected(&other), &"an object")),
        }
    }

    /// A map that is read from null would be an empty one.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(variant) => visitor.visit_enum(variant.into_deserializer()),
            Value::Object(map) if map.len() == 1 => match map.into_iter().next() {
                Some((name, value)) => visitor.visit_enum(Chosen { name, value }),
                None => Err(Error::custom("an object without a field")),
            },
            Value::Object(_) => {
                Err(Error::invalid_value(Unexpected::Map, &"an object with a single field"))
            }
            other => Err(Error::invalid_type(
                unexpected(&other),
                &"a text, or an object with a single field",
            )),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        identifier ignored_any
    }
}

/// One of several alternatives, and what it holds.
struct Chosen {
    name: String,
    value: Value,
}

impl<'de> EnumAccess<'de> for Chosen {
    type Error = Error;
    type Variant = Held;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Held), Error> {
        let name: StringDeserializer<Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Held(self.value)))
    }
}

struct Held(Value);

impl<'de> VariantAccess<'de> for Held {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            Value::Null => Ok(()),
            other => Err(Error::invalid_type(unexpected(&other), &"nothing")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(Strict(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        Strict(self.0).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        Strict(self.0).deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        key: String,
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Choice {
        Plain,
        One(Inner),
        Several { key: Option<i64> },
    }

    fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
        T::deserialize(Strict(value)).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_what_serde_json_reads() {
        let values = [
            json!({ "key": "a", "list": [{ "key": "b" }] }),
            json!("plain"),
            json!({ "one": { "key": "a" } }),
            json!({ "several": { "key": 1 } }),
            json!({ "several": {} }),
            json!([1, -1, 1.5, true, null, "a", {}]),
        ];
        for value in values {
            assert_eq!(
                read::<Inner>(value.clone()).ok(),
                serde_json::from_value::<Inner>(value.clone()).ok()
            );
            assert_eq!(
                read::<Choice>(value.clone()).ok(),
                serde_json::from_value::<Choice>(value.clone()).ok()
            );
            assert_eq!(read::<Value>(value.clone()), Ok(value));
        }
        assert_eq!(read::<Option<u8>>(Value::Null), Ok(None));
        assert_eq!(read::<Option<u8>>(json!(7)), Ok(Some(7)));
        assert_eq!(read::<(String, u8)>(json!(["a", 7])), Ok(("a".to_owned(), 7)));
    }

    #[test]
    fn a_list_is_no_object() {
        // What serde takes otherwise.
        assert!(serde_json::from_value::<Inner>(json!(["a", []])).is_ok());
        for value in [json!(["a", []]), json!([]), json!({ "key": "a", "list": [["b", []]] })] {
            let refused = read::<Inner>(value.clone()).unwrap_err();
            assert!(refused.contains("expected an object"), "{value}: {refused}");
        }
        for value in [json!({ "one": ["a", []] }), json!({ "several": [1] }), json!(["plain"])] {
            assert!(read::<Choice>(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn null_is_no_empty_map() {
        type Patch = serde_json::Map<String, Value>;
        assert_eq!(read::<Patch>(json!({})), Ok(Patch::new()));
        for value in [json!(null), json!([]), json!("a")] {
            let refused = read::<Patch>(value.clone()).unwrap_err();
            assert!(refused.contains("expected an object"), "{value}: {refused}");
        }
    }

    #[test]
    fn a_wrong_choice_is_refused() {
        for value in [
            json!(null),
            json!(7),
            json!("other"),
            json!("one"),
            json!({}),
            json!({ "one": { "key": "a" }, "several": {} }),
            json!({ "other": 1 }),
        ] {
            assert!(read::<Choice>(value.clone()).is_err(), "{value}");
        }
    }
}
