// Workers compile no WebAssembly at run time: the bundler hands over the file as a compiled module.
import module from '../generated/pennon_wasm_bg.wasm';

import { createClientOn, type Client, type ClientOptions } from '../client.js';
import * as generated from '../generated/pennon_wasm.js';
import type { Platform } from '../platform.js';

export * from '../index.js';

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
export function createClient(connectionString: string, options?: ClientOptions): Client {
  return createClientOn(platform, connectionString, options);
}
