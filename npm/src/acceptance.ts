import { hexFromBytes } from './base64.js';
import { PennonError, type SnapshotSource } from './errors.js';
import type { Evaluator, EvaluatorModule } from './evaluator.js';
import { MAX_KEYSET_STEPS, MAX_STORED_KEYSETS } from './limits.js';
import { sameBytes, type SnapshotFiles } from './storage.js';
import { sha256, verifyEd25519 } from './verify.js';

/** Where what a head refers to comes from: the server, or a store. */
export interface SnapshotParts {
  /** @param sha256 lower-case hexadecimal */
  body(sha256: string): Promise<Uint8Array>;
  /** What makes one body out of another, where that can be had. */
  delta?(from: string, to: string): Promise<Uint8Array>;
  keyset(number: number): Promise<Uint8Array>;
}

const NOTHING = new Uint8Array();

/**
 * Carries signed bytes to the evaluator and the evaluator's questions to WebCrypto. What is accepted is decided in
 * pennon-core (core/spec/snapshot.md section 4); here is only who computes what. Calls must not overlap.
 */
export class Acceptance {
  readonly #module: EvaluatorModule;
  readonly #evaluator: Evaluator;
  readonly #loadEd25519: (() => Promise<WebAssembly.Module>) | undefined;
  readonly #keysets: Uint8Array[] = [];

  /** @param loadEd25519 for where WebCrypto has none */
  constructor(module: EvaluatorModule, evaluator: Evaluator, loadEd25519?: () => Promise<WebAssembly.Module>) {
    this.#module = module;
    this.#evaluator = evaluator;
    this.#loadEd25519 = loadEd25519;
  }

  /** The accepted keysets from the first on, for the store. */
  get keysets(): readonly Uint8Array[] {
    return this.#keysets;
  }

  /**
   * Verifies a head and, unless its body is the one already open, its body, and opens that.
   *
   * @param now Unix milliseconds
   * @returns whether the body is another one than before
   * @throws PennonError the refusal; what was held before stays
   */
  async accept(head: Uint8Array, parts: SnapshotParts, source: SnapshotSource, now: number): Promise<boolean> {
    await this.#followKeysets(this.#module.keysetOfHead(head), parts, source);
    this.#check(this.#evaluator.offerHead(head, now, source === 'cache'), source);
    this.#check(this.#evaluator.admitHead(await this.#verifyOffer()), source);
    if (this.#evaluator.isRenewal()) {
      this.#check(this.#evaluator.admitRenewal(), source);
      return false;
    }
    const wanted = this.#evaluator.bodySha256();
    const rebuilt = await this.#rebuilt(wanted, parts);
    const body = rebuilt ?? (await parts.body(hexFromBytes(wanted)));
    this.#check(this.#evaluator.admitBody(body, rebuilt ? wanted : await sha256(body)), source);
    return true;
  }

  /**
   * The wanted body, made of the one held and a delta. None where there is no delta or it leads elsewhere, whatever the reason: the whole
   * body is fetched then, once, and what is wrong with the connection shows there.
   */
  async #rebuilt(wanted: Uint8Array, parts: SnapshotParts): Promise<Uint8Array | undefined> {
    const held = this.#evaluator.heldBodySha256();
    if (!parts.delta || held.length === 0) return undefined;
    try {
      const delta = await parts.delta(hexFromBytes(held), hexFromBytes(wanted));
      const body = this.#evaluator.applyDelta(delta);
      return body && sameBytes(await sha256(body), wanted) ? body : undefined;
    } catch {
      return undefined;
    }
  }

  /** Takes keysets one by one up to the number a head names; each proves the next. */
  async #followKeysets(needed: number, parts: SnapshotParts, source: SnapshotSource): Promise<void> {
    const held = this.#evaluator.keysetNumber();
    if (needed - held > MAX_KEYSET_STEPS || needed > MAX_STORED_KEYSETS) {
      // The head is not trusted yet: it must not make a client load without end.
      throw new PennonError(
        'keyset-needed',
        `The head names keyset ${needed}, too far from the ${held} that is held; check the server, or update this package.`,
        { source },
      );
    }
    for (let number = held + 1; number <= needed; number += 1) {
      const keyset = await parts.keyset(number);
      this.#check(this.#evaluator.offerKeyset(keyset), source);
      const rootMessage = this.#evaluator.rootMessage();
      const root = await sha256(rootMessage.length > 0 ? rootMessage : NOTHING);
      this.#check(this.#evaluator.admitKeyset(root, await this.#verifyOffer()), source);
      this.#keysets.push(keyset);
    }
  }

  /** The signatures that the open offer asks about: 1 for each that holds, 0 for each that does not. */
  async #verifyOffer(): Promise<Uint8Array> {
    const passed = new Uint8Array(this.#evaluator.checkCount());
    for (let at = 0; at < passed.length; at += 1) {
      const check = this.#evaluator.check(at);
      const holds = await verifyEd25519(check.subarray(0, 32), check.subarray(32, 96), check.subarray(96), this.#loadEd25519);
      passed[at] = holds ? 1 : 0;
    }
    return passed;
  }

  #check(answer: number, source: SnapshotSource): void {
    if (answer === 0) return;
    const from = { cache: 'stored', bootstrap: 'bootstrapped', network: 'delivered' }[source];
    const why = this.#module.refusalSentence(answer);
    throw new PennonError(this.#module.refusalCode(answer), `The ${from} snapshot is refused: ${why}.`, { source });
  }
}

/** The parts of a snapshot whose files are at hand. */
export function partsOf(files: SnapshotFiles, source: SnapshotSource): SnapshotParts {
  return {
    body: async () => files.body,
    keyset: async (number) => {
      const keyset = files.keysets[number - 1];
      if (keyset) return keyset;
      throw new PennonError('keyset-needed', `Keyset ${number}, which the head names, is not there with it.`, { source });
    },
  };
}
