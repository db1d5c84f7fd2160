import { expect, test } from 'vitest';

import { percent, type Share, sharesOf, weightFrom, weightsAt, WHOLE, withShare } from '../../src/flag/shares.ts';

const weights = (...list: number[]): Share[] => list.map((weight, index) => ({ variant: `v${index}`, weight }));

test.each([
  [weights(25_000, 75_000), 0, 40_000, [40_000, 60_000]],
  [weights(25_000, 75_000), 1, 100_000, [0, 100_000]],
  [weights(50_000, 30_000, 20_000), 0, 0, [0, 60_000, 40_000]],
  [weights(100_000, 0, 0), 0, 40_000, [40_000, 30_000, 30_000]],
  [weights(33_333, 33_333, 33_334), 1, 1, [49_999, 1, 50_000]],
  [weights(10_000, 90_000), 0, 200_000, [100_000, 0]],
  [weights(100_000), 0, 5, [100_000]],
])('%j with share %i at %i', (before, index, wanted, after) => {
  const changed = withShare(before, index, wanted).map((share) => share.weight);
  expect(changed).toEqual(after);
  expect(changed.reduce((sum, weight) => sum + weight, 0)).toBe(WHOLE);
});

test('whatever is dragged, all shares stay whole and sum to 100 %', () => {
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 2_000; round += 1) {
    let shares = weights(WHOLE, ...Array.from({ length: 1 + random(7) }, () => 0));
    for (let drag = 0; drag < 5; drag += 1) shares = withShare(shares, random(shares.length), random(WHOLE + 1));
    expect(shares.every(({ weight }) => Number.isInteger(weight) && weight >= 0)).toBe(true);
    expect(shares.reduce((sum, { weight }) => sum + weight, 0)).toBe(WHOLE);
  }
});

test('parts of one variant are one share', () =>
  expect(sharesOf({ weights: [{ variant: 'a', weight: 1 }, { variant: null, weight: 2 }, { variant: 'a', weight: 3 }] })).toEqual([{ variant: 'a', weight: 4 }, { variant: null, weight: 2 }]));

test.each([['25', 25_000], ['12,5 %', 12_500], ['0.001', 1], ['', undefined], ['-1', undefined], ['100.1', undefined], ['x', undefined]])('%j is %s', (text, weight) => expect(weightFrom(text)).toBe(weight));
test.each([[25_000, '25 %'], [1, '0.001 %'], [33_333, '33.333 %'], [0, '0 %']])('%i is said as %s', (weight, text) => expect(percent(weight)).toBe(text));

const steps = [{ at: 100, weights: [0, 100] }, { at: 200, weights: [100, 0] }];
test.each([[0, [0, 100]], [100, [0, 100]], [150, [50, 50]], [200, [100, 0]], [900, [100, 0]]])('at %i a ramp stands at %j', (now, at) => expect(weightsAt(steps, now)).toEqual(at));
