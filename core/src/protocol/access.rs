//! SDK keys: three kinds, known by their prefix, stored and compared only as SHA-256 (core/spec/protocol.md section 2).

use alloc::format;
use alloc::string::String;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::snapshot::{Kind, sha256};

/// Why a caller is not served. The codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No SDK key was sent.
    KeyMissing,
    /// Not an SDK key, or one that is unknown or revoked.
    KeyUnknown,
    /// A key of another kind than this needs.
    KeyKind,
    /// A key of another environment.
    KeyEnvironment,
    /// A secret key in the query, where it would be logged.
    KeyInQuery,
}

impl Denied {
    pub fn code(self) -> &'static str {
        match self {
            Self::KeyMissing => "key-missing",
            Self::KeyUnknown => "key-unknown",
            Self::KeyKind => "key-kind",
            Self::KeyEnvironment => "key-environment",
            Self::KeyInQuery => "key-in-query",
        }
    }

    pub fn status(self) -> u16 {
        match self {
            Self::KeyMissing | Self::KeyUnknown => 401,
            Self::KeyKind | Self::KeyEnvironment => 403,
            Self::KeyInQuery => 400,
        }
    }

    /// One sentence that says what to do.
    pub fn detail(self) -> &'static str {
        match self {
            Self::KeyMissing => {
                "send an SDK key: a client key as ?key=, any other in the Authorization header"
            }
            Self::KeyUnknown => "the SDK key is unknown or revoked; create one in the dashboard",
            Self::KeyKind => "this SDK key is of a kind that may not ask for this",
            Self::KeyEnvironment => "this SDK key belongs to another environment",
            Self::KeyInQuery => {
                "send server and edge keys in the Authorization header, never in the URL; revoke this one"
            }
        }
    }
}

/// The prefix of a kind's keys.
pub fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "pnc_",
        Kind::Server => "pns_",
        Kind::Edge => "pne_",
    }
}

/// The text of a key made of 32 random bytes.
pub fn key_text(kind: Kind, random: &[u8; 32]) -> String {
    format!("{}{}", prefix(kind), URL_SAFE_NO_PAD.encode(random))
}

/// The kind that a text claims by its prefix alone, whole or not.
pub fn claimed_prefix(text: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| text.starts_with(prefix(*kind)))
}

/// The kind that a key's text claims; none when it is no SDK key.
pub fn claimed_kind(key: &str) -> Option<Kind> {
    let kind = claimed_prefix(key)?;
    let random = URL_SAFE_NO_PAD.decode(key.get(prefix(kind).len()..)?).ok()?;
    (random.len() == 32).then_some(kind)
}

/// What is stored, compared and carried to edges. 256 random bits need neither salt nor a slow hash.
pub fn key_sha256(key: &str) -> [u8; 32] {
    sha256(key.as_bytes())
}

/// Whether a key of kind `holder` may have snapshots of kind `wanted`. A server key may also read what clients get; an edge relays
/// to both.
pub fn may_read(holder: Kind, wanted: Kind) -> bool {
    match holder {
        Kind::Client => wanted == Kind::Client,
        Kind::Server => wanted != Kind::Edge,
        Kind::Edge => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_kind() {
        for kind in Kind::ALL {
            let key = key_text(kind, &[7; 32]);
            assert_eq!(claimed_kind(&key), Some(kind));
            assert_eq!(claimed_kind(&key[..key.len() - 1]), None);
        }
        assert_eq!(claimed_kind("pnx_AAAA"), None);
        assert_eq!(claimed_kind(""), None);
    }

    #[test]
    fn a_client_reads_client_snapshots_alone() {
        assert!(may_read(Kind::Client, Kind::Client));
        assert!(!may_read(Kind::Client, Kind::Server));
        assert!(!may_read(Kind::Client, Kind::Edge));
        assert!(!may_read(Kind::Server, Kind::Edge));
    }
}
