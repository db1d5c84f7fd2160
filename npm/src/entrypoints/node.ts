import { createClientOn, type ClientOptions } from '../client.js';
import { startEvaluator } from '../evaluator.js';
import { FileStorage } from '../file-storage.js';
import { base64 } from '../generated/inline.js';
import { base64 as ed25519 } from '../generated/inline-ed25519.js';
import type { Platform } from '../platform.js';
import { ServerClient } from '../server-client.js';

export * from '../index.js';
export { FileStorage };
export { ContextFlags } from '../server-client.js';
export { ServerClient };

const platform: Platform = {
  // As text in the program: bundlers for servers emit no file, and what they make may lie anywhere.
  loadEvaluator: () => startEvaluator(() => WebAssembly.compile(Buffer.from(base64, 'base64'))),
  loadEd25519: () => WebAssembly.compile(Buffer.from(ed25519, 'base64')),
  defaultStorage: () => undefined,
  fetch: (url, init) => fetch(url, init),
};

/** Connects a client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. */
export function createClient(connectionString: string, options?: ClientOptions): ServerClient {
  return createClientOn(ServerClient, platform, connectionString, options);
}
