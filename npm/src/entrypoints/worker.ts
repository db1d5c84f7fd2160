// Workers compile no WebAssembly at run time: the bundler hands over the file as a compiled module.
import module from '../generated/pennon_wasm_bg.wasm';

import { createClientOn, type ClientOptions } from '../client.js';
import * as generated from '../generated/pennon_wasm.js';
import type { Platform } from '../platform.js';
import { ServerClient } from '../server-client.js';

export * from '../index.js';
export { ContextFlags } from '../server-client.js';
export { ServerClient };

let started = false;

const platform: Platform = {
  async loadEvaluator() {
    if (!started) generated.initSync({ module });
    started = true;
    return generated;
  },
  defaultStorage: () => undefined,
  fetch: (url, init) => fetch(url, init),
};

/** Connects a client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. */
export function createClient(connectionString: string, options?: ClientOptions): ServerClient {
  return createClientOn(ServerClient, platform, connectionString, options);
}
