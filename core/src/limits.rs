//! Every bound of the format and of the evaluator (core/spec/snapshot.md section 7). All are checked when compiling; those of bodies and
//! chunks again when opening, and those that bound an evaluation's work again while evaluating.

/// Flags in one environment.
pub const MAX_FLAGS: usize = 10_000;
/// Segments in one environment.
pub const MAX_SEGMENTS: usize = 10_000;
/// Chunks of all types in one body; an index slot numbers them in 16 bits.
pub const MAX_CHUNKS: usize = 60_000;
/// A body of kind server or edge, in bytes.
pub const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// A body of kind client, in bytes.
pub const MAX_CLIENT_BODY_BYTES: usize = 1024 * 1024;
/// One chunk (a flag, a segment page), in bytes.
pub const MAX_CHUNK_BYTES: usize = 256 * 1024;
/// Nesting of conditions, and of segments within conditions.
pub const MAX_DEPTH: usize = 8;
/// Conditions and prerequisites tested in one evaluation, those of prerequisites included.
pub const MAX_STEPS: u32 = 200_000;
/// Variants of one flag.
pub const MAX_VARIANTS: usize = 64;
/// Rules of one flag.
pub const MAX_RULES: usize = 1_000;
/// A description, or the name of a rule, in bytes of UTF-8.
pub const MAX_DESCRIPTION_BYTES: usize = 4_096;
/// Parts of one split.
pub const MAX_SPLIT_PARTS: usize = 64;
/// Steps of one ramp.
pub const MAX_RAMP_STEPS: usize = 64;
/// Attributes that one split tries for its unit.
pub const MAX_UNITS: u8 = 8;
/// Attributes that the targets of one flag list values of.
pub const MAX_TARGET_UNITS: usize = 64;
/// Prerequisites of one flag.
pub const MAX_PREREQUISITES: usize = 100;
/// Layers, and holdouts, of one configuration.
pub const MAX_LAYERS: usize = 1_000;
/// Metadata entries of one flag.
pub const MAX_METADATA: usize = 100;
/// One text operand, in bytes: what a caller's context is searched for.
pub const MAX_TEXT_BYTES: usize = 1_024;
/// One compiled regular expression, in bytes.
pub const MAX_AUTOMATON_BYTES: usize = 64 * 1024;
/// One segment's page of keys, in bytes.
pub const MAX_PAGE_BYTES: usize = 64 * 1024;
/// Operands of one list operator, and children of one `all` or `any`.
pub const MAX_LIST: usize = 10_000;
/// Included, or excluded, keys of one segment.
pub const MAX_SEGMENT_KEYS: usize = 100_000;
/// The same in a body of kind client.
pub const MAX_CLIENT_SEGMENT_KEYS: usize = 10_000;
/// A flag, segment, variant, rule or attribute name, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 256;
/// Names in one attribute path.
pub const MAX_PATH_NAMES: usize = 8;

/// The longest explanation of one evaluation, in bytes; a longer one says only that it is too long.
pub const MAX_TRACE_BYTES: usize = 1024 * 1024;
/// One encoded evaluation context, in bytes.
pub const MAX_CONTEXT_BYTES: usize = 64 * 1024;
/// Attributes in one context, nested ones included.
pub const MAX_CONTEXT_ATTRIBUTES: usize = 1_024;
/// Nesting of objects and lists in one context.
pub const MAX_CONTEXT_DEPTH: usize = 8;

/// Signatures of one head or keyset.
pub const MAX_SIGNATURES: usize = 8;
/// One signed head with its signatures, in bytes (leaves room for post-quantum signatures).
pub const MAX_HEAD_BYTES: usize = 32 * 1024;
/// One keyset with its signatures, in bytes.
pub const MAX_KEYSET_BYTES: usize = 64 * 1024;
/// Keysets of one root: what a receiver that starts afresh follows from the first to the newest.
pub const MAX_KEYSETS: u32 = 256;
/// Root keys, and online keys, of one keyset.
pub const MAX_KEYSET_KEYS: usize = 256;
/// SDK keys that an edge body admits.
pub const MAX_SDK_KEYS: usize = 1_000;
/// Origins whose pages an edge body lets ask.
pub const MAX_ORIGINS: usize = 100;
/// One of them, in bytes: a scheme, the longest name that there is, a port.
pub const MAX_ORIGIN_BYTES: usize = 272;
