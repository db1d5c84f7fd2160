import type { EvaluatorModule } from './acceptance.js';
// By name: what is not used, wasm-bindgen's own loader, is left out of bundles.
import { Evaluator, initSync, keyset_of_head, refusal_code, refusal_sentence } from './generated/pennon_wasm.js';

let started: Promise<EvaluatorModule> | undefined;

/** Starts the WebAssembly module for all clients of this program; one that did not start is loaded again the next time. */
export function startEvaluator(load: () => Promise<WebAssembly.Module>): Promise<EvaluatorModule> {
  started ??= load().then(
    (module) => {
      initSync({ module });
      return { Evaluator, keyset_of_head, refusal_code, refusal_sentence };
    },
    (thrown: unknown) => {
      started = undefined;
      throw thrown;
    },
  );
  return started;
}
