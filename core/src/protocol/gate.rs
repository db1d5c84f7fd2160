//! Whom an edge lets ask: SDK keys, the origins of pages, and how often, as the edge body carries them (core/spec/snapshot.md section 5,
//! chunk *access*), so that callers are admitted with nothing behind the edge.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bytes::Reader;
use crate::limits::MAX_ORIGIN_BYTES;
use crate::snapshot::{Kind, Snapshot};

/// What an environment says of those who ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The origins whose pages may ask; empty: all of them.
    pub origins: Vec<String>,
    /// How often one key may be used, a public one at one address; none: as often as one likes.
    pub requests_per_minute: Option<u32>,
}

impl Terms {
    /// Whether a request with this `Origin` may ask. A program sends none, and may.
    pub fn allows(&self, origin: Option<&str>) -> bool {
        self.origins.is_empty()
            || origin.is_none_or(|origin| self.origins.iter().any(|each| each == origin))
    }
}

/// What an edge body says of those who ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    keys: BTreeMap<[u8; 32], Kind>,
    pub terms: Terms,
}

impl Gate {
    /// The kind of an SDK key that is admitted, by the key's SHA-256.
    pub fn admits(&self, sha256: &[u8; 32]) -> Option<Kind> {
        self.keys.get(sha256).copied()
    }

    fn read(mut chunk: Reader<'_>) -> Option<Self> {
        let mut gate = Self::default();
        for _ in 0..chunk.u16()? {
            let sha256 = chunk.array::<32>()?;
            // A kind that this program does not know is none that it could serve.
            if let Some(kind) = Kind::from_byte(chunk.u8()?) {
                gate.keys.insert(*sha256, kind);
            }
        }
        if chunk.is_empty() {
            return Some(gate);
        }
        for _ in 0..chunk.u16()? {
            let origin = core::str::from_utf8(chunk.short()?).ok()?;
            gate.terms.origins.push(origin.into());
        }
        gate.terms.requests_per_minute = Some(chunk.u32()?).filter(|many| *many > 0);
        Some(gate)
    }
}

impl Snapshot {
    /// Whom an edge body lets ask: nobody where it does not say, or not legibly.
    pub fn gate(&self) -> Gate {
        self.access().and_then(Gate::read).unwrap_or_default()
    }
}

/// Whether a text is an origin as browsers send it: scheme and host in lower case, a port that is not the scheme's own, nothing else.
pub fn is_origin(text: &str) -> bool {
    let (rest, own_port) = match text.split_once("://") {
        Some(("https", rest)) => (rest, "443"),
        Some(("http", rest)) => (rest, "80"),
        _ => return false,
    };
    // A colon within brackets belongs to an address of version 6.
    let behind = rest.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match rest.get(behind..).and_then(|tail| tail.find(':')) {
        Some(at) => (&rest[..behind + at], Some(&rest[behind + at + 1..])),
        None => (rest, None),
    };
    let is_port = |port: &str| {
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        digits && port != own_port && !port.starts_with('0') && port.parse::<u16>().is_ok()
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match bracketed {
        Some(address) => {
            address.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b':'))
        }
        None => {
            host.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-' | b'.' | b'_'))
        }
    };
    text.len() <= MAX_ORIGIN_BYTES && !host.is_empty() && is_host && port.is_none_or(is_port)
}

#[cfg(test)]
#[cfg(feature = "compile")]
mod tests {
    use super::*;
    use crate::config::{Access, Admission, Configuration, compile, compile_admitting};

