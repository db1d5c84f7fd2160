import { expect, test } from 'vitest';

import type { Outcome } from '../../src/evaluator/draft.ts';
import { matrix } from '../../src/preview/matrix.ts';

const served = (variant: string, value: unknown = variant): Outcome => ({ variant, value, reason: 'STATIC', type: 'string' }) as unknown as Outcome;
const draft = (outcomes: Record<string, Outcome>) => ({ evaluateAll: () => new Map(Object.entries(outcomes)) });

test('a row for each flag of any environment, and whether it differs', () => {
  const rows = matrix([draft({ b: served('on'), a: served('on'), c: served('x', 1) }), draft({ a: served('on'), b: served('off'), c: served('x', 2) })], {});
  expect(rows.map(({ flag, differs, outcomes }) => [flag, differs, outcomes.map((outcome) => outcome?.variant)])).toEqual([['a', false, ['on', 'on']], ['b', true, ['on', 'off']], ['c', true, ['x', 'x']]]);
});

test('a flag that one environment does not have differs; an environment that is not there yet does not', () => {
  expect(matrix([draft({ a: served('on') }), draft({})], {}).map(({ differs }) => differs)).toEqual([true]);
  expect(matrix([draft({ a: served('on') }), undefined], {}).map(({ differs }) => differs)).toEqual([false]);
});
