// Service workers may not import anything later on: all of the package at once.
import { ed25519InBrowser } from '../pages/ed25519.js';
import { answersFor } from '../browser-answers.js';
import { followInBrowser } from '../browser-following.js';
import { browserPlatform, loadFile } from '../browser-platform.js';
import { Client, createClientOn } from '../client.js';
import type { BrowserClientOptions } from './browser.js';

export * from '../index.js';
export { IndexedDbStorage } from '../indexeddb.js';
export type { BrowserClientOptions };

/** Connects a client with `https://<sdk key>:<root fingerprint>@host/<environment id>`, as that of `pennon`. */
export function createClient(connectionString: string, { wasm, ...options }: BrowserClientOptions = {}): Client {
  const platform = browserPlatform(() => loadFile(wasm ?? new URL('../generated/pennon_wasm_bg.wasm', import.meta.url)), {
    loadFollowing: async () => (session) => followInBrowser(session, async () => answersFor),
    verifyOtherwise: ed25519InBrowser,
  });
  return createClientOn(Client, platform, connectionString, options);
}
