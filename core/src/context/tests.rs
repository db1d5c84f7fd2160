use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::*;

fn lookup<'c>(context: &'c Context, name: &str) -> Option<Attribute<'c>> {
    context.attribute(context.member(name_hash(name.as_bytes()), 0, name.as_bytes())?)
}

#[test]
fn reads_back_what_was_written() {
    let context = ContextBuilder::new()
        .targeting_key("user-1")
        .string("plan", "pro")
        .number("age", 42.0)
        .boolean("staff", true)
        .finish()
        .unwrap();
    assert_eq!(lookup(&context, TARGETING_KEY), Some(Attribute::String(b"user-1")));
    assert_eq!(lookup(&context, "plan"), Some(Attribute::String(b"pro")));
    assert_eq!(lookup(&context, "age"), Some(Attribute::Number(42.0)));
    assert_eq!(lookup(&context, "staff"), Some(Attribute::Boolean(true)));
    assert_eq!(lookup(&context, "absent"), None);
}

#[test]
fn finds_every_attribute_of_a_large_context_and_of_one_reused() {
    let mut builder = ContextBuilder::new();
    for n in 0..MAX_CONTEXT_ATTRIBUTES {
        builder = builder.number(&format!("attribute-{n}"), n as f64);
    }
    let mut context = builder.clone().finish().unwrap();
    for n in 0..MAX_CONTEXT_ATTRIBUTES {
        let name = format!("attribute-{n}");
        assert_eq!(lookup(&context, &name), Some(Attribute::Number(n as f64)), "{name}");
    }
    let one_more = builder.number("one-more", 0.0).finish();
    assert_eq!(one_more.err(), Some(ContextError::TooManyAttributes));

    let small = ContextBuilder::new().string("plan", "free").finish().unwrap();
    context.replace(small.encoded()).unwrap();
    assert_eq!(lookup(&context, "plan"), Some(Attribute::String(b"free")));
    assert_eq!(lookup(&context, "attribute-7"), None);
}

#[test]
fn refuses_what_is_no_context() {
    let twice = ContextBuilder::new().string("a", "1").string("a", "2").finish();
    assert_eq!(twice.err(), Some(ContextError::DuplicateName));
    let infinite = ContextBuilder::new().number("a", f64::INFINITY).finish();
    assert_eq!(infinite.err(), Some(ContextError::NotFinite));
    let long = ContextBuilder::new().string(&"n".repeat(70_000), "1").finish();
    assert_eq!(long.err(), Some(ContextError::TooLarge));
    for key in [
        ContextBuilder::new().boolean(TARGETING_KEY, true),
        ContextBuilder::new().number(TARGETING_KEY, 1.5),
    ] {
        assert_eq!(key.finish().err(), Some(ContextError::TargetingKeyType));
    }
    let unknown_tag = Context::decode(&[1, 0, b'a', 9]);
    assert_eq!(unknown_tag.err(), Some(ContextError::Malformed));
}

#[test]
fn refuses_text_that_is_not_utf8_wherever_it_stands() {
    let in_place = |place: &str, text: &[u8]| {
        let string = [&[tag::STRING][..], &(text.len() as u32).to_le_bytes(), text].concat();
        let named =
            |name: &[u8], value: &[u8]| [&(name.len() as u16).to_le_bytes(), name, value].concat();
        let within = |tag: u8, inside: &[u8]| {
            [&[tag][..], &(inside.len() as u32).to_le_bytes(), inside].concat()
        };
        match place {
            "name" => named(text, &[tag::NULL]),
            "value" => named(b"a", &string),
            "list" => named(b"a", &within(tag::LIST, &string)),
            "object" => named(b"a", &within(tag::OBJECT, &named(b"b", &string))),
            _ => named(b"a", &within(tag::OBJECT, &named(text, &[tag::NULL]))),
        }
    };
    for place in ["name", "value", "list", "object", "inner name"] {
        for length in 1..=20 {
            for at in 0..length {
                let mut text = vec![b'x'; length];
                text[at] = 0xFF;
                let refused = Context::decode(&in_place(place, &text)).err();
                assert_eq!(refused, Some(ContextError::NotUtf8), "{place}: {at} of {length}");
            }
            let umlauts = "ä".repeat(length);
            let read = Context::decode(&in_place(place, umlauts.as_bytes()));
            assert!(read.is_ok(), "{place}: {umlauts}");
        }
    }
}

#[test]
fn every_cut_of_an_encoding_is_refused_or_a_context() {
    let whole = ContextBuilder::new().string("plan", "pro").number("age", 1.0).finish().unwrap();
    let starts: Vec<usize> = (0..whole.encoded().len())
        .filter(|&length| Context::decode(&whole.encoded()[..length]).is_ok())
        .collect();
    assert_eq!(starts, [0, 2 + 4 + 1 + 4 + 3], "only whole attributes");
}

const NAMES: [&str; 3] = [TARGETING_KEY, "plan", "city"];

/// The encoding, and that of its values alone.
fn encoded(values: &[&[u8]; 3]) -> (Vec<u8>, Vec<u8>) {
    let named = NAMES.iter().zip(values).flat_map(|(name, value)| {
        [&(name.len() as u16).to_le_bytes()[..], name.as_bytes(), value].concat()
    });
    (named.collect(), values.concat())
}

fn string(text: &[u8]) -> Vec<u8> {
    [&[tag::STRING][..], &(text.len() as u32).to_le_bytes(), text].concat()
}

fn number(number: f64) -> Vec<u8> {
    [&[tag::NUMBER][..], &number.to_le_bytes()].concat()
}

