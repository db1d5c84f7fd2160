import { nodeFiles } from '../builtin.js';
import { createClientOn, type ClientOptions } from '../client.js';
import { ed25519 } from '../ed25519.js';
import { startEvaluator } from '../evaluator.js';
import { FileStorage } from '../file-storage.js';
import type { Platform } from '../platform.js';
import { ServerClient } from '../server-client.js';

export * from '../index.js';
export { FileStorage };
export { ContextFlags } from '../server-client.js';
export { ServerClient };

/**
 * A WebAssembly module, out of its file. Bundlers for servers emit no file, and what they make may lie anywhere: there it is text in the
 * program, which takes longer to load.
 */
async function compile(file: string, text: () => Promise<{ readonly base64: string }>): Promise<WebAssembly.Module> {
  // Not written so that bundlers see it. CommonJS knows no such place.
  const here: string = import.meta.url;
  const { readFileSync } = await nodeFiles();
  let bytes;
  try {
    bytes = readFileSync(new URL(`../generated/${file}`, here));
  } catch {
    bytes = Buffer.from((await text()).base64, 'base64');
  }
  // At once: functions are compiled when they are first called, and to have the little that is left done elsewhere takes longer.
  return new WebAssembly.Module(bytes);
}

const platform: Platform = {
  loadEvaluator: (anew) => startEvaluator(() => compile('pennon_wasm_bg.wasm', () => import('../generated/inline.js')), anew),
  async loadFollowing() {
    const { Following } = await import('../following.js');
    return (session) => new Following(session, {});
  },
  verifyOtherwise: (why) => ed25519(() => compile('ed25519/pennon_wasm_ed25519_bg.wasm', () => import('../generated/inline-ed25519.js')), why),
  fetch: (url, init) => fetch(url, init),
};

/** Connects a client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. */
export function createClient(connectionString: string, options?: ClientOptions): ServerClient {
  return createClientOn(ServerClient, platform, connectionString, options);
}
