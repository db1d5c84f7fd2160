// The module that workerd loads. It hands requests to the Rust code and starts that code afresh after a
// panic: `panic = "abort"` leaves the WebAssembly instance dead and every static lost, and whatever it was
// answering would never be answered.
import * as pennon from "./pkg/pennon_edge_worker.js";

const state = pennon.__worker_init_state();

/** Requests that the present instance is answering; each entry fails its request. */
const unanswered = new Set();
let dead = false;

// The panic hook of crate `worker` sets `criticalError` from inside the dying instance.
Object.defineProperty(state, "criticalError", {
  get: () => dead,
  set(value) {
    dead = value;
    if (value) for (const fail of unanswered) fail(new Error("the evaluator stopped"));
  },
});

addEventListener("error", (event) => {
  if (event.error instanceof WebAssembly.RuntimeError) state.criticalError = true;
});

function revive() {
  if (!dead) return;
  console.warn("pennon: the WebAssembly instance stopped, starting a new one");
  pennon.__wbg_reset_state();
  state.criticalError = false;
}

/** What a caller gets whose request failed so: a problem document that an OFREP client reads as well. */
function failed(request, code, detail) {
  const flag = /^\/ofrep\/v1\/evaluate\/flags\/(.+)$/.exec(new URL(request.url).pathname)?.[1] ?? "";
  return new Response(
    JSON.stringify({
      key: flag,
      errorCode: "GENERAL",
      errorDetails: detail,
      type: `urn:pennon:problem:${code}`,
      title: "Internal Server Error",
      status: 500,
      code,
      detail,
    }),
    { status: 500, headers: { "content-type": "application/json", "access-control-allow-origin": "*", "cache-control": "no-store" } },
  );
}

export default {
  async fetch(request, env, ctx) {
    revive();
    let fail;
    const death = new Promise((_, reject) => {
      fail = reject;
    });
    unanswered.add(fail);
    try {
      return await Promise.race([pennon.fetch(request, env, ctx), death]);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) state.criticalError = true;
      console.error(`pennon: ${error?.stack ?? error}`);
      return dead
        ? failed(request, "evaluator-stopped", "the edge worker stopped while it answered this request and starts again: retry")
        : failed(request, "internal", "the edge worker failed to answer this request: see its log");
    } finally {
      unanswered.delete(fail);
    }
  },
};
