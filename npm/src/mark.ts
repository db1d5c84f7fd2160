import { sameBytes } from './storage.js';
import { sha256 } from './verify.js';

/** Bytes of a mark's SHA-256 that are stored behind it. */
const CHECK_BYTES = 8;

/**
 * A high-water mark with a check against damage, not against anybody: a mark that a failing disk has raised would refuse every
 * snapshot from then on. Of two such marks the higher one is still the greater byte string.
 */
export async function checkable(mark: Uint8Array): Promise<Uint8Array> {
  return Uint8Array.of(...mark, ...(await sha256(mark)).subarray(0, CHECK_BYTES));
}

/** The mark, unless it is damaged. */
export async function checked(whole: Uint8Array): Promise<Uint8Array | undefined> {
  const mark = whole.slice(0, Math.max(whole.length - CHECK_BYTES, 0));
  return sameBytes(await checkable(mark), whole) ? mark : undefined;
}
