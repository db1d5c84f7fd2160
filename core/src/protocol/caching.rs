//! The Cache-Control of each delivery endpoint (core/spec/protocol.md section 3). Only what a public client key reads may be cached
//! by others: what decides is the kind of the key, not of the snapshot. An answer to a secret key in a shared cache would be handed
//! to callers without a key, also after the key is revoked.

use crate::snapshot::Kind;

/// For a head that the holder of a key of kind `holder` reads.
pub fn head(holder: Kind) -> &'static str {
    match holder {
        Kind::Client => "public, max-age=5, stale-while-revalidate=60, stale-if-error=604800",
        Kind::Server | Kind::Edge => "private, no-store",
    }
}

/// For a body, which never changes under its name, that the holder of a key of kind `holder` reads.
pub fn body(holder: Kind) -> &'static str {
    match holder {
        Kind::Client => "public, max-age=31536000, immutable",
        Kind::Server | Kind::Edge => "private, no-store",
    }
}

/// For a delta, which never changes between two bodies, that the holder of a key of kind `holder` reads.
pub fn delta(holder: Kind) -> &'static str {
    body(holder)
}

/// For a keyset, which never changes under its number.
pub const KEYSET: &str = "public, max-age=31536000, immutable";

/// For streams, errors and whatever else.
pub const NEVER: &str = "no-store";

/// What an answer depends on besides its address: a key may stand in either header.
pub const VARY: &str = "authorization, x-api-key";

/// The request headers that browsers may send across origins.
pub const CORS_ALLOWED_HEADERS: &str = "authorization, content-type, if-none-match, x-api-key";
/// The response headers that browsers may read across origins.
pub const CORS_EXPOSED_HEADERS: &str = "etag, retry-after, x-pennon-stream";

/// How the answer to a request for the head says that its server would rather be followed by a WebSocket.
pub const STREAM_OFFER: (&str, &str) = ("x-pennon-stream", "websocket");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_public_key_reads_is_public() {
        for answer in [head, body, delta] {
            assert!(answer(Kind::Client).starts_with("public, max-age="));
            for secret in [Kind::Server, Kind::Edge] {
                assert_eq!(answer(secret), "private, no-store");
            }
        }
    }
}
