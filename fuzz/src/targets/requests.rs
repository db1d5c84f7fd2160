//! What callers send.

use pennon_core::protocol::access::{claimed_kind, key_sha256};
use pennon_core::protocol::connection::ConnectionString;
use pennon_core::protocol::ofrep::{self, Evaluation};
use pennon_core::protocol::push::Push;
use serde_json::Value;

use crate::ground::{GROUND, NOW};

pub(super) fn ofrep(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for (snapshot, client) in
        [(&GROUND.server, false), (&GROUND.server, true), (&GROUND.client, true)]
    {
        let evaluation = Evaluation { snapshot, head: &GROUND.head, client, now: NOW, known: None };
        for key in GROUND.configuration.flags.keys().map(String::as_str).chain([&*text]) {
            let response = ofrep::single(evaluation, key, bytes);
            assert!(matches!(response.status, 200 | 400 | 404), "{}", response.status);
            is_json(&response.body);
        }
        let response = ofrep::bulk(evaluation, bytes, None, None);
        assert!(matches!(response.status, 200 | 400), "{}", response.status);
        is_json(&response.body);
        let tag = response.headers.iter().find(|(name, _)| *name == "etag");
        if let Some((_, tag)) = tag {
            let again = ofrep::bulk(evaluation, bytes, Some(tag), None);
            assert_eq!((again.status, again.body.len()), (304, 0), "the same question again");
        }
        ofrep::bulk(evaluation, b"{}", Some(&text), None);
    }
}

fn is_json(body: &[u8]) {
    serde_json::from_slice::<Value>(body).expect("an answer in JSON");
}

pub(super) fn push(bytes: &[u8]) {
    if let Some(push) = Push::parse(bytes) {
        assert!(push.to_bytes() == bytes, "another push");
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(connection) = ConnectionString::parse(&text) {
        let again = ConnectionString::parse(&connection.reveal());
        assert!(again.is_ok_and(|again| again.reveal() == connection.reveal()), "{text}");
    }
    if claimed_kind(&text).is_some() {
        assert_ne!(key_sha256(&text), [0; 32]);
    }
}
