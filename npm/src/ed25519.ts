import { ExchangeModule, starter } from './exchange.js';
import type { InitOutput } from './generated/ed25519/pennon_wasm_ed25519.js';

/** Ed25519 in WebAssembly (wasm-ed25519/src), for platforms whose WebCrypto has none. */
class Ed25519Module extends ExchangeModule<InitOutput> {
  verify(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
    // Their lengths tell them apart.
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    this.put(publicKey, signature, message);
    return this.wasm.verify_ed25519(this.exchange) !== 0;
  }
}

export const startEd25519 = starter(Ed25519Module);
