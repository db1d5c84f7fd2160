import { nodeCrypto } from './builtin.js';
import type { sha256 as sha256ByWebCrypto, verifyEd25519 as verifyByWebCrypto } from './verify.js';

// In the place of verify.ts in what is bundled for Node (scripts/build.mjs).

/** SHA-256 by Node itself: its WebCrypto copies a body before it hashes it, into memory that stays with the process. */
export const sha256: typeof sha256ByWebCrypto = async (bytes) => {
  const { createHash, hash } = (await nodeCrypto()) as Partial<typeof import('node:crypto')> & Pick<typeof import('node:crypto'), 'createHash'>;
  // Not before Node 20.12; it loads less.
  return new Uint8Array(hash ? hash('sha256', bytes, 'buffer') : createHash('sha256').update(bytes).digest());
};

/** As in verify.ts, by Node itself: most of it is loaded for SHA-256 anyway. */
export const verifyEd25519: typeof verifyByWebCrypto = async (publicKey, signature, message, otherwise) => {
  const { createPublicKey, verify } = await nodeCrypto();
  const x = Buffer.from(publicKey).toString('base64url');
  let key: ReturnType<typeof createPublicKey>;
  try {
    key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
  } catch (thrown) {
    // As there.
    if ((thrown as NodeJS.ErrnoException).code === 'ERR_CRYPTO_INVALID_JWK') return false;
    return (await otherwise(thrown))(publicKey, signature, message);
  }
  return verify(undefined, message, key, signature);
};
