//! Every bound of the format and of the evaluator, checked when compiling and again when opening
//! (core/spec/snapshot.md section 7).

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
/// Variants of one flag.
pub const MAX_VARIANTS: usize = 64;
/// Rules of one flag.
pub const MAX_RULES: usize = 1_000;
/// Conditions that one flag's rules come to, each segment counted wherever it is named: the work of one evaluation.
pub const MAX_FLAG_CONDITIONS: usize = 100_000;
/// A description, or the name of a rule, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 4_096;
/// Parts of one split.
pub const MAX_SPLIT_PARTS: usize = 64;
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
/// Root keys, and online keys, of one keyset.
pub const MAX_KEYSET_KEYS: usize = 256;
/// SDK keys that an edge body admits.
pub const MAX_SDK_KEYS: usize = 1_000;