#[test]
fn values_replaced_are_those_of_a_context_with_the_same_names() {
    let texts = [&b""[..], b"a", b"enterprise", &[b'x'; 300], "Köln".as_bytes()].map(string);
    let numbers = [0.0, -1.5, 1e300].map(number);
    let others = [vec![tag::NULL], vec![tag::FALSE], vec![tag::TRUE]];
    let values: Vec<&[u8]> =
        texts.iter().chain(&numbers).chain(&others).map(Vec::as_slice).collect();
    let mut context = Context::empty();
    for before in &values {
        for after in &values {
            let key = string(b"user-1");
            let (first, _) = encoded(&[&[tag::NULL], before, after]);
            let (second, alone) = encoded(&[&key, after, before]);
            context.replace(&first).unwrap();
            let expected = Context::decode(&second).unwrap();
            // Twice: the values before are not in front of those now.
            for _ in 0..2 {
                context.replace_values(&alone).unwrap();
                for name in NAMES {
                    assert_eq!(lookup(&context, name), lookup(&expected, name), "{name}");
                    let hashed = |context: &Context| {
                        let name = name.as_bytes();
                        let entry = context.member(name_hash(name), 0, name)?;
                        context.hashed_text(entry).map(|(hash, text)| (hash, text.to_vec()))
                    };
                    assert_eq!(hashed(&context), hashed(&expected), "{name}");
                }
            }
            assert_eq!(context.encoded(), first);
        }
    }
}

#[test]
fn refuses_values_that_are_not_those_of_the_names() {
    let (first, alone) = encoded(&[&string(b"user-1"), &string(b"pro"), &number(1.0)]);
    let cut = alone.len() - 1;
    let large = [&string(b"u")[..], &string(&[b'x'; MAX_CONTEXT_BYTES]), &[tag::NULL]].concat();
    let list = [&alone[..alone.len() - 9], &[tag::LIST, 0, 0, 0, 0]].concat();
    let object = [&alone[..alone.len() - 9], &[tag::OBJECT, 0, 0, 0, 0]].concat();
    let infinite = [&alone[..alone.len() - 9], &number(f64::INFINITY)].concat();
    let text = [&alone[..alone.len() - 9], &string(&[0xFF])].concat();
    let boolean = [&[tag::TRUE][..], &string(b"pro"), &number(1.0)].concat();
    for (what, values, error) in [
        ("none", &[][..], ContextError::Malformed),
        ("one less", &alone[..alone.len() - 9], ContextError::Malformed),
        ("one more", &[&alone[..], &[tag::NULL]].concat(), ContextError::Malformed),
        ("a cut one", &alone[..cut], ContextError::Malformed),
        ("a list", &list, ContextError::Malformed),
        ("an object", &object, ContextError::Malformed),
        ("an unknown tag", &[9, 0, 0], ContextError::Malformed),
        ("infinity", &infinite, ContextError::NotFinite),
        ("no UTF-8", &text, ContextError::NotUtf8),
        ("a targeting key of another type", &boolean, ContextError::TargetingKeyType),
        ("too much", &large, ContextError::TooLarge),
    ] {
        let mut context = Context::decode(&first).unwrap();
        assert_eq!(context.replace_values(values), Err(error), "{what}");
        assert!(NAMES.iter().all(|name| lookup(&context, name).is_none()), "{what}");
        assert!(context.encoded().is_empty(), "{what}");
        assert_eq!(context.replace_values(&alone), Err(ContextError::Malformed), "{what}");
        context.replace(&first).unwrap();
        context.replace_values(&alone).unwrap();
        assert_eq!(lookup(&context, "plan"), Some(Attribute::String(b"pro")), "{what}");
    }
    let inner = [&[1, 0, b'b'][..], &[tag::NULL]].concat();
    let within = [&[1, 0, b'a', tag::OBJECT][..], &(inner.len() as u32).to_le_bytes(), &inner];
    let mut nested = Context::decode(&within.concat()).unwrap();
    assert_eq!(nested.replace_values(&[tag::NULL, tag::NULL]), Err(ContextError::Malformed));
}

#[cfg(feature = "compile")]
mod from_json {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_objects_are_found_under_their_parent_only() {
        let context = Context::from_json(
            &json!({"org": {"tier": 2, "key": "acme"}, "key": "top", "list": [1, "a", {"tier": 3}]}),
        )
        .unwrap();
        let org = context.member(name_hash(b"org"), 0, b"org").unwrap();
        let tier = context.member(name_hash(b"tier"), org.value(), b"tier").unwrap();
        assert_eq!(context.attribute(tier), Some(Attribute::Number(2.0)));
        assert_eq!(lookup(&context, "tier"), None);
        assert_eq!(lookup(&context, "key"), Some(Attribute::String(b"top")));
        assert!(matches!(lookup(&context, "list"), Some(Attribute::List(_))));
    }

    #[test]
    fn null_counts_as_missing() {
        let context = Context::from_json(&json!({"targetingKey": null, "plan": null})).unwrap();
        assert_eq!(lookup(&context, "plan"), None);
    }

    #[test]
    fn refuses_wrong_shapes() {
        for (value, expected) in [
            (json!([]), ContextError::NotAnObject),
            (json!({"targetingKey": {}}), ContextError::TargetingKeyType),
            (json!({"targetingKey": 1.5}), ContextError::TargetingKeyType),
            (json!({"a": [[[[[[[[[1]]]]]]]]]}), ContextError::TooDeep),
        ] {
            assert_eq!(Context::from_json(&value).err(), Some(expected), "{value}");
        }
    }

    #[test]
    fn an_integer_beyond_all_integer_types_is_one() {
        let context = Context::from_json(&json!({"targetingKey": 1e300})).unwrap();
        assert_eq!(lookup(&context, TARGETING_KEY), Some(Attribute::Number(1e300)));
    }
}
