import type { EvaluationContext } from './context.js';
import { decodeScalars, encodeContext } from './context.js';
import { PennonError } from './errors.js';
import type { Evaluator } from './evaluator.js';
import { FLAG_TYPES, failed, freeze, unpack, type FlagType, type JsonValue, type Metadata, type Outcome, type Step } from './outcome.js';

// The positions of pennon-core's `ContextError`, as sentences.
const CONTEXT_ERRORS = [
  'its encoding is damaged',
  'it holds text that is not UTF-8',
  'it names an attribute twice',
  'it is larger than 64 KiB or has a name over 256 bytes',
  'it has more than 1,024 attributes',
  'it nests deeper than 8 levels',
  'it holds a number that is not finite',
  'it is not an object',
  'its targetingKey is neither a string nor an integer',
] as const;

/** What is read once from the snapshot about a flag, and its latest outcome. */
interface Flag {
  readonly position: number;
  readonly type: FlagType | undefined;
  readonly variants: Variant[];
  readonly rules: string[];
  readonly metadata: Metadata | undefined;
  /** Those that time does not change, packed and as they are given. */
  readonly outcomes: Map<number, Outcome>;
  outcome: Outcome | undefined;
  /** The round that the outcome is of. */
  round: number;
}

interface Variant {
  readonly name: string;
  readonly value: JsonValue | undefined;
}

// Places for contexts in the evaluator (wasm/src/evaluation.rs).
const OWN = 0;
/** For a context that one evaluation uses, and for large ones. */
const PASSING = 1;
const FIRST_KEPT = 2;
const MAX_CONTEXTS = 1024;
/** Bytes of a context that keeps a place: typical ones have some hundreds. */
const MAX_KEPT_BYTES = 2048;

/** No two contexts ever get the same, of whichever evaluator. */
let lastTicket = 0;

/** A context ready for the evaluator. */
export class Prepared {
  /** Nothing when the context cannot be used. */
  encoded: Uint8Array | undefined;
  /** Where the evaluator has it, if `ticket` is still the one that was handed out for this place. */
  place = PASSING;
  ticket = 0;

  /** @throws PennonError `context` for what has no encoding; the evaluator may refuse it still. */
  constructor(context: EvaluationContext | undefined) {
    this.encoded = context && encodeContext(context).slice();
  }
}

/**
 * The flags of the snapshot that the evaluator holds, for one context of their own and any others. Names and values are read
 * from WebAssembly once per snapshot; an outcome for the own context is remembered until the snapshot, the context or time
 * itself changes it.
 */
export class Flags {
  readonly #evaluator: Evaluator;
  #flags = new Map<string, Flag>();
  /** Whether there is a context of `setContext`, and one that can be used. */
  #usable = false;
  /** Of each place, for the context that is there; places are given out in turn. */
  readonly #tickets: number[] = [];
  #nextPlace = FIRST_KEPT;
  /** Counts contexts and instants that make all outcomes so far worthless. */
  #round = 0;
  #earliestEnd = Infinity;

  constructor(evaluator: Evaluator) {
    this.#evaluator = evaluator;
  }

  /** When time alone may change one of the outcomes given so far; infinite when never. */
  get earliestEnd(): number {
    return this.#earliestEnd;
  }

  /** The evaluator holds another snapshot: positions, names and values are of the old one. */
  snapshotChanged(): void {
    this.#flags = new Map();
    this.#earliestEnd = Infinity;
  }

  /** Outcomes are to be made anew: another context, or a later time. */
  forgetOutcomes(): void {
    this.#round += 1;
    this.#earliestEnd = Infinity;
  }

  /**
   * @throws PennonError `context`; until the next context, every flag then answers INVALID_CONTEXT.
   */
  setContext(context: EvaluationContext): void {
    this.#usable = false;
    this.forgetOutcomes();
    this.#hand(encodeContext(context), OWN);
    this.#usable = true;
  }

