import { startEd25519 } from './ed25519.js';
import { PennonError } from './errors.js';

/** SHA-256 by the platform's WebCrypto. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await subtle().digest('SHA-256', bytes as BufferSource));
}

/**
 * Whether `signature` is `publicKey`'s over `message`, by the platform's WebCrypto or else by a module of this package.
 *
 * @param load finds that module, where the platform may need it
 * @throws PennonError `verification-unavailable` where nothing can tell. Nothing unverified is ever used instead.
 */
export async function verifyEd25519(
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
  load?: () => Promise<WebAssembly.Module>,
): Promise<boolean> {
  let key: CryptoKey;
  try {
    key = await subtle().importKey('raw', publicKey as BufferSource, { name: 'Ed25519' }, false, ['verify']);
  } catch (thrown) {
    if (thrown instanceof PennonError) throw thrown;
    // Bytes that are no key verify nothing; an algorithm that is not there is another matter.
    if (thrown instanceof Error && thrown.name === 'DataError') return false;
    return (await module(load, thrown)).verify(publicKey, signature, message);
  }
  return subtle().verify({ name: 'Ed25519' }, key, signature as BufferSource, message as BufferSource);
}

function subtle(): SubtleCrypto {
  const found = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (found) return found;
  throw new PennonError(
    'verification-unavailable',
    'WebCrypto is missing, so no snapshot can be verified and flags keep their defaults; serve the page over https or from localhost.',
  );
}

async function module(load: (() => Promise<WebAssembly.Module>) | undefined, why: unknown): ReturnType<typeof startEd25519> {
  let cause = why;
  try {
    if (load) return await startEd25519(load);
  } catch (thrown) {
    cause = thrown;
  }
  throw new PennonError(
    'verification-unavailable',
    'This platform\'s WebCrypto has no Ed25519 and the module that has it could not be loaded, so no snapshot can be verified and flags keep their defaults; without that module it needs Chrome 137, Firefox 129, Safari 17, Node 20 or newer.',
    { cause },
  );
}