    fn configuration() -> Configuration {
        serde_json::from_str(r#"{"format": 1, "flags": {}}"#).unwrap()
    }

    fn gate(bytes: Vec<u8>) -> Gate {
        Snapshot::open(bytes, Kind::Edge).unwrap().gate()
    }

    #[test]
    fn an_edge_body_says_whom_it_lets_ask() {
        let keys = [
            Access { sha256: [7; 32], kind: Kind::Client },
            Access { sha256: [6; 32], kind: Kind::Server },
        ];
        let origins = ["https://b.example".into(), "https://a.example".into()];
        let admission = Admission { keys: &keys, origins: &origins, requests_per_minute: Some(60) };
        let body = |kind| compile_admitting(&configuration(), kind, admission).unwrap();
        let found = gate(body(Kind::Edge));
        assert_eq!(found.admits(&[7; 32]), Some(Kind::Client));
        assert_eq!(found.admits(&[6; 32]), Some(Kind::Server));
        assert_eq!(found.admits(&[5; 32]), None);
        assert_eq!(found.terms.origins, ["https://a.example", "https://b.example"]);
        assert_eq!(found.terms.requests_per_minute, Some(60));
        for kind in [Kind::Server, Kind::Client] {
            assert_eq!(body(kind), compile(&configuration(), kind, &[]).unwrap(), "{kind:?}");
        }
        // What there was before origins and limits were carried is what there is without them.
        let old = compile(&configuration(), Kind::Edge, &keys).unwrap();
        let none = Admission { keys: &keys, ..Admission::default() };
        assert_eq!(compile_admitting(&configuration(), Kind::Edge, none).unwrap(), old);
        assert_eq!(gate(old).terms, Terms::default());
    }

    #[test]
    fn what_is_not_legible_lets_nobody_in() {
        let keys = [Access { sha256: [7; 32], kind: Kind::Client }];
        let origins = ["https://a.example".into()];
        let admission = Admission { keys: &keys, origins: &origins, requests_per_minute: None };
        let whole = compile_admitting(&configuration(), Kind::Edge, admission).unwrap();
        let snapshot = Snapshot::open(whole, Kind::Edge).unwrap();
        let chunk = snapshot.access().unwrap().rest();
        assert!(Gate::read(Reader::new(chunk)).is_some());
        // Behind the keys alone it is a chunk of before.
        let keys_alone = 2 + 33;
        for length in (0..chunk.len()).filter(|length| *length != keys_alone) {
            assert_eq!(Gate::read(Reader::new(&chunk[..length])), None, "{length}");
        }
    }

    #[test]
    fn too_much_is_not_compiled() {
        let refused = |origins: &[String]| {
            let admission = Admission { origins, ..Admission::default() };
            compile_admitting(&configuration(), Kind::Edge, admission)
                .err()
                .map(|e| alloc::format!("{e}"))
        };
        let many: Vec<String> = (0..=crate::limits::MAX_ORIGINS)
            .map(|at| alloc::format!("https://{at}.example"))
            .collect();
        assert_eq!(refused(&many[1..]), None);
        assert_eq!(refused(&many).unwrap(), "an environment names at most 100 origins");
        let long = ["x".repeat(MAX_ORIGIN_BYTES + 1)];
        assert_eq!(refused(&long).unwrap(), "an origin has at most 272 bytes");
    }

    #[test]
    fn terms_are_kept_to() {
        let open = Terms::default();
        assert!(open.allows(Some("https://anywhere.example")) && open.allows(None));
        let terms = Terms { origins: alloc::vec!["https://a.example".into()], ..open };
        assert!(terms.allows(Some("https://a.example")) && terms.allows(None));
        for other in ["https://b.example", "http://a.example", "https://a.example:8443", "null", ""]
        {
            assert!(!terms.allows(Some(other)), "{other}");
        }
    }

    #[test]
    fn origins_are_as_browsers_send_them() {
        for good in [
            "https://shop.example",
            "http://localhost:3000",
            "http://127.0.0.1:8602",
            "https://[2001:db8::1]",
            "https://[2001:db8::1]:8443",
            "https://xn--bcher-kva.example",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "shop.example",
            "https://",
            "https://*.example",
            "https://Shop.example",
            "https://shop.example/",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://shop.example:",
            "https://shop.example:0",
            "https://shop.example:080",
            "https://shop.example:65536",
            "https://shop.example:+1",
            "https://user@shop.example",
            "https://shop.example?a",
            "https://shöp.example",
            "ftp://shop.example",
            "https://[2001:db8::1",
            "https://2001:db8::1]",
            "https://shop.example, https://b.example",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
        let long = |letters: usize| alloc::format!("https://{}", "a".repeat(letters));
        assert!(is_origin(&long(MAX_ORIGIN_BYTES - 8)) && !is_origin(&long(MAX_ORIGIN_BYTES - 7)));
    }
}
