import { bytesFromBase64 } from '../base64.js';
import { browser } from '../browser-platform.js';
import { Client, createClientOn, type ClientOptions } from '../client.js';
import init, * as generated from '../generated/pennon_wasm.js';
import { base64 } from '../generated/inline.js';
import { IndexedDbStorage } from '../indexeddb.js';
import type { Platform } from '../platform.js';

export * from '../index.js';
export { IndexedDbStorage };

let loading: Promise<typeof generated> | undefined;

const platform: Platform = {
  ...browser,
  loadEvaluator() {
    loading ??= init({ module_or_path: bytesFromBase64(base64) as BufferSource }).then(() => generated);
    return loading;
  },
};

/**
 * Connects a client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. The WebAssembly module is part of
 * the JavaScript here: a third larger, for where no other file can be loaded (browser extensions, single-file pages).
 */
export function createClient(connectionString: string, options?: ClientOptions): Client {
  return createClientOn(Client, platform, connectionString, options);
}
