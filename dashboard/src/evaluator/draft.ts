// An environment as it would be, evaluated in the page by Pennon's own evaluator: what every flag serves to somebody, why, how a split
// turns out, and whom a change flips.
import { type EvaluationContext } from '../../../npm/src/context.ts';
import { Evaluator, type EvaluatorModule, startEvaluator } from '../../../npm/src/evaluator.ts';
import { contextProblem } from '../../../npm/src/context-problems.ts';
import { openContexts, prepare, type Contexts } from '../../../npm/src/contexts.ts';
import { Failure } from '../../../npm/src/failure.ts';
import { free } from '../../../npm/src/free.ts';
import { openFlags } from '../../../npm/src/flags.ts';
import { type JsonValue, type Outcome, type Step } from '../../../npm/src/outcome.ts';
import type { InitOutput } from '../generated/evaluator/pennon_wasm.js';

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

let loaded: EvaluatorModule | undefined;

/** Loads the evaluator, once. `file` is for tests: in the page it is a file of the dashboard. */
export async function loadEvaluator(file?: BufferSource): Promise<void> {
  loaded = await startEvaluator(async () => WebAssembly.compile(file ?? (await fetched(new URL('../generated/evaluator/pennon_wasm_bg.wasm', import.meta.url)))));
}

async function fetched(file: URL): Promise<BufferSource> {
  const response = await fetch(file);
  if (!response.ok) throw new Error(`Loading the evaluator failed: ${response.status} for ${file.href}`);
  return response.arrayBuffer();
}

/** One compiled environment. To be closed when it is shown no more: its memory is WebAssembly's. */
export class Draft {
  readonly #evaluator: Evaluator;
  readonly #contexts: Contexts;
  readonly keys: readonly string[];

  private constructor(evaluator: Evaluator) {
    this.#evaluator = evaluator;
    const flags = openFlags(evaluator);
    this.#contexts = openContexts(flags);
    this.keys = flags.keys();
  }

  /**
   * Opens the body that `compileDraft` got; the evaluator has to be loaded.
   * @throws Error when it cannot be used
   */
  static open(body: Uint8Array): Draft {
    if (!loaded) throw new Error('The evaluator is not loaded yet.');
    loaded.put(body);
    // The dashboard's module can do what the package's cannot.
    const address = (loaded.wasm as InitOutput).evaluator_open_draft(loaded.crossing);
    if (address === 0) throw new Error(`The compiled draft cannot be opened: ${loaded.text()}`);
    return new Draft(new Evaluator(loaded, address));
  }

  has(flag: string): boolean {
    return this.keys.includes(flag);
  }

  /** What one flag serves. @throws Error for a context that cannot be used, with a sentence about the attribute */
  evaluate(flag: string, context: EvaluationContext, now = Date.now()): Outcome {
    return worded(() => this.#contexts.evaluate(prepare(context), flag, now));
  }

  /** What every flag serves, in the order of `keys`. @throws Error as `evaluate` */
  evaluateAll(context: EvaluationContext, now = Date.now()): Map<string, Outcome> {
    return worded(() => new Map(this.#contexts.evaluateAll(prepare(context), now)));
  }

  /** The steps that lead to what a flag serves (core/spec/evaluation.md section 8). @throws Error as `evaluate` */
  explain(flag: string, context: EvaluationContext, now = Date.now()): readonly Step[] {
    return worded(() => this.#contexts.explain(prepare(context), flag, now));
  }

  /**
   * What a flag serves to many made-up units: `context`, with `attribute` counting up.
   * @throws Error as `evaluate`
   */
  distribution(flag: string, context: EvaluationContext, attribute = 'targetingKey', units = SYNTHETIC_UNITS, now = Date.now()): Distribution {
    const [variants, rules] = [new Map<string, number>(), new Map<string, number>()];
    for (let unit = 1; unit <= units; unit += 1) {
      const { variant, rule } = worded(() => this.#contexts.evaluateOnce({ ...context, [attribute]: `unit-${unit}` }, flag, now));
      add(variants, variant ?? '', 1);
      add(rules, rule ?? '', 1);
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
    free(this.#evaluator);
  }
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}

function sameServed(before: Outcome | undefined, after: Outcome | undefined): boolean {
  if (!before || !after) return before === after;
  return before.variant === after.variant && JSON.stringify(before.value) === JSON.stringify(after.value);
}

/** @throws Error with a sentence, for a context that cannot be used */
function worded<Answer>(evaluate: () => Answer): Answer {
  try {
    return evaluate();
  } catch (thrown) {
    throw thrown instanceof Failure ? contextProblem(thrown) : thrown;
  }
}
