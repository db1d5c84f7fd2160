import type { EvaluationContext } from './context.js';
import { decodeScalars, encodeContext } from './context.js';
import { PennonError } from './errors.js';
import type { Evaluator } from './generated/pennon_wasm.js';
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
  outcome: Outcome | undefined;
  /** The round that the outcome is of. */
  round: number;
}

interface Variant {
  readonly name: string;
  readonly value: JsonValue | undefined;
}

/** A context ready for the evaluator, with the outcomes made for it. */
export class Prepared {
  /** Nothing when the context cannot be used. */
  encoded: Uint8Array | undefined;
  readonly outcomes = new Map<string, Outcome>();
  /** The snapshot that they are of. */
  snapshot = 0;

  /** @throws PennonError `context` for what has no encoding; the evaluator may refuse it still. */
  constructor(context: EvaluationContext | undefined) {
    this.encoded = context && encodeContext(context).slice();
  }
}

/**
 * The flags of the snapshot that the evaluator holds, for one context of their own and any others. Names and values are read
 * from WebAssembly once per snapshot; an outcome is remembered until the snapshot, the context or time itself changes it.
 */
export class Flags {
  readonly #evaluator: Evaluator;
  #flags = new Map<string, Flag>();
  /** The context of `setContext`, encoded; nothing when it cannot be used. */
  #own: Uint8Array | undefined;
  /** The context that the evaluator has now. */
  #held: Uint8Array | undefined;
  /** Counts snapshots. */
  #snapshot = 0;
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
    this.#snapshot += 1;
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
    this.#own = undefined;
    this.forgetOutcomes();
    const encoded = encodeContext(context).slice();
    this.#hold(encoded);
    this.#own = encoded;
  }

  /** The keys of all flags in the snapshot, or of those alone that client SDKs may see. */
  keys(forClients = false): string[] {
    const keys: string[] = [];
    const count = this.#evaluator.flag_count();
    for (let position = 0; position < count; position += 1) {
      if (forClients && !this.#evaluator.flag_is_client_visible(position)) continue;
      const key = this.#evaluator.flag_key(position);
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
    const outcome = this.#evaluate(flag, this.#own, now());
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
    if (prepared.snapshot !== this.#snapshot) {
      prepared.snapshot = this.#snapshot;
      prepared.outcomes.clear();
    }
    const known = prepared.outcomes.get(key);
    if (known && (known.until === undefined || now < known.until)) return known;
    const flag = this.#flags.get(key) ?? this.#find(key);
    if (!flag) return failed('FLAG_NOT_FOUND');
    const { encoded } = prepared;
    prepared.encoded = undefined;
    const outcome = this.#evaluate(flag, encoded, now);
    prepared.encoded = encoded;
    prepared.outcomes.set(key, outcome);
    return outcome;
  }

  /** The steps that lead to the flag's outcome; none while there is no snapshot, or no context that can be used. */
  explain(key: string, now: number, encoded = this.#own): readonly Step[] {
    if (!encoded) return [];
    this.#hold(encoded);
    const text = this.#evaluator.explain(key, now);
    return text === '' ? [] : (JSON.parse(text, binary64) as Step[]);
  }

  #find(key: string): Flag | undefined {
    const position = this.#evaluator.find(key);
    if (position < 0) return undefined;
    const type = FLAG_TYPES[this.#evaluator.flag_type(position)];
    const metadata = decodeScalars(this.#evaluator.flag_metadata(position));
    const flag: Flag = { position, type, variants: [], rules: [], metadata, outcome: undefined, round: 0 };
    this.#flags.set(key, flag);
    return flag;
  }

  /** Hands a context to the evaluator, unless it has it. */
  #hold(encoded: Uint8Array): void {
    if (this.#held === encoded) return;
    this.#held = undefined;
    const refused = this.#evaluator.set_context(encoded);
    if (refused !== 0) {
      const why = CONTEXT_ERRORS[refused - 1] ?? 'the evaluator refused it';
      throw new PennonError('context', `The context cannot be used: ${why}.`);
    }
    this.#held = encoded;
  }

  #evaluate(flag: Flag, context: Uint8Array | undefined, now: number): Outcome {
    if (!context) return failed('INVALID_CONTEXT', flag.type);
    this.#hold(context);
    const { reason, errorCode, variant, rule, ends } = unpack(this.#evaluator.evaluate(flag.position, now));
    const until = ends ? this.#evaluator.until() : undefined;
    const served = variant < 0 ? undefined : (flag.variants[variant] ??= this.#readVariant(flag, variant));
    return {
      type: flag.type,
      value: served?.value,
      variant: served?.name,
      reason,
      errorCode,
      rule: rule < 0 ? undefined : (flag.rules[rule] ??= this.#evaluator.rule_id(flag.position, rule)),
      until,
      metadata: errorCode === 'PARSE_ERROR' ? undefined : flag.metadata,
    };
  }

  #readVariant(flag: Flag, variant: number): Variant {
    return { name: this.#evaluator.variant_name(flag.position, variant), value: this.#readValue(flag, variant) };
  }

  #readValue(flag: Flag, variant: number): JsonValue | undefined {
    switch (flag.type) {
      case 'boolean':
        return this.#evaluator.variant_number(flag.position, variant) === 1;
      case 'number':
        return this.#evaluator.variant_number(flag.position, variant);
      case 'string':
        return this.#evaluator.variant_text(flag.position, variant);
      case 'json': {
        const text = this.#evaluator.variant_text(flag.position, variant);
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
