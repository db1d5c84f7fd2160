// What must outlive a panic. `panic = "abort"` leaves the WebAssembly instance dead and every static lost, so what happened is
// remembered here, and the Rust code asks for it when it starts afresh (src/host.rs). A new isolate is told by KV.

/** As often as that a body may stop the evaluator; then the snapshot before it is used. */
const CRASHES_ALLOWED = 3;
/** Bodies that are counted. */
const MAX_COUNTED = 64;

/** Crashes by the hash of the body that was in use. */
const crashes = new Map();
let inUse;
let bundle = new Uint8Array();

// Before the Rust code is called for the first time.
globalThis.pennonHost = {
  bundled: () => bundle,
  evaluating: (bodySha256) => {
    inUse = bodySha256;
  },
  // A copy: while it is being hashed the memory may grow, and is another one then.
  sha256: (bytes) => crypto.subtle.digest("SHA-256", bytes.slice()),
  crashed: () => [...crashes].filter(([, count]) => count >= CRASHES_ALLOWED).map(([body]) => body).join(","),
};

/** Snapshots that were deployed with the worker. */
export function setBundle(bytes) {
  bundle = new Uint8Array(bytes);
}

/** The instance died while it answered a request. */
export function countCrash() {
  if (inUse === undefined) return;
  if (!crashes.has(inUse) && crashes.size >= MAX_COUNTED) crashes.delete(crashes.keys().next().value);
  crashes.set(inUse, (crashes.get(inUse) ?? 0) + 1);
  inUse = undefined;
}
