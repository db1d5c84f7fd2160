//! The Cache-Control of each delivery endpoint (core/spec/protocol.md section 3). Only what a public client key reads may be cached
//! by others.

use crate::snapshot::Kind;

/// For a head.
pub fn head(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "public, max-age=5, stale-while-revalidate=60, stale-if-error=604800",
        Kind::Server | Kind::Edge => "private, no-store",
    }
}

/// For a body, which never changes under its name.
pub fn body(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "public, max-age=31536000, immutable",
        Kind::Server | Kind::Edge => "private, no-store",
    }
}

/// For a keyset, which never changes under its number.
pub const KEYSET: &str = "public, max-age=31536000, immutable";

/// For streams, errors and whatever else.
pub const NEVER: &str = "no-store";

/// The request headers that browsers may send across origins.
pub const CORS_ALLOWED_HEADERS: &str = "authorization, content-type, if-none-match, x-api-key";
/// The response headers that browsers may read across origins.
pub const CORS_EXPOSED_HEADERS: &str = "etag, retry-after";
