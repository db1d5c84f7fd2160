import { readFile } from 'node:fs/promises';

import { createClientOn, type ClientOptions } from '../client.js';
import init, * as generated from '../generated/pennon_wasm.js';
import { FileStorage } from '../file-storage.js';
import type { Platform } from '../platform.js';
import { ServerClient } from '../server-client.js';

export * from '../index.js';
export { FileStorage };
export { ContextFlags } from '../server-client.js';
export { ServerClient };

let loading: Promise<typeof generated> | undefined;

const platform: Platform = {
  loadEvaluator() {
    const file = new URL('../generated/pennon_wasm_bg.wasm', import.meta.url);
    loading ??= readFile(file)
      .then((bytes) => init({ module_or_path: bytes }))
      .then(() => generated);
    loading.catch(() => (loading = undefined)); // so that the next attempt loads again
    return loading;
  },
  defaultStorage: () => undefined,
  fetch: (url, init) => fetch(url, init),
};

/** Connects a client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. */
export function createClient(connectionString: string, options?: ClientOptions): ServerClient {
  return createClientOn(ServerClient, platform, connectionString, options);
}
