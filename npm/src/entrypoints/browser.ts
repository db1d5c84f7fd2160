import { browserPlatform, loadFile } from '../browser-platform.js';
import { Client, createClientOn, type ClientOptions } from '../client.js';
import { IndexedDbStorage } from '../indexeddb.js';

export * from '../index.js';
export { IndexedDbStorage };

export interface BrowserClientOptions extends ClientOptions {
  /**
   * Where the WebAssembly file lies. For bundlers that do not emit it by themselves: they import `pennon/pennon.wasm` as a
   * file. All clients of a page have one evaluator: the first that starts decides.
   */
  readonly wasm?: string | URL;
}

/**
 * Connects a client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. Where the page may not run WebAssembly,
 * the server evaluates.
 */
export function createClient(connectionString: string, { wasm, ...options }: BrowserClientOptions = {}): Client {
  // Written so that bundlers see it and emit the file.
  const load = () => loadFile(wasm ?? new URL('../generated/pennon_wasm_bg.wasm', import.meta.url));
  const loadEd25519 = () => loadFile(new URL('../generated/ed25519/pennon_wasm_ed25519_bg.wasm', import.meta.url));
  return createClientOn(Client, browserPlatform(load, loadEd25519), connectionString, options);
}
