import { browser } from '../browser-platform.js';
import { Client, createClientOn, type ClientOptions } from '../client.js';
import init, * as generated from '../generated/pennon_wasm.js';
import { IndexedDbStorage } from '../indexeddb.js';
import type { Platform } from '../platform.js';

export * from '../index.js';
export { IndexedDbStorage };

let loading: Promise<typeof generated> | undefined;

const platform: Platform = {
  ...browser,
  loadEvaluator() {
    // Written so that bundlers see it and emit the file.
    const file = new URL('../generated/pennon_wasm_bg.wasm', import.meta.url);
    loading ??= init({ module_or_path: file }).then(() => generated);
    loading.catch(() => (loading = undefined)); // so that the next attempt loads again
    return loading;
  },
};

/** Connects a client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. */
export function createClient(connectionString: string, options?: ClientOptions): Client {
  return createClientOn(Client, platform, connectionString, options);
}
