import { starter, type ExchangeModule } from './exchange.js';
import type { InitOutput } from './generated/pennon_wasm.js';

/** The evaluator's module (wasm/src). */
export type EvaluatorModule = ExchangeModule<InitOutput>;

/** The module's functions on one evaluator, by their names in wasm/src. */
type Name = { [Export in keyof InitOutput & string]: Export extends `evaluator_${infer Rest}` ? Rest : never }[keyof InitOutput & string];

/** Starts the evaluator's module for all clients of this program. */
export const startEvaluator = starter<InitOutput>();

/** One client's state in the module. wasm/src says what each function takes and answers. */
export class Evaluator {
  declare readonly module: EvaluatorModule;
  /** Where it lies in the module's memory. */
  declare address: number;
  readonly #evaluate: InitOutput['evaluator_evaluate'];
  readonly #setContext: InitOutput['evaluator_set_context'];

  constructor(module: EvaluatorModule, address: number) {
    this.module = module;
    this.address = address;
    this.#evaluate = module.wasm.evaluator_evaluate;
    this.#setContext = module.wasm.evaluator_set_context;
  }

  /** Apart from the others because it is called most. */
  evaluate(position: number, place: number, now: number): number {
    return this.#evaluate(this.address, position, place, now);
  }

  /** As often as there is a new context: 0, or why it is refused. */
  setContext(encoded: Uint8Array, place: number): number {
    this.module.put(encoded);
    return this.#setContext(this.address, this.module.crossing, place, 1);
  }

  /** Calls a function that takes numbers and answers with one. */
  number(name: Name, ...given: number[]): number {
    return (this.module.wasm[`evaluator_${name}`] as (...given: number[]) => number)(this.address, ...given);
  }

  /** Calls a function that takes bytes. */
  give(name: Name, [first, second]: readonly [Uint8Array, Uint8Array?], ...given: number[]): number {
    this.module.put(first, second);
    return this.number(name, this.module.crossing, ...given);
  }

  /** Calls a function that answers with bytes. */
  bytes(name: Name, ...given: number[]): Uint8Array {
    this.number(name, this.module.crossing, ...given);
    return this.module.taken();
  }

  /** Calls a function that answers with text. */
  text(name: Name, ...given: number[]): string {
    this.number(name, this.module.crossing, ...given);
    return this.module.text();
  }
}

/**
 * @param root 32 bytes
 * @param environment 16 bytes
 * @param highWater in the form of another version of this package it says nothing
 */
export function createEvaluator(module: EvaluatorModule, root: Uint8Array, environment: Uint8Array, server: boolean, highWater: Uint8Array | undefined): Evaluator {
  const create = (mark?: Uint8Array): number => {
    module.put(root, environment, mark);
    return module.wasm.evaluator_create(module.crossing, Number(server));
  };
  return new Evaluator(module, create(highWater) || create());
}
