// For browsers whose WebCrypto has no Ed25519.
import { loadFile } from '../browser-platform.js';
import { ed25519 } from '../ed25519.js';
import type { Verify } from '../verify.js';

export async function ed25519InBrowser(why: unknown): Promise<Verify> {
  const bytes = (): Promise<BufferSource> => loadFile(new URL('../generated/ed25519/pennon_wasm_ed25519_bg.wasm', import.meta.url));
  return ed25519(async () => WebAssembly.compile(await bytes()), why);
}
