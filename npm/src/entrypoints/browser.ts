import { browserPlatform, loadFile } from '../browser-platform.js';
import { Client, createClientOn, type ClientOptions } from '../client.js';

export * from '../index.js';
export { IndexedDbStorage } from '../indexeddb.js';

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
  const load = (): Promise<BufferSource> => loadFile(wasm ?? new URL('../generated/pennon_wasm_bg.wasm', import.meta.url));
  const platform = browserPlatform(load, {
    loadFollowing: async () => (await import('../browser-parts.js')).follow,
    verifyOtherwise: async (why) => (await import('../pages/ed25519.js')).ed25519InBrowser(why),
  });
  return createClientOn(Client, platform, connectionString, options);
}
