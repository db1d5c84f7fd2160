//! What must not reach a client: unique texts in every place, looked for in the bytes of each kind.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Value, json};

use crate::config::{Access, Configuration, compile};
use crate::snapshot::Kind;

const SALT: &str = "000102030405060708090a0b0c0d0e0f";

fn text(place: &str) -> String {
    format!("canary:{place};")
}

/// A flag whose texts are named after it.
fn flag(name: &str, more: &Value) -> Value {
    let text = |part: &str| text(&format!("{name} {part}"));
    let variant = |part: &str| json!({"key": text(part), "value": text(&format!("{part} value")), "description": text(&format!("{part} description"))});
    let variants = ["served", "off", "unserved"].map(variant);
    let mut flag = json!({
        "type": "string",
        "description": text("description"),
        "enabled": true,
        "variants": variants,
        "offVariant": text("off"),
        "targets": [{"variant": text("served"), "keys": [text("target")]}],
        "rules": [{
            "id": text("rule"),
            "name": text("rule name"),
            "when": {"any": [
                {"equals": {"attribute": text("attribute"), "value": text("operand")}},
                {"segment": text("segment")},
            ]},
            "serve": {"variant": text("served")},
        }],
        "fallthrough": {"split": {"by": {"salt": SALT}, "weights": [
            {"variant": text("served"), "weight": 100_000}, {"variant": text("unserved"), "weight": 0},
        ]}},
        "metadata": {text("metadata"): text("metadata value")},
    });
    for (name, part) in more.as_object().unwrap() {
        flag[name] = part.clone();
    }
    flag
}

fn segment(name: &str) -> Value {
    // So many that they lie on pages of their own.
    let mut included: Vec<String> = (0..6_000).map(|number| format!("somebody-{number}")).collect();
    included.push(text(&format!("{name} segment included")));
    json!({
        "description": text(&format!("{name} segment description")),
        "included": included,
        "excluded": [text(&format!("{name} segment excluded"))],
        "when": {"equals": {"attribute": text(&format!("{name} segment attribute")), "value": text(&format!("{name} segment operand"))}},
    })
}

fn configuration() -> Configuration {
    let visible = json!({"clientVisible": true, "prerequisites": [{"flag": text("needed key"), "variants": [text("needed served")]}]});
    let mut configuration = json!({
        "$schema": text("schema"),
        "format": 1,
        "attributes": {
            text("visible attribute"): {"type": "string", "description": text("attribute description")},
            text("hidden attribute"): {"type": "string", "private": true, "description": text("private description")},
            text("declared attribute"): {"type": "string", "private": true},
        },
        "segments": {text("unused segment"): segment("unused")},
        "layers": {text("unused layer"): {"by": {"salt": SALT}}},
        "holdouts": {text("unused holdout"): {"by": {"salt": SALT}, "weight": 1}},
        "flags": {
            text("visible key"): flag("visible", &visible),
            text("hidden key"): flag("hidden", &json!({})),
            text("needed key"): flag("needed", &json!({})),
            text("disabled key"): flag("disabled", &json!({"clientVisible": true, "enabled": false})),
        },
    });
    for name in ["visible", "hidden", "needed", "disabled"] {
        configuration["segments"][text(&format!("{name} segment"))] = segment(name);
    }
    serde_json::from_value(configuration).unwrap()
}

/// Each place, whether servers get it, and whether clients do.
fn places() -> Vec<(String, bool, bool)> {
    let mut places = Vec::new();
    // Of a flag for clients; of one that is not; of one that the first depends on, whose questions travel and whose words do not; and of
    // one for clients that is off, of which its off variant is served.
    for (part, server, clients) in [
        ("key", true, [true, false, false, true]),
        ("description", false, [false; 4]),
        ("served", true, [true, false, false, false]),
        ("served value", true, [true, false, false, false]),
        ("served description", false, [false; 4]),
        ("off", true, [true, false, false, true]),
        ("off value", true, [true, false, false, true]),
        ("off description", false, [false; 4]),
        ("unserved", true, [false; 4]),
        ("unserved value", true, [false; 4]),
        ("unserved description", false, [false; 4]),
        ("target", true, [true, false, true, false]),
        ("rule", true, [true, false, false, false]),
        ("rule name", false, [false; 4]),
        ("attribute", true, [true, false, true, false]),
        ("operand", true, [true, false, true, false]),
        ("metadata", true, [true, false, false, true]),
        ("metadata value", true, [true, false, false, true]),
        ("segment", true, [true, false, true, false]),
        ("segment description", false, [false; 4]),
        ("segment included", true, [true, false, true, false]),
        ("segment excluded", true, [true, false, true, false]),
        ("segment attribute", true, [true, false, true, false]),
        ("segment operand", true, [true, false, true, false]),
    ] {
        for (name, client) in ["visible", "hidden", "needed", "disabled"].into_iter().zip(clients) {
            places.push((format!("{name} {part}"), server, client));
        }
    }
    for (place, server) in [
        ("schema", false),
        ("attribute description", false),
        ("private description", false),
        ("declared attribute", false),
        ("unused segment", true),
        ("unused segment included", true),
        ("unused segment excluded", true),
        ("unused segment attribute", true),
        ("unused segment operand", true),
        ("unused segment description", false),
        ("unused layer", false),
        ("unused holdout", false),
    ] {
        places.push((place.into(), server, false));
    }
    places
}

#[test]
fn nothing_reaches_a_client_that_it_does_not_need() {
    let configuration = configuration();
    let sha256 = [0xA5; 32];
    let access = [Access { sha256, kind: Kind::Client }];
    let written = alloc::string::ToString::to_string(&json!(configuration));
    let body = |kind| compile(&configuration, kind, &access).unwrap();
    let bodies = [body(Kind::Server), body(Kind::Edge), body(Kind::Client)];
    let holds = |body: &[u8], bytes: &[u8]| body.windows(bytes.len()).any(|part| part == bytes);
    let mut wrong = Vec::new();
    let mut kept = [0, 0];
    for (place, server, client) in places() {
        let bytes = text(&place).into_bytes();
        assert!(holds(written.as_bytes(), &bytes), "`{place}` is not in the configuration");
        let found = bodies.each_ref().map(|body| holds(body, &bytes));
        if found != [server, server, client] {
            wrong.push(format!("{place}: server, edge, client {found:?}"));
        }
        kept[usize::from(client)] += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(kept[0] > 60 && kept[1] > 20, "{kept:?}");
    // Who may fetch is for edges alone.
    assert_eq!(bodies.each_ref().map(|body| holds(body, &sha256)), [false, true, false]);
    // Every canary in the configuration is asked about.
    let planted = written.matches("canary:").count();
    let distinct: alloc::collections::BTreeSet<&str> =
        written.split("canary:").skip(1).filter_map(|rest| rest.split(';').next()).collect();
    let asked: Vec<String> = places().into_iter().map(|(place, ..)| place).collect();
    let forgotten: Vec<&&str> =
        distinct.iter().filter(|place| !asked.iter().any(|asked| asked == *place)).collect();
    assert!(planted > 100 && forgotten.is_empty(), "{forgotten:?}");
}
