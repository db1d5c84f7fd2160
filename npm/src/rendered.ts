import type { EvaluationContext } from './context.js';
import { failed, type Outcome } from './outcome.js';

/**
 * Every flag's outcome for one context, as a server found it and puts it into the page. It is part of the page and as much
 * to be trusted; it holds what client SDKs may see and nothing else.
 */
export interface RenderedFlags {
  readonly context: EvaluationContext;
  readonly outcomes: { readonly [key: string]: Partial<Outcome> };
}

/** The outcomes by key. */
export function readRendered({ outcomes }: RenderedFlags): ReadonlyMap<string, Outcome> {
  // What JSON left out, `undefined`, is an outcome's part all the same.
  const nothing: Outcome = { ...failed('GENERAL'), errorCode: undefined };
  return new Map(Object.entries(outcomes).map(([key, outcome]) => [key, { ...nothing, ...outcome }]));
}

/** What a server rendered, while that counts. A flag that it did not render is as unknown as before the first snapshot. */
export function renderedOutcome(outcomes: ReadonlyMap<string, Outcome> | undefined, key: string): Outcome {
  return outcomes?.get(key) ?? failed('PROVIDER_NOT_READY');
}

/** JSON of what holds contexts, whose integers may be `bigint`. @throws for what contains itself */
export function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : part));
}

/** JSON that can stand inside of a script element: nothing in it ends the element, or a line of JavaScript. */
export function scriptSafe(value: unknown): string {
  return jsonOf(value).replace(/[<\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
