import type { EvaluationContext } from './context.js';
import { decodeScalars, encodeContext, encoder } from './context.js';
import type { Evaluator } from './evaluator.js';
import type { Explain } from './explain.js';
import { Failure } from './failure.js';
import { FLAG_TYPES, failed, freeze, unpack, type FlagType, type JsonValue, type Metadata, type Outcome, type Step } from './outcome.js';

/** A flag's key with its outcome. */
export type Entry = readonly [key: string, outcome: Outcome];

/** What is read once from the snapshot about a flag, and its latest outcome. */
export interface Flag {
  readonly key: string;
  readonly position: number;
  readonly type: FlagType | undefined;
  readonly variants: Variant[];
  readonly rules: string[];
  readonly metadata: Metadata | undefined;
  /** Outcomes that time does not change, few for a flag, however many contexts there are: each as the evaluator packs it, and as it is given. */
  readonly known: (number | Entry)[];
  outcome: Outcome | undefined;
  /** The round that the outcome is of. */
  counted: number;
}

/**
 * All flags of a snapshot, and of each the latest outcomes, by variant: they lie one behind the other in memory, and so are found several
 * times faster than in each flag's own list.
 */
export interface AllFlags {
  readonly flags: readonly Flag[];
  readonly positions: Uint32Array;
  /** As the evaluator packs them, `OUTCOMES_AT_HAND` for each flag. */
  readonly packed: Uint32Array;
  /** As they are given. */
  readonly entries: (Entry | undefined)[];
}

interface Variant {
  readonly variant: string;
  readonly value: JsonValue | undefined;
}

/** Outcomes of a flag that are kept; others are made each time. */
const MAX_KNOWN = 64;

/** The place of the own context in the evaluator; contexts.ts has the others. */
const OWN = 0;

/**
 * The flags of the snapshot that the evaluator holds, for one context of their own; contexts.ts evaluates them for others. Names and
 * values are read from WebAssembly once per snapshot; an outcome is remembered until the snapshot, the context or time itself changes it.
 */
export interface Flags {
  readonly evaluator: Evaluator;
  /** Once contexts.ts has asked for them. */
  all: AllFlags | undefined;
  /** When time alone may change one of the outcomes given so far; infinite when never. */
  earliestEnd(): number;
  /** The evaluator holds another snapshot: positions, names and values are of the old one. */
  snapshotChanged(): void;
  /** Outcomes are to be made anew: another context, or a later time. */
  forgetOutcomes(): void;
  /** @throws Failure of the context; until the next context, every flag then answers INVALID_CONTEXT. */
  setContext(context: EvaluationContext): void;
  /** The keys of all flags in the snapshot. */
  keys(): string[];
  /** @param now Unix milliseconds, asked for only when the outcome has an end or is new */
  evaluate(key: string, now: () => number): Outcome;
  /** The steps that lead to the flag's outcome; none for a context that cannot be used. */
  explain(by: Explain, key: string, now: number): readonly Step[];
  find(key: string): Flag | undefined;
  /** Hands a context to the evaluator. @throws Failure of the context */
  hand(encoded: Uint8Array, place: number): void;
  /** What the evaluator's packed answer stands for: the latest, if that ends. */
  entryOf(flag: Flag, packed: number): Entry;
}

export function openFlags(evaluator: Evaluator): Flags {
  let flags = new Map<string, Flag>();
  /** Whether there is a context of `setContext`, and one that can be used. */
  let usable = false;
  /** Counts contexts and instants that make all outcomes so far worthless. */
  let round = 0;
  let earliestEnd = Infinity;

  function find(key: string): Flag | undefined {
    const known = flags.get(key);
    if (known) return known;
    const position = evaluator.give('find', [encoder.encode(key)]);
    if (position < 0) return undefined;
    const flag: Flag = {
      key,
      position,
      type: FLAG_TYPES[evaluator.number('flag_type', position)],
      variants: [],
      rules: [],
      metadata: decodeScalars(evaluator.bytes('flag_metadata', position)),
      known: [],
      outcome: undefined,
      counted: 0,
    };
    flags.set(key, flag);
    return flag;
  }

  function hand(encoded: Uint8Array, place: number): void {
    const refused = evaluator.setContext(encoded, place);
    if (refused) throw new Failure('context', refused);
  }

  function entryOf(flag: Flag, packed: number): Entry {
    const { known } = flag;
    // For so few, faster than a Map, whose table is one more place in memory.
    for (let at = 0; at < known.length; at += 2) if (known[at] === packed) return known[at + 1] as Entry;
    const { reason, errorCode, variant, rule, ends } = unpack(packed);
    const served = variant < 0 ? undefined : (flag.variants[variant] ??= readVariant(flag, variant));
    const entry: Entry = [
      flag.key,
      {
        type: flag.type,
        value: served?.value,
        variant: served?.variant,
        reason,
        errorCode,
        rule: rule < 0 ? undefined : (flag.rules[rule] ??= evaluator.text('rule_id', flag.position, rule)),
        until: ends ? evaluator.number('until') : undefined,
        metadata: errorCode === 'PARSE_ERROR' ? undefined : flag.metadata,
      },
    ];
    if (!ends && known.length < 2 * MAX_KNOWN) known.push(packed, entry);
    return entry;
  }

  function readVariant({ position, type }: Flag, index: number): Variant {
    const variant = evaluator.text('variant_name', position, index);
    let value: JsonValue | undefined;
    if (type === 'boolean' || type === 'number') {
      const number = evaluator.number('variant_number', position, index);
      value = type === 'number' ? number : number === 1;
    } else if (evaluator.number('variant_text', evaluator.module.crossing, position, index)) {
      const text = evaluator.module.text();
      value = type === 'json' ? freeze(JSON.parse(text) as JsonValue) : text;
    }
    return { variant, value };
  }

  function forgetOutcomes(): void {
    round += 1;
    earliestEnd = Infinity;
  }

  const opened: Flags = {
    evaluator,
    all: undefined,
    earliestEnd: () => earliestEnd,
    snapshotChanged() {
      flags = new Map();
      opened.all = undefined;
      earliestEnd = Infinity;
    },
    forgetOutcomes,
    setContext(context) {
      usable = false;
      forgetOutcomes();
      hand(encodeContext(context), OWN);
      usable = true;
    },
    keys: () => Array.from({ length: evaluator.number('flag_count') }, (_, position) => evaluator.text('flag_key', position)).filter(Boolean),
    evaluate(key, now) {
      const flag = find(key);
      if (!flag) return failed('FLAG_NOT_FOUND');
      const known = flag.outcome;
      if (known && flag.counted === round && (known.until === undefined || now() < known.until)) return known;
      if (!usable) return failed('INVALID_CONTEXT', flag.type);
      const outcome = (flag.outcome = entryOf(flag, evaluator.evaluate(flag.position, OWN, now()))[1]);
      flag.counted = round;
      if (outcome.until) earliestEnd = Math.min(earliestEnd, outcome.until);
      return outcome;
    },
    explain: (by, key, now) => (usable ? by(evaluator, key, OWN, now) : []),
    find,
    hand,
    entryOf,
  };
  return opened;
}
