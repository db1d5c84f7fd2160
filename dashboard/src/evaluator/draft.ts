// An environment as it would be, evaluated in the page by Pennon's own evaluator: what every flag serves to somebody, why, how a split
// turns out, and whom a change flips.
import { type EvaluationContext, encodeContext } from '../../../npm/src/context.ts';
import { Flags, Prepared } from '../../../npm/src/flags.ts';
import { type JsonValue, type Outcome, type Step, unpack } from '../../../npm/src/outcome.ts';
import init, { Evaluator, type InitInput } from '../generated/evaluator/pennon_wasm.js';

export type { EvaluationContext, JsonValue, Outcome, Step };

/** Units that show a split well enough: the error of a share is below one percent. */
export const SYNTHETIC_UNITS = 10_000;

/** How many synthetic units are served what. */
export interface Distribution {
  units: number;
  /** By variant; '' for those that get the caller's default. */
  variants: Map<string, number>;
  /** By the id of the rule that decides; '' where none does. */
  rules: Map<string, number>;
}

/** A flag that serves somebody something else than before. */
export interface Flip {
  flag: string;
  /** The position of the context in the list that was compared. */
  context: number;
  before: Outcome | undefined;
  after: Outcome | undefined;
}

let loading: Promise<unknown> | undefined;

/** Loads the evaluator, once. `module` is for tests: in the page it is a file of the dashboard. */
export function loadEvaluator(module: InitInput = new URL('../generated/evaluator/pennon_wasm_bg.wasm', import.meta.url)): Promise<unknown> {
  loading ??= init({ module_or_path: module }).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/** One compiled environment. To be closed when it is shown no more: its memory is WebAssembly's. */
export class Draft {
  readonly #evaluator: Evaluator;
  readonly #flags: Flags;
  readonly keys: readonly string[];

  private constructor(evaluator: Evaluator) {
    this.#evaluator = evaluator;
    this.#flags = new Flags(evaluator);
    this.keys = this.#flags.keys();
  }

  /**
   * Opens the body that `compileDraft` got; the evaluator has to be loaded.
   * @throws Error when it cannot be used
   */
  static open(body: Uint8Array): Draft {
    try {
      return new Draft(Evaluator.open_draft(body));
    } catch (error) {
      throw new Error(`The compiled draft cannot be opened: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }

  has(flag: string): boolean {
    return this.#evaluator.find(flag) >= 0;
  }

  /** What one flag serves. @throws Error for a context that cannot be used, with a sentence about the attribute */
  evaluate(flag: string, context: EvaluationContext, now = Date.now()): Outcome {
    return this.#flags.evaluateFor(new Prepared(context), flag, now);
  }

  /** What every flag serves, in the order of `keys`. @throws Error as `evaluate` */
  evaluateAll(context: EvaluationContext, now = Date.now()): Map<string, Outcome> {
    const prepared = new Prepared(context);
    return new Map(this.keys.map((key) => [key, this.#flags.evaluateFor(prepared, key, now)]));
  }

  /** The steps that lead to what a flag serves (core/spec/evaluation.md section 8). @throws Error as `evaluate` */
  explain(flag: string, context: EvaluationContext, now = Date.now()): readonly Step[] {
    return this.#flags.explain(flag, now, encodeContext(context).slice());
  }

  /**
   * What a flag serves to many made-up units: `context`, with `attribute` counting up.
   * @throws Error as `evaluate`
   */
  distribution(flag: string, context: EvaluationContext, attribute = 'targetingKey', units = SYNTHETIC_UNITS, now = Date.now()): Distribution {
    const position = this.#evaluator.find(flag);
    // Counted by what is packed into one integer: names are read once for each kind of outcome.
    const counts = new Map<number, number>();
    for (let unit = 1; unit <= units; unit += 1) {
      const encoded = encodeContext({ ...context, [attribute]: `unit-${unit}` });
      if (this.#evaluator.set_context(encoded) !== 0) this.evaluate(flag, { ...context, [attribute]: `unit-${unit}` }, now);
      const packed = this.#evaluator.evaluate(position, now);
      counts.set(packed, (counts.get(packed) ?? 0) + 1);
    }
    // The wrapper must not believe that the evaluator still has the context that it handed over last.
    this.#flags.setContext({});
    const [variants, rules] = [new Map<string, number>(), new Map<string, number>()];
    for (const [packed, count] of counts) {
      const { variant, rule } = unpack(packed);
      add(variants, variant < 0 ? '' : this.#evaluator.variant_name(position, variant), count);
      add(rules, rule < 0 ? '' : this.#evaluator.rule_id(position, rule), count);
    }
    return { units, variants, rules };
  }

  /** Which flags serve these contexts something else than in `before`. @throws Error as `evaluate` */
  flips(before: Draft, contexts: readonly EvaluationContext[], now = Date.now()): Flip[] {
    const keys = [...new Set([...before.keys, ...this.keys])].sort();
    return contexts.flatMap((context, position) => {
      const [old, fresh] = [before.evaluateAll(context, now), this.evaluateAll(context, now)];
      return keys
        .map((flag) => ({ flag, context: position, before: old.get(flag), after: fresh.get(flag) }))
        .filter((flip) => !sameServed(flip.before, flip.after));
    });
  }

  close(): void {
    this.#evaluator.free();
  }
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}

function sameServed(before: Outcome | undefined, after: Outcome | undefined): boolean {
  if (!before || !after) return before === after;
  return before.variant === after.variant && JSON.stringify(before.value) === JSON.stringify(after.value);
}
