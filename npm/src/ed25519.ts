import { PennonError } from './errors.js';
import { starter } from './exchange.js';
import type { InitOutput } from './generated/ed25519/pennon_wasm_ed25519.js';
import type { Verify } from './verify.js';

const start = starter<InitOutput>();

/**
 * Ed25519 in WebAssembly (wasm-ed25519/src), for platforms whose WebCrypto has none.
 *
 * @param why WebCrypto cannot
 * @throws PennonError `verification-unavailable`
 */
export async function ed25519(load: () => Promise<WebAssembly.Module>, why: unknown): Promise<Verify> {
  // SHA-256 would be missing too.
  if (!(globalThis.crypto?.subtle as SubtleCrypto | undefined)) {
    throw unavailable('WebCrypto is missing; serve the page over https or from localhost.', why);
  }
  const module = await start(load).catch((thrown: unknown) => {
    throw unavailable("This platform's WebCrypto has no Ed25519 (Chrome 137, Firefox 129, Safari 17 and Node 20 have), and the module that has it could not be loaded.", thrown);
  });
  return async (publicKey, signature, message) => {
    // Their lengths tell them apart.
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    module.put(publicKey, signature, message);
    return module.wasm.verify_ed25519(module.crossing) !== 0;
  };
}

function unavailable(why: string, cause: unknown): PennonError {
  return new PennonError('verification-unavailable', `No snapshot can be verified, and flags keep their defaults: ${why}`, { cause });
}
