//! The connection string: address, SDK key and trust in one paste (core/spec/protocol.md section 1).

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::access::claimed_kind;
use crate::snapshot::Kind;

/// `https://<sdk key>:<root fingerprint>@host/<environment id>`, taken apart. It is parsed and never fetched as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionString {
    /// Scheme and host, without a slash at the end.
    pub origin: String,
    pub sdk_key: String,
    /// The kind that the SDK key claims.
    pub kind: Kind,
    pub root_fingerprint: [u8; 32],
    pub environment: [u8; 16],
}

/// What is wrong with a connection string. It never repeats the string, which holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionError {
    Scheme,
    /// Plain http to a host other than this machine.
    Insecure,
    SdkKey,
    RootFingerprint,
    Host,
    Environment,
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Scheme => "the connection string must start with https:// (or http:// for this machine)",
            Self::Insecure => "http:// is for this machine alone: use https://",
            Self::SdkKey => "the connection string's user must be an SDK key (pnc_…, pns_… or pne_…)",
            Self::RootFingerprint => {
                "the connection string lacks the root fingerprint (43 characters behind the SDK key and a colon)"
            }
            Self::Host => "the connection string names no host",
            Self::Environment => "the connection string must end with the environment's id (32 hexadecimal digits)",
        })
    }
}

impl core::error::Error for ConnectionError {}

impl fmt::Debug for ConnectionString {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConnectionString")
            .field("origin", &self.origin)
            .field("kind", &self.kind)
            .field("environment", &hex(&self.environment))
            .finish_non_exhaustive()
    }
}

impl ConnectionString {
    /// # Errors
    /// The first part that is wrong.
    pub fn parse(text: &str) -> Result<Self, ConnectionError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(ConnectionError::Scheme)?;
        let (user, place) = rest.split_once('@').ok_or(ConnectionError::SdkKey)?;
        let (sdk_key, fingerprint) =
            user.split_once(':').ok_or(ConnectionError::RootFingerprint)?;
        let kind = claimed_kind(sdk_key).ok_or(ConnectionError::SdkKey)?;
        let root_fingerprint = URL_SAFE_NO_PAD
            .decode(fingerprint)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or(ConnectionError::RootFingerprint)?;
        let (host, environment) = place.split_once('/').ok_or(ConnectionError::Environment)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(allowed) {
            return Err(ConnectionError::Host);
        }
        match scheme {
            "https" => {}
            "http" if is_this_machine(host) => {}
            "http" => return Err(ConnectionError::Insecure),
            _ => return Err(ConnectionError::Scheme),
        }
        let environment = id(environment).ok_or(ConnectionError::Environment)?;
        let origin = format!("{scheme}://{host}");
        Ok(Self { origin, sdk_key: sdk_key.to_string(), kind, root_fingerprint, environment })
    }

    /// The text to paste; it holds the SDK key.
    pub fn reveal(&self) -> String {
        let (scheme, host) = self.origin.split_once("://").unwrap_or(("https", &self.origin));
        format!(
            "{scheme}://{}:{}@{host}/{}",
            self.sdk_key,
            URL_SAFE_NO_PAD.encode(self.root_fingerprint),
            hex(&self.environment)
        )
    }
}

fn is_this_machine(host: &str) -> bool {
    let name = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or(host)
    } else {
        host.split(':').next().unwrap_or(host)
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Sixteen bytes from 32 hexadecimal digits, in lower case.
pub fn id(text: &str) -> Option<[u8; 16]> {
    bytes(text)
}

/// A SHA-256 from 64 hexadecimal digits, in lower case.
pub fn digest(text: &str) -> Option<[u8; 32]> {
    bytes(text)
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = <[u8; 2]>::try_from(pair).ok()?;
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::access::key_text;

    fn string(scheme: &str, host: &str) -> String {
        let fingerprint = URL_SAFE_NO_PAD.encode([5; 32]);
        let key = key_text(Kind::Client, &[1; 32]);
        format!("{scheme}://{key}:{fingerprint}@{host}/{}", hex(&[9; 16]))
    }

    #[test]
    fn is_parsed_and_revealed() {
        for (scheme, host) in
            [("https", "flags.example.com"), ("http", "127.0.0.1:8600"), ("http", "[::1]:8600")]
        {
            let text = string(scheme, host);
            let parsed = ConnectionString::parse(&text).unwrap();
            assert_eq!(parsed.origin, format!("{scheme}://{host}"));
            assert_eq!(parsed.kind, Kind::Client);
            assert_eq!(parsed.root_fingerprint, [5; 32]);
            assert_eq!(parsed.environment, [9; 16]);
            assert_eq!(parsed.reveal(), text);
            assert!(!format!("{parsed:?}").contains("pnc_"), "a key must not be printed");
        }
    }

    #[test]
    fn every_missing_part_is_named() {
        let good = string("https", "flags.example.com");
        let fingerprint = URL_SAFE_NO_PAD.encode([5; 32]);
        for (text, expected) in [
            (good.replace("https", "ftp"), ConnectionError::Scheme),
            (string("http", "flags.example.com"), ConnectionError::Insecure),
            (string("http", "localhost.example.com"), ConnectionError::Insecure),
            (good.replace("pnc_", "xxx_"), ConnectionError::SdkKey),
            (good.replace(&format!(":{fingerprint}"), ""), ConnectionError::RootFingerprint),
            (good.replace(&fingerprint, "short"), ConnectionError::RootFingerprint),
            (good.replace("flags.example.com", ""), ConnectionError::Host),
            (good.replace("flags.example.com", "a@b"), ConnectionError::Host),
            (format!("{good}0"), ConnectionError::Environment),
            (String::new(), ConnectionError::Scheme),
        ] {
            assert_eq!(ConnectionString::parse(&text), Err(expected), "{text}");
        }
    }
}
