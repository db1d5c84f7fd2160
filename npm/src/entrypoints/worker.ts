// Workers compile no WebAssembly at run time: the bundler hands over the file as a compiled module.
import module from '../generated/pennon_wasm_bg.wasm';

import { createClientOn, type ClientOptions } from '../client.js';
import { startEvaluator } from '../evaluator.js';
import { Following } from '../following.js';
import type { Platform } from '../platform.js';
import { WorkerClient } from '../worker-client.js';

export * from '../index.js';
export { ContextFlags, ServerClient } from '../server-client.js';
export { WorkerClient };
export type { RequestContext } from '../worker-client.js';

const platform: Platform = {
  loadEvaluator: (anew) => startEvaluator(async () => module, anew),
  loadFollowing: async () => (session) => new Following(session, {}),
  // workerd has Ed25519.
  verifyOtherwise: async (why) => {
    throw why;
  },
  fetch: (url, init) => fetch(url, init),
};

/** Makes a client for `https://<sdk key>:<root fingerprint>@host/<environment id>`; `during` connects it. */
export function createClient(connectionString: string, options?: ClientOptions): WorkerClient {
  return createClientOn(WorkerClient, platform, connectionString, options);
}