  /** The keys of all flags in the snapshot, or of those alone that client SDKs may see. */
  keys(forClients = false): string[] {
    const keys: string[] = [];
    const count = this.#evaluator.flagCount();
    for (let position = 0; position < count; position += 1) {
      if (forClients && !this.#evaluator.flagIsClientVisible(position)) continue;
      const key = this.#evaluator.flagKey(position);
      if (key !== '') keys.push(key);
    }
    return keys;
  }

  /** @param now Unix milliseconds, asked for only when the outcome has an end or is new */
  evaluate(key: string, now: () => number): Outcome {
    const flag = this.#flags.get(key) ?? this.#find(key);
    if (!flag) return failed('FLAG_NOT_FOUND');
    const known = flag.outcome;
    if (known && flag.round === this.#round && (known.until === undefined || now() < known.until)) return known;
    if (!this.#usable) return failed('INVALID_CONTEXT', flag.type);
    const outcome = this.#evaluate(flag, OWN, now());
    flag.outcome = outcome;
    flag.round = this.#round;
    if (outcome.until !== undefined && outcome.until < this.#earliestEnd) this.#earliestEnd = outcome.until;
    return outcome;
  }

  /**
   * As `evaluate`, for another context.
   * @throws PennonError `context`, once; then every flag answers INVALID_CONTEXT for it.
   */
  evaluateFor(prepared: Prepared, key: string, now: number): Outcome {
    const flag = this.#flags.get(key) ?? this.#find(key);
    if (!flag) return failed('FLAG_NOT_FOUND');
    const place = this.#placeOf(prepared);
    return place === undefined ? failed('INVALID_CONTEXT', flag.type) : this.#evaluate(flag, place, now);
  }

  /**
   * As `evaluate`, for a context that only this evaluation uses.
   * @throws PennonError `context`
   */
  evaluateOnce(context: EvaluationContext, key: string, now: number): Outcome {
    const flag = this.#flags.get(key) ?? this.#find(key);
    if (!flag) return failed('FLAG_NOT_FOUND');
    this.#hand(encodeContext(context), PASSING);
    return this.#evaluate(flag, PASSING, now);
  }

  /** The steps that lead to the flag's outcome; none while there is no snapshot, or no context that can be used. */
  explain(key: string, now: number, prepared?: Prepared): readonly Step[] {
    const place = prepared ? this.#placeOf(prepared) : this.#usable ? OWN : undefined;
    const text = place === undefined ? '' : this.#evaluator.explain(key, place, now);
    return text === '' ? [] : (JSON.parse(text, binary64) as Step[]);
  }

  #find(key: string): Flag | undefined {
    const position = this.#evaluator.find(key);
    if (position < 0) return undefined;
    const type = FLAG_TYPES[this.#evaluator.flagType(position)];
    const metadata = decodeScalars(this.#evaluator.flagMetadata(position));
    const flag: Flag = { position, type, variants: [], rules: [], metadata, outcomes: new Map(), outcome: undefined, round: 0 };
    this.#flags.set(key, flag);
    return flag;
  }

  /** Where the evaluator has a context, which it is handed unless it has it. */
  #placeOf(prepared: Prepared): number | undefined {
    if (prepared.place !== PASSING && this.#tickets[prepared.place] === prepared.ticket) return prepared.place;
    const { encoded } = prepared;
    if (!encoded) return undefined;
    const large = encoded.length > MAX_KEPT_BYTES;
    const place = large ? PASSING : this.#nextPlace;
    if (!large) this.#nextPlace = place + 1 < MAX_CONTEXTS ? place + 1 : FIRST_KEPT;
    // Until it is there, nobody's context is.
    this.#tickets[place] = 0;
    prepared.encoded = undefined;
    this.#hand(encoded, place);
    prepared.encoded = encoded;
    prepared.place = place;
    prepared.ticket = this.#tickets[place] = lastTicket += 1;
    return place;
  }

  #hand(encoded: Uint8Array, place: number): void {
    const refused = this.#evaluator.setContext(encoded, place);
    if (refused !== 0) {
      const why = CONTEXT_ERRORS[refused - 1] ?? 'the evaluator refused it';
      throw new PennonError('context', `The context cannot be used: ${why}.`);
    }
  }

  #evaluate(flag: Flag, place: number, now: number): Outcome {
    const packed = this.#evaluator.evaluate(flag.position, place, now);
    return flag.outcomes.get(packed) ?? this.#unpack(flag, packed);
  }

  #unpack(flag: Flag, packed: number): Outcome {
    const { reason, errorCode, variant, rule, ends } = unpack(packed);
    const served = variant < 0 ? undefined : (flag.variants[variant] ??= this.#readVariant(flag, variant));
    const outcome = {
      type: flag.type,
      value: served?.value,
      variant: served?.name,
      reason,
      errorCode,
      rule: rule < 0 ? undefined : (flag.rules[rule] ??= this.#evaluator.ruleId(flag.position, rule)),
      until: ends ? this.#evaluator.until() : undefined,
      metadata: errorCode === 'PARSE_ERROR' ? undefined : flag.metadata,
    };
    // Few for a flag, however many contexts there are.
    if (!ends) flag.outcomes.set(packed, outcome);
    return outcome;
  }

  #readVariant(flag: Flag, variant: number): Variant {
    return { name: this.#evaluator.variantName(flag.position, variant), value: this.#readValue(flag, variant) };
  }

  #readValue(flag: Flag, variant: number): JsonValue | undefined {
    switch (flag.type) {
      case 'boolean':
        return this.#evaluator.variantNumber(flag.position, variant) === 1;
      case 'number':
        return this.#evaluator.variantNumber(flag.position, variant);
      case 'string':
        return this.#evaluator.variantText(flag.position, variant);
      case 'json': {
        const text = this.#evaluator.variantText(flag.position, variant);
        return text === undefined ? undefined : freeze(JSON.parse(text) as JsonValue);
      }
      case undefined:
        return undefined;
    }
  }
}

/** Turns `{"binary64": "<16 hexadecimal digits>"}` into the number it stands for. */
function binary64(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('binary64' in value) || typeof value.binary64 !== 'string') return value;
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${value.binary64}`));
  return view.getFloat64(0);
}
