/** Bounds on everything that is read, queued or waited for. Bytes and milliseconds; those that pages load later are plain numbers, which bundlers leave out. */

/** A head with all its signatures; the evaluator checks the exact form. */
export const MAX_HEAD_BYTES = 32 * 1024;
/** A keyset with all its keys and signatures. */
export const MAX_KEYSET_BYTES = 64 * 1024;
/** DESIGN section 11: the body of a client snapshot, and of a server snapshot. */
export const MAX_BODY_BYTES = { client: 1024 * 1024, server: 10 * 1024 * 1024 } as const;
/** A problem document; only its code and detail are used. */
export const MAX_PROBLEM_BYTES = 16_384;
/** One server-sent event: a head in base64 and its field names, with room. */
export const MAX_EVENT_BYTES = 65_536;
/** Keysets followed in one go, from the one held to the one a head names. */
export const MAX_KEYSET_STEPS = 64;
/** Keysets kept with a stored snapshot. */
export const MAX_STORED_KEYSETS = 256;

/** One request for a head, a body or a keyset. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** A head, its keysets and its body together, where nothing can wait for longer: a Worker's work after the response. */
export const REFRESH_TIMEOUT_MS = 30_000;
/** The server pings every 15 s: after three missed pings the stream counts as dead. */
export const STREAM_SILENCE_MS = 45_000;
/** A WebSocket is asked so often whether it is still there: an edge closes one that has been silent for a minute. */
export const SOCKET_PING_MS = 20_000;
/** Without a stream, the head is asked for so often on average, which is how long caches may keep it. */
export const POLL_MS = 5_000;
/** A server that has no stream may have one later: it is asked again after this long. */
export const STREAM_ABSENT_MS = 600_000;
/** How long `ready()` waits for a first snapshot, unless told otherwise. */
export const READY_TIMEOUT_MS = 5_000;
/** First and longest wait between attempts; the wait is drawn evenly from zero to it. */
export const BACKOFF_BASE_MS = 500;
export const BACKOFF_CAP_MS = 30_000;
/** What a server may ask for at most. */
export const MAX_SERVER_DELAY_MS = 600_000;
/** `setTimeout` counts in 32 bits: longer waits are taken in steps. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
/** Faults of the evaluator over one snapshot until the one before it is used. */
export const MAX_FAULTS = 3;
/** Snapshots that are put away for that. */
export const MAX_PUT_AWAY = 16;
/** One use of the snapshot store. */
export const STORAGE_TIMEOUT_MS = 2_000;
