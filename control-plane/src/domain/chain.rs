//! The audit log's chain: each entry's hash covers the entry and the hash of the one before it.
//!
//! ```text
//! hash(n) = SHA-256( "pennon audit 1" 00  hash(n-1)
//!                    project id  sequence  at  author  origin  action  environment id  target  old  new  comment )
//! ```
//!
//! `hash(0)` is 32 zero bytes. Numbers are 8 bytes, big-endian. A text is `01`, its length in 8 bytes, and its UTF-8; one that is not
//! there is `00`. `old` and `new` are the texts as they are stored, so nothing has to be brought into a canonical form.

use sha2::{Digest, Sha256};

/// What stands in front of every entry, so that its hash is no hash of anything else.
const DOMAIN: &[u8] = b"pennon audit 1\0";
/// What the first entry of a project takes for the hash before it.
pub const START: [u8; 32] = [0; 32];

/// What an entry's hash covers, besides the hash before it.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    pub project_id: &'a str,
    pub sequence: i64,
    /// Unix milliseconds.
    pub at: i64,
    pub author: &'a str,
    pub origin: Option<&'a str>,
    pub action: &'a str,
    pub environment_id: Option<&'a str>,
    pub target: &'a str,
    pub old_value: Option<&'a str>,
    pub new_value: Option<&'a str>,
    pub comment: Option<&'a str>,
}

impl Link<'_> {
    /// The entry's hash, when the one before it has the hash `previous`.
    pub fn hash(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(previous);
        text(&mut hash, Some(self.project_id));
        hash.update(self.sequence.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        for part in [
            Some(self.author),
            self.origin,
            Some(self.action),
            self.environment_id,
            Some(self.target),
            self.old_value,
            self.new_value,
            self.comment,
        ] {
            text(&mut hash, part);
        }
        hash.finalize().into()
    }
}

fn text(hash: &mut Sha256, text: Option<&str>) {
    match text {
        None => hash.update([0]),
        Some(text) => {
            hash.update([1]);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: Link<'_> = Link {
        project_id: "p",
        sequence: 1,
        at: 2,
        author: "a",
        origin: None,
        action: "b",
        environment_id: Some("e"),
        target: "t",
        old_value: None,
        new_value: Some("{}"),
        comment: None,
    };

    #[test]
    fn the_encoding_is_the_documented_one() {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(b"pennon audit 1\0");
        bytes.extend_from_slice(&[7; 32]);
        bytes.extend_from_slice(b"\x01\0\0\0\0\0\0\0\x01p");
        bytes.extend_from_slice(b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02");
        bytes.extend_from_slice(b"\x01\0\0\0\0\0\0\0\x01a\0\x01\0\0\0\0\0\0\0\x01b");
        bytes.extend_from_slice(b"\x01\0\0\0\0\0\0\0\x01e\x01\0\0\0\0\0\0\0\x01t");
        bytes.extend_from_slice(b"\0\x01\0\0\0\0\0\0\0\x02{}\0");
        assert_eq!(LINK.hash(&[7; 32]), <[u8; 32]>::from(Sha256::digest(&bytes)));
    }

    #[test]
    fn whatever_changes_changes_the_hash() {
        let changed = [
            Link { project_id: "q", ..LINK },
            Link { sequence: 2, ..LINK },
            Link { at: 3, ..LINK },
            Link { author: "x", ..LINK },
            Link { origin: Some(""), ..LINK },
            Link { action: "x", ..LINK },
            Link { environment_id: None, ..LINK },
            Link { target: "x", ..LINK },
            Link { old_value: Some("{}"), new_value: None, ..LINK },
            Link { new_value: Some("{ }"), ..LINK },
            Link { comment: Some("{}"), new_value: None, ..LINK },
            // The same letters, cut elsewhere.
            Link { author: "ab", action: "", ..LINK },
        ];
        let mut hashes: Vec<_> = changed.iter().map(|link| link.hash(&START)).collect();
        hashes.extend([LINK.hash(&START), LINK.hash(&[1; 32])]);
        let all = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!((hashes.len(), all), (14, 14));
    }
}
