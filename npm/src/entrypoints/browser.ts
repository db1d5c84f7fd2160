import { Client, createClientOn, type ClientOptions } from '../client.js';
import init, * as generated from '../generated/pennon_wasm.js';
import { IndexedDbStorage } from '../indexeddb.js';
import type { Platform } from '../platform.js';

export * from '../index.js';
export { IndexedDbStorage };

let loading: Promise<typeof generated> | undefined;

const platform: Platform = {
  loadEvaluator() {
    // Written so that bundlers see it and emit the file.
    const file = new URL('../generated/pennon_wasm_bg.wasm', import.meta.url);
    loading ??= init({ module_or_path: file }).then(() => generated);
    loading.catch(() => (loading = undefined)); // so that the next attempt loads again
    return loading;
  },
  defaultStorage: () => (typeof indexedDB === 'undefined' ? undefined : new IndexedDbStorage()),
  // `no-cache`: a head from the browser's own cache may be minutes old. Bodies are named by their hash and may stay there.
  fetch: (url, init) => fetch(url, url.includes('/v1/head/') ? { ...init, cache: 'no-cache' } : init),
  onWake(wake) {
    addEventListener('online', wake);
    return () => removeEventListener('online', wake);
  },
};

/** Connects a client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. */
export function createClient(connectionString: string, options?: ClientOptions): Client {
  return createClientOn(Client, platform, connectionString, options);
}
