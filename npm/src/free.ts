import type { Evaluator } from './evaluator.js';

/** Gives an evaluator's memory back; every later call of it throws. */
export function free(evaluator: Evaluator): void {
  const { address, module } = evaluator;
  evaluator.address = 0;
  module.wasm.__wbg_evaluator_free(address, 0);
}
