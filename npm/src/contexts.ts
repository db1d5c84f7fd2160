import { encodeContext, type EvaluationContext } from './context.js';
import { explain } from './explain.js';
import { Failure } from './failure.js';
import type { AllFlags, Entry, Flag, Flags } from './flags.js';
import { ENDS, failed, variantOf, type Outcome, type Step } from './outcome.js';
import { plainContexts } from './plain-context.js';

// Places for contexts in the evaluator (wasm/src/evaluation.rs); the first is that of the flags' own context.
/** For a context that one evaluation uses, and for large ones. */
const PASSING = 1;
const FIRST_KEPT = 2;
const MAX_CONTEXTS = 1024;
/** Bytes of a context that keeps a place: typical ones have some hundreds. */
const MAX_KEPT_BYTES = 2048;

/** Of each flag, when all are asked for; a power of two. */
const OUTCOMES_AT_HAND = 8;

/** Those of no context that the evaluator could have. */
const NO_NAMES: readonly string[] = [];

/** No two contexts ever get the same, of whichever evaluator. */
let lastTicket = 0;

/** A context ready for the evaluator. */
export interface Prepared {
  /** Nothing when the context cannot be used. */
  encoded: Uint8Array | undefined;
  /** Where the evaluator has it, if `ticket` is still the one that was handed out for this place. */
  place: number;
  ticket: number;
}

/** @throws Failure of what has no encoding; the evaluator may refuse it still. */
export function prepare(context: EvaluationContext | undefined): Prepared {
  return { encoded: context && encodeContext(context).slice(), place: PASSING, ticket: 0 };
}

/** Flags for any number of contexts. What one cannot be used for is a Failure once; then every flag answers INVALID_CONTEXT for it. */
export interface Contexts {
  evaluate(prepared: Prepared, key: string, now: number): Outcome;
  /** Every flag, in one call of the evaluator. */
  evaluateAll(prepared: Prepared, now: number): Entry[];
  /** For a context that only this evaluation uses. */
  evaluateOnce(context: EvaluationContext, key: string, now: number): Outcome;
  explain(prepared: Prepared, key: string, now: number): readonly Step[];
}

export function openContexts(flags: Flags): Contexts {
  const { evaluator } = flags;
  const setContext = evaluator.module.wasm.evaluator_set_context;
  const plain = plainContexts(evaluator.module);
  /** Of each place, for the context that is there; places are given out in turn. */
  const tickets: number[] = [];
  let nextPlace = FIRST_KEPT;
  /** Of the plain context that the evaluator has for one evaluation: the next one most often has the same, and then gives its values alone. */
  let names = NO_NAMES;

  /** Where the evaluator has a context, which it is handed unless it has it. */
  function placeOf(prepared: Prepared): number | undefined {
    if (prepared.place !== PASSING && tickets[prepared.place] === prepared.ticket) return prepared.place;
    const { encoded } = prepared;
    if (!encoded) return undefined;
    const large = encoded.length > MAX_KEPT_BYTES;
    const place = large ? PASSING : nextPlace;
    if (!large) nextPlace = place + 1 < MAX_CONTEXTS ? place + 1 : FIRST_KEPT;
    // Until it is there, nobody's context is.
    tickets[place] = 0;
    if (large) names = NO_NAMES;
    prepared.encoded = undefined;
    flags.hand(encoded, place);
    prepared.encoded = encoded;
    prepared.place = place;
    prepared.ticket = tickets[place] = lastTicket += 1;
    return place;
  }

  /** Hands the evaluator a context for one evaluation. */
  function passOn(context: EvaluationContext): void {
    const known = names;
    // A getter of the context may evaluate for another one meanwhile.
    if (known !== NO_NAMES && plain.putValues(context, known) && names === known) return take(known, false);
    const own: string[] = [];
    if (plain.put(context, own)) return take(own, true);
    names = NO_NAMES;
    flags.hand(encodeContext(context), PASSING);
  }

  /** Has the evaluator take what `plain` has. */
  function take(those: readonly string[], named: boolean): void {
    names = NO_NAMES;
    const refused = setContext(evaluator.address, plain.exchange, PASSING, Number(named));
    if (refused) throw new Failure('context', refused);
    names = those;
  }

  const evaluated = (flag: Flag, place: number, now: number): Entry => flags.entryOf(flag, evaluator.evaluate(flag.position, place, now));

  return {
    evaluate(prepared, key, now) {
      const flag = flags.find(key);
      if (!flag) return failed('FLAG_NOT_FOUND');
      const place = placeOf(prepared);
      return place === undefined ? failed('INVALID_CONTEXT', flag.type) : evaluated(flag, place, now)[1];
    },
    evaluateAll(prepared, now) {
      const { flags: all, positions, packed, entries } = (flags.all ??= openAll(flags));
      const place = placeOf(prepared);
      if (place === undefined) return all.map(({ key, type }) => [key, failed('INVALID_CONTEXT', type)]);
      // A copy: what is read of a flag for the first time comes through the same buffer.
      const answers = new Uint32Array(evaluator.bytes('evaluate_all', place, now).buffer);
      const given = new Array<Entry>(all.length);
      for (let at = 0; at < given.length; at += 1) {
        const answer = answers[positions[at] as number] as number;
        const slot = at * OUTCOMES_AT_HAND + (variantOf(answer) & (OUTCOMES_AT_HAND - 1));
        let entry = packed[slot] === answer ? entries[slot] : undefined;
        if (!entry) {
          const flag = all[at] as Flag;
          // When it ends is known of the latest evaluation alone.
          if (answer >= ENDS) entry = evaluated(flag, place, now);
          else {
            entry = entries[slot] = flags.entryOf(flag, answer);
            packed[slot] = answer;
          }
        }
        given[at] = entry;
      }
      return given;
    },
    evaluateOnce(context, key, now) {
      const flag = flags.find(key);
      if (!flag) return failed('FLAG_NOT_FOUND');
      passOn(context);
      return evaluated(flag, PASSING, now)[1];
    },
    explain(prepared, key, now) {
      const place = placeOf(prepared);
      return place === undefined ? [] : explain(evaluator, key, place, now);
    },
  };
}

function openAll(flags: Flags): AllFlags {
  const all = flags.keys().flatMap((key) => flags.find(key) ?? []);
  const outcomes = all.length * OUTCOMES_AT_HAND;
  return { flags: all, positions: Uint32Array.from(all, ({ position }) => position), packed: new Uint32Array(outcomes), entries: new Array<undefined>(outcomes) };
}
