// The WebAssembly instance, and a fresh one after it has died.
import * as pennon from "./pkg/pennon_edge_worker.js";
import { countCrash } from "./host.mjs";

const state = pennon.__worker_init_state();

/** What the present instance is working on; each entry fails its caller. */
const unanswered = new Set();
let dead = false;

function die() {
  if (dead) return;
  dead = true;
  countCrash();
  // A dead instance answers none of them.
  for (const fail of unanswered) fail(new Error("the evaluator stopped"));
}

// The panic hook of crate `worker` sets `criticalError` from inside the dying instance.
Object.defineProperty(state, "criticalError", {
  get: () => dead,
  set(value) {
    if (value) die();
    else dead = false;
  },
});

addEventListener("error", (event) => {
  if (event.error instanceof WebAssembly.RuntimeError) die();
});

/** Whether what was just called failed because the instance died. */
export const isDead = () => dead;

function revive() {
  if (!dead) return;
  console.warn("pennon: the WebAssembly instance stopped, starting a new one");
  pennon.__wbg_reset_state();
  dead = false;
}

/** As `call`, for what answers at once. */
export function callNow(work) {
  revive();
  try {
    return work(pennon);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) die();
    throw error;
  }
}

/** Calls the Rust code, in a fresh instance when the last one died. Fails when the instance dies meanwhile, of this or of another call. */
export async function call(work) {
  revive();
  let fail;
  const death = new Promise((_, reject) => {
    fail = reject;
  });
  unanswered.add(fail);
  try {
    return await Promise.race([work(pennon), death]);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) die();
    throw error;
  } finally {
    unanswered.delete(fail);
  }
}
