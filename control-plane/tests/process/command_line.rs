//! The commands that work on files.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::server::folder;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/sample/config.json");

fn pennon(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pennon"));
    command.args(arguments).current_dir(folder).env_remove("PENNON_SECRET").output().unwrap()
}

#[track_caller]
fn done(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn import_compile_eval_show_and_verify() {
    let folder = folder("command-line");
    let import =
        ["import", "--from", "pennon", SAMPLE, "--out", "config.json", "--report", "report.json"];
    done(pennon(&folder, &import));
    let report = json(&std::fs::read_to_string(folder.join("report.json")).unwrap());
    let imported = ["banner-text", "button-colour", "new-checkout", "order-limit"];
    assert_eq!(report, json!({ "imported": imported, "refused": [], "notes": [] }));

    let seed = "07".repeat(32);
    std::fs::write(folder.join("root.key"), &seed).unwrap();
    let (environment, project) = ("0a".repeat(16), "0b".repeat(16));
    let mut compile =
        vec!["compile", "--config", "config.json", "--out-dir", "out", "--version", "7"];
    compile.extend([
        "--seed-file",
        "root.key",
        "--environment",
        &environment,
        "--project",
        &project,
    ]);
    done(pennon(&folder, &compile));

    let head = json(&done(pennon(&folder, &["snapshot", "show", "out/client.head"])));
    assert_eq!(head["head"]["environment"], environment);
    assert_eq!((&head["head"]["kind"], &head["head"]["version"]), (&json!("client"), &json!(7)));
    let body = json(&done(pennon(&folder, &["snapshot", "show", "out/client.body"])));
    assert_eq!(body["body"]["sha256"], head["head"]["bodySha256"]);
    assert_eq!(body["body"]["flagCount"], 3);
    assert_eq!(body["flags"]["banner-text"]["rules"], json!(["german-speaking", "testers"]));
    assert_eq!(
        body["flags"]["button-colour"]["variants"],
        json!({ "blue": "blue", "green": "green" })
    );

    let cases = [
        json!({ "id": "1", "flag": "banner-text", "context": { "targetingKey": "u", "country": "DE" }, "now": 0 }),
        json!({ "id": "2", "flag": "button-colour", "context": {}, "now": 0 }),
        json!({ "id": "3", "flag": "order-limit", "context": { "targetingKey": "u" }, "now": 0 }),
        json!({ "id": "4", "flag": "new-checkout", "context": { "targetingKey": "u" }, "now": 0 }),
    ];
    let lines: Vec<String> = cases.iter().map(Value::to_string).collect();
    std::fs::write(folder.join("cases.jsonl"), lines.join("\n")).unwrap();
    let expected = [
        json!({ "id": "1", "value": "Willkommen im Laden", "variant": "german", "reason": "TARGETING_MATCH" }),
        json!({ "id": "2", "reason": "ERROR", "errorCode": "TARGETING_KEY_MISSING" }),
        json!({ "id": "3", "value": 50, "variant": "usual", "reason": "STATIC" }),
        json!({ "id": "4", "value": false, "variant": "off", "reason": "DISABLED" }),
    ];
    for source in [["--config", "config.json"], ["--snapshot", "out/server.body"]] {
        let out = done(pennon(&folder, &["eval", source[0], source[1], "--cases", "cases.jsonl"]));
        assert_eq!(out.lines().map(json).collect::<Vec<_>>(), expected, "{source:?}");
    }
    std::fs::write(folder.join("cases.jsonl"), "{}\n").unwrap();
    let out = pennon(&folder, &["eval", "--config", "config.json", "--cases", "cases.jsonl"]);
    assert_eq!(out.status.code(), Some(2), "a line that is no case");
    assert_eq!(json(std::str::from_utf8(&out.stdout).unwrap())["errorCode"], "PARSE_ERROR");
    assert!(String::from_utf8_lossy(&out.stderr).contains("line 1"));

    // The seed is no key of any keyset, so a client that trusts its root refuses the head by name.
    let root = done(pennon(&folder, &["keys", "fingerprint", "--root-key-file", "root.key"]));
    assert_eq!(root.trim().len(), 43);
    let verify = ["snapshot", "verify", "--head", "out/client.head", "--body", "out/client.body"];
    let verify = [&verify[..], &["--keyset", "out/client.head", "--root", root.trim()]].concat();
    let refused = pennon(&folder, &verify);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("bad-keyset"), "{refused:?}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn mistakes_are_told_by_name() {
    let folder = folder("mistakes");
    let schema = json(&done(pennon(&folder, &["schema"])));
    assert!(schema["properties"]["flags"].is_object());

    std::fs::write(
        folder.join("bad.json"),
        r#"{"format":1,"flags":{"a":{"type":"boolean","enabled":"yes"}}}"#,
    )
    .unwrap();
    let refused = pennon(&folder, &["compile", "--config", "bad.json", "--out-dir", "out"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("flags.a.enabled"), "{refused:?}");

    std::fs::write(folder.join("pennon.toml"), "edge = [\"x\"]\ncolour = 1\nlog-level = \"a=b\"\n")
        .unwrap();
    let serve = ["serve", "--listen", "nowhere", "--database", "mysql://x"];
    let refused = pennon(&folder, &[&serve[..], &["--config-file", "pennon.toml"]].concat());
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    for named in ["--listen", "--database", "--edge", "colour", "--log-level"] {
        assert_eq!(told.matches(named).count(), 1, "{named}: {told}");
    }
    assert!(
        !folder.join("pennon-data").exists(),
        "nothing is made before the configuration is right"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn check_lists_findings_and_its_status_says_whether_they_matter() {
    let folder = folder("check");
    let check = |configuration: &Value, more: &[&str]| {
        std::fs::write(folder.join("config.json"), configuration.to_string()).unwrap();
        let output = pennon(&folder, &[&["check", "config.json"], more].concat());
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let sample = done(pennon(&folder, &["check", SAMPLE, "--deny-warnings"]));
    assert!(sample.ends_with("errors: 0, warnings: 0, notes: 1\n"), "{sample}");

    let rule = |id: &str, over: i64, variant: &str| json!({"id": id, "when": {"number": {"attribute": "age", "is": ">", "value": over}}, "serve": {"variant": variant}});
    let mut configuration = json!({"format": 1, "flags": {"f": {
        "type": "boolean", "enabled": true,
        "variants": [{"key": "on", "value": true}, {"key": "off", "value": false}],
        "targets": [{"variant": "off", "keys": ["u1"], "expires": 5_000}],
        "rules": [rule("adults", 18, "off"), rule("all", 0, "on"), rule("old", 65, "off")],
        "fallthrough": {"variant": "off"},
    }}});
    let (status, text) = check(&configuration, &["--now", "4999"]);
    assert_eq!(status, Some(0), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let expected = [
        "warning [rule-shadowed] /flags/f/rules/2: never decides: `adults` matches whatever it matches",
        "note [rules-overlap] /flags/f/rules/1: can match where `adults` does, which serves something else and decides",
        "    for example at 4999 with {\"age\":19}",
        "errors: 0, warnings: 1, notes: 1",
    ];
    assert_eq!(lines, expected);
    let (status, text) = check(&configuration, &["--deny-warnings", "--format", "json"]);
    let found = json(&text);
    assert_eq!(status, Some(1), "{text}");
    assert_eq!(found["warnings"], 2, "the target has expired too: {text}");
    assert_eq!(found["findings"][0]["code"], "target-expired", "{text}");

    configuration["flags"]["f"]["fallthrough"]["variant"] = "gone".into();
    let (status, text) = check(&configuration, &[]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.starts_with("error [unknown-variant] /flags/f/fallthrough/variant: "), "{text}");

    let (status, _) = check(&json!({"format": 1, "flags": [], "more": 1}), &[]);
    assert_eq!(status, Some(1));
}

/// Who is locked out gets back in with the database alone.
#[test]
fn people_are_made_and_let_in_again() {
    let folder = folder("people");
    assert!(!pennon(&folder, &["user", "create", "--email", "ada@example.com"]).status.success());
    std::fs::create_dir(folder.join("pennon-data")).unwrap();
    std::fs::write(folder.join("pennon-data/pennon.sqlite"), "").unwrap();
    done(pennon(&folder, &["migrate"]));
    let made = done(pennon(&folder, &["user", "create", "--email", "Ada@example.com", "--owner"]));
    let shown = |text: &str| text.trim_end().rsplit_once(": ").unwrap().1.to_owned();
    assert!(made.starts_with("ada@example.com can sign in\n"), "{made}");
    assert!(shown(&made).len() >= 24, "{made}");
    let again = pennon(&folder, &["user", "create", "--email", "ada@example.com"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("reset-password"), "{again:?}");
    let reset = done(pennon(&folder, &["user", "reset-password", "--email", "ada@example.com"]));
    assert_ne!(shown(&made), shown(&reset));
    let nobody = pennon(&folder, &["user", "reset-password", "--email", "eve@example.com"]);
    assert!(!nobody.status.success());
}
