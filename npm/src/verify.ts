// Everywhere but in Node, where verify-node.ts is in its place (scripts/build.mjs).

/** SHA-256 by the platform's WebCrypto. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource));
}

/** Whether `signature` is `publicKey`'s over `message`. */
export type Verify = (publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array) => Promise<boolean>;

/**
 * By the platform's WebCrypto.
 *
 * @param otherwise verifies where that cannot, as it says why. Nothing unverified is ever used instead.
 */
export async function verifyEd25519(
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
  otherwise: (why: unknown) => Promise<Verify>,
): Promise<boolean> {
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey('raw', publicKey as BufferSource, 'Ed25519', false, ['verify']);
  } catch (thrown) {
    // Bytes that are no key verify nothing; an algorithm that is not there is another matter.
    if ((thrown as Error).name === 'DataError') return false;
    return (await otherwise(thrown))(publicKey, signature, message);
  }
  return crypto.subtle.verify('Ed25519', key, signature as BufferSource, message as BufferSource);
}
