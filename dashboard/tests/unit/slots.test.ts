import { expect, test } from 'vitest';

import type { Rule } from '../../src/api/types.ts';
import { rulePieces, said } from '../../src/flag/sentence.ts';
import { freeSlots, overlap, slotInWords } from '../../src/flag/slots.ts';

test.each([
  ['nothing is taken', [], [[0, 100_000]]],
  ['the middle is taken', [[20_000, 50_000]], [[0, 20_000], [50_000, 100_000]]],
  ['slots in any order, one within another', [[60_000, 100_000], [0, 30_000], [10_000, 20_000]], [[30_000, 60_000]]],
  ['all is taken', [[0, 50_000], [50_000, 100_000]], []],
])('free: %s', (_, taken, free) => {
  expect(freeSlots(taken.map(([from = 0, to = 0]) => ({ from, to })))).toEqual(free.map(([from, to]) => ({ from, to })));
});

test('two that touch share nobody', () => {
  expect(overlap({ from: 0, to: 50_000 }, { from: 50_000, to: 60_000 })).toBe(false);
  expect(overlap({ from: 0, to: 50_001 }, { from: 50_000, to: 60_000 })).toBe(true);
});

test('a slot in words', () => expect(slotInWords({ from: 0, to: 12_500 })).toBe('0 % to 12.5 %'));

const rule = (when: Rule['when']): Rule => ({ id: 'r', when, serve: { variant: 'on' }, layer: { layer: 'home', from: 0, to: 50_000 } });

test.each([
  ['anybody', rule({ all: [] }), 'if in 0 % to 50 % of the layer home, serve on'],
  ['one condition', rule({ in: { attribute: 'country', values: ['US'] } }), 'if in 0 % to 50 % of the layer home and country is US, serve on'],
  ['one of two', rule({ any: [{ segment: 'a' }, { segment: 'b' }] }), 'if in 0 % to 50 % of the layer home and (in segment a or in segment b), serve on'],
])('a rule with a slot says so: %s', (_, one, words) => expect(said(rulePieces(one, 0))).toBe(words));
