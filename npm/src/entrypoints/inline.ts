import { bytesFromBase64 } from '../base64.js';
import { browserPlatform } from '../browser-platform.js';
import { Client, createClientOn, type ClientOptions } from '../client.js';
import { base64 } from '../generated/inline.js';
import { base64 as ed25519 } from '../generated/inline-ed25519.js';
import { IndexedDbStorage } from '../indexeddb.js';

export * from '../index.js';
export { IndexedDbStorage };

/**
 * Connects a client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. The WebAssembly module is part of
 * the JavaScript here: a third larger, for where no other file can be loaded (browser extensions, single-file pages).
 */
export function createClient(connectionString: string, options?: ClientOptions): Client {
  const bytes = async (text: string) => bytesFromBase64(text) as BufferSource;
  return createClientOn(Client, browserPlatform(() => bytes(base64), () => bytes(ed25519)), connectionString, options);
}
