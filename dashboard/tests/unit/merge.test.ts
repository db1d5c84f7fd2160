import { expect, test } from 'vitest';

import type { FlagConfiguration, Rule } from '../../src/api/types.ts';
import { merge } from '../../src/flag/merge.ts';
import { operationsBetween } from '../../src/flag/operations.ts';
import { configurationOf, partsOf } from '../../src/flag/parts.ts';
import { changesInWords } from '../../src/flag/words.ts';

const rule = (id: string, variant = 'on'): Rule => ({ id, when: { segment: id }, serve: { variant } });
const base: FlagConfiguration = { enabled: false, offVariant: 'off', fallthrough: { variant: 'on' }, rules: [rule('a'), rule('b'), rule('c')], targets: [{ unit: 'targetingKey', variant: 'on', keys: ['u1', 'u2'] }] };
const ids = (configuration: FlagConfiguration) => (configuration.rules ?? []).map(({ id }) => id).join('');

test('parts make the configuration again', () => expect(configurationOf(partsOf(base))).toEqual(base));

test('different rules do not collide', () => {
  const mine = { ...base, rules: [rule('a', 'off'), rule('b'), rule('c')] };
  const theirs = { ...base, enabled: true, rules: [rule('a'), rule('b'), rule('c', 'off')] };
  const { configuration, conflicts, taken } = merge(base, mine, theirs);
  expect(conflicts).toEqual([]);
  expect(taken).toEqual(['enabled', 'rule c']);
  expect(configuration).toEqual({ ...base, enabled: true, rules: [rule('a', 'off'), rule('b'), rule('c', 'off')] });
});

test('the same rule is asked, and either side can be taken', () => {
  const mine = { ...base, rules: [rule('a', 'x'), rule('b'), rule('c')] };
  const theirs = { ...base, rules: [rule('a', 'y'), rule('b'), rule('c')] };
  expect(merge(base, mine, theirs).conflicts.map(({ part }) => part)).toEqual(['rule a']);
  expect(merge(base, mine, theirs).configuration).toEqual(mine);
  expect(merge(base, mine, theirs, { 'rule a': 'theirs' }).configuration).toEqual(theirs);
});

test('a rule that one removed and the other changed is asked', () => {
  const mine = { ...base, rules: [rule('b'), rule('c')] };
  const theirs = { ...base, rules: [rule('a', 'y'), rule('b'), rule('c')] };
  expect(merge(base, mine, theirs).conflicts.map(({ part }) => part)).toEqual(['rule a']);
  expect(ids(merge(base, mine, theirs).configuration)).toBe('bc');
  expect(ids(merge(base, mine, theirs, { 'rule a': 'theirs' }).configuration)).toBe('abc');
});

test.each([
  ['mine only', 'cab', 'abc', 'cab', false],
  ['theirs only', 'abc', 'bca', 'bca', false],
  ['both alike', 'cba', 'cba', 'cba', false],
  ['both', 'cab', 'bca', 'cab', true],
  ['theirs is new', 'cab', 'abxc', 'cabx', false],
  ['mine is new and theirs moves', 'xabc', 'cba', 'xcba', false],
  ['both are new', 'axbc', 'abcy', 'axbcy', false],
  ['removed by both', 'ab', 'bc', 'b', false],
])('order: %s', (_, mine, theirs, merged, asked) => {
  const of = (order: string) => ({ ...base, rules: [...order].map((id) => rule(id)) });
  const { configuration, conflicts } = merge(base, of(mine), of(theirs));
  expect(ids(configuration)).toBe(merged);
  expect(conflicts.some(({ part }) => part === 'order')).toBe(asked);
});

test('targets merge key by key', () => {
  const mine = { ...base, targets: [{ variant: 'on', keys: ['u1', 'u2', 'u3'] }] };
  const theirs = { ...base, targets: [{ variant: 'on', keys: ['u1'] }, { variant: 'off', keys: ['u9'] }] };
  const { configuration, conflicts } = merge(base, mine, theirs);
  expect(conflicts).toEqual([]);
  expect(configuration.targets).toEqual([{ unit: 'targetingKey', variant: 'on', keys: ['u1', 'u3'] }, { unit: 'targetingKey', variant: 'off', keys: ['u9'] }]);
});

const by = { salt: '0'.repeat(32) };
const parts = (on: number) => ({ split: { by, weights: [{ variant: 'on', weight: on }, { variant: 'off', weight: 100_000 - on }] } });

test('operations say what was meant', () => {
  const before: FlagConfiguration = { ...base, fallthrough: parts(25_000), prerequisites: [{ flag: 'p', variants: ['on'] }], metadata: { team: 'x' } };
  const after: FlagConfiguration = {
    enabled: true, offVariant: 'off', fallthrough: parts(50_000), rules: [rule('c'), rule('n'), rule('a', 'off')],
    targets: [{ variant: 'off', keys: ['u2'], expires: 5 }], metadata: { team: 'y' },
  };
  expect(operationsBetween(before, after)).toEqual([
    { op: 'setWeights', weights: { on: 50_000, off: 50_000 } },
    { op: 'setRuleServe', id: 'a', serve: { variant: 'off' } },
    { op: 'removeRule', id: 'b' },
    { op: 'removePrerequisite', flag: 'p' },
    { op: 'setMetadata', name: 'team', value: 'y' },
    { op: 'removeTargets', unit: 'targetingKey', keys: ['u1'] },
    { op: 'addTargets', unit: 'targetingKey', variant: 'off', keys: ['u2'], expires: 5 },
    { op: 'moveRule', id: 'c', position: 0 },
    { op: 'addRule', rule: rule('n'), position: 1 },
    { op: 'turnOn' },
  ]);
  expect(operationsBetween(before, before)).toEqual([]);
});

test('changes are said in words', () => {
  const after = { ...base, enabled: true, rules: [rule('b'), rule('a', 'off')] };
  expect(changesInWords(base, after, 0)).toEqual([
    'turns the flag on',
    'changes the rule: if in segment a, serve off',
    'removes the rule c',
    'changes the order of the rules',
  ]);
});
