import { encoder } from './context.js';
import type { Evaluator } from './evaluator.js';
import type { Step } from './outcome.js';

/** The steps that lead to a flag's outcome for the context at a place of the evaluator. */
export function explain(evaluator: Evaluator, key: string, place: number, now: number): readonly Step[] {
  evaluator.give('explain', [encoder.encode(key)], place, now);
  return JSON.parse(evaluator.module.text() || '[]', binary64) as Step[];
}

/** How steps are made of an evaluator: a part that pages do not start with. */
export type Explain = typeof explain;

/** Turns `{"binary64": "<16 hexadecimal digits>"}` into the number it stands for. */
function binary64(_name: string, value: { readonly binary64?: unknown } | null): unknown {
  if (typeof value?.binary64 !== 'string') return value;
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${value.binary64}`));
  return view.getFloat64(0);
}
