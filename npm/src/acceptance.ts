import { hexFromBytes } from './base64.js';
import type { SnapshotSource } from './errors.js';
import type { Evaluator } from './evaluator.js';
import { Failure } from './failure.js';
import { MAX_KEYSET_STEPS, MAX_STORED_KEYSETS } from './limits.js';
import { sha256, verifyEd25519, type Verify } from './verify.js';

/** Where what a head refers to comes from: the server, or a store. */
export interface SnapshotParts {
  /** @param sha256 lower-case hexadecimal */
  body(sha256: string): Promise<Uint8Array>;
  keyset(number: number): Promise<Uint8Array>;
}

/** An evaluator with what it has to be told. */
export interface Accepting {
  readonly evaluator: Evaluator;
  /** The accepted keysets from the first on, for the store. */
  readonly keysets: Uint8Array[];
  /** Verifies where WebCrypto cannot. */
  readonly verifyOtherwise: (why: unknown) => Promise<Verify>;
}

/**
 * Carries signed bytes to the evaluator and the evaluator's questions to WebCrypto. What is accepted is decided in
 * pennon-core (core/spec/snapshot.md section 4); here is only who computes what. Calls must not overlap.
 *
 * Verifies a head and, unless its body is the one already open, its body, and opens that.
 *
 * @param now Unix milliseconds
 * @param rebuild makes the wanted body out of the one held, where that can be
 * @returns whether the body is another one than before
 * @throws Failure the refusal; what was held before stays
 */
export async function accept(
  { evaluator, keysets, verifyOtherwise }: Accepting,
  head: Uint8Array,
  parts: SnapshotParts,
  source: SnapshotSource,
  now: number,
  rebuild?: (wanted: Uint8Array) => Promise<Uint8Array | undefined>,
): Promise<boolean> {
  const { module } = evaluator;
  const check = (refusal: number): void => {
    if (refusal) throw new Failure(source, refusal);
  };
  /** The signatures that the open offer asks about: 1 for each that holds, 0 for each that does not. */
  const verified = async (): Promise<Uint8Array> => {
    const passed = new Uint8Array(evaluator.number('check_count'));
    for (let at = 0; at < passed.length; at += 1) {
      const asked = evaluator.bytes('check', at);
      passed[at] = (await verifyEd25519(asked.subarray(0, 32), asked.subarray(32, 96), asked.subarray(96), verifyOtherwise)) ? 1 : 0;
    }
    return passed;
  };

  // Keysets are taken one by one up to the number that the head names; each proves the next.
  module.put(head);
  const needed = module.wasm.keyset_of_head(module.crossing);
  const held = evaluator.number('keyset_number');
  // The head is not trusted yet: it must not make a client load without end.
  if (needed - held > MAX_KEYSET_STEPS || needed > MAX_STORED_KEYSETS) throw new Failure(source, { needed, held });
  for (let number = held + 1; number <= needed; number += 1) {
    const keyset = await parts.keyset(number);
    check(evaluator.give('offer_keyset', [keyset]));
    const root = await sha256(evaluator.bytes('root_message'));
    check(evaluator.give('admit_keyset', [root, await verified()]));
    keysets.push(keyset);
  }

  check(evaluator.give('offer_head', [head], now, Number(source === 'cache')));
  check(evaluator.give('admit_head', [await verified()]));
  if (evaluator.number('is_renewal')) {
    check(evaluator.number('admit_renewal'));
    return false;
  }
  const wanted = evaluator.bytes('body_sha256');
  const rebuilt = await rebuild?.(wanted);
  const body = rebuilt ?? (await parts.body(hexFromBytes(wanted)));
  check(evaluator.give('admit_body', [body, rebuilt ? wanted : await sha256(body)]));
  return true;
}
