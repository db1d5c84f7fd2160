import { answersFor } from '../browser-answers.js';
import { followInBrowser } from '../browser-following.js';
import { browserPlatform } from '../browser-platform.js';
import { Client, createClientOn, type ClientOptions } from '../client.js';
import { ed25519 } from '../ed25519.js';
import { base64 } from '../generated/inline.js';
import { base64 as ed25519Base64 } from '../generated/inline-ed25519.js';

export * from '../index.js';
export { IndexedDbStorage } from '../indexeddb.js';

/**
 * Connects a client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. The WebAssembly module and everything else is part
 * of the JavaScript here: for where no other file can be loaded (browser extensions, single-file pages).
 */
export function createClient(connectionString: string, options?: ClientOptions): Client {
  const platform = browserPlatform(() => bytes(base64), {
    loadFollowing: async () => (session) => followInBrowser(session, async () => answersFor),
    verifyOtherwise: (why) => ed25519(async () => WebAssembly.compile(await bytes(ed25519Base64)), why),
  });
  return createClientOn(Client, platform, connectionString, options);
}

/** Long text: one character after the other, without an iterator. */
async function bytes(text: string): Promise<BufferSource> {
  const binary = atob(text);
  const made = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) made[at] = binary.charCodeAt(at);
  return made;
}
