import { expect, test } from 'vitest';

import type { Condition } from '../../src/api/types.ts';
import { conditionOf, leafOf, OPERATORS, operatorsFor, scalar } from '../../src/flag/leaf.ts';

const conditions: Condition[] = [
  { in: { attribute: 'a', values: ['x', 1, true], ignoreCase: true } },
  { not: { contains: { attribute: 'a', values: ['x'] } } },
  { number: { attribute: 'a', is: '<=', value: 5, parse: true } },
  { semver: { attribute: 'a', is: '>', value: '1.2.3', partial: true } },
  { datetime: { attribute: 'a', is: '>=', value: '2026-01-01T00:00:00Z' } },
  { matches: { attribute: 'a', pattern: '^x+$' } },
  { exists: { attribute: 'a' } },
  { equals: { attribute: 'a', value: false } },
  { ip_in_cidr: { attribute: 'a', values: ['10.0.0.0/8'] } },
  { size: { attribute: 'a', is: '=', value: 2 } },
  { segment: 'beta' },
  { not: { segment: 'beta' } },
];
test.each(conditions.map((condition) => [JSON.stringify(condition), condition] as const))('%s comes back from the editor as it was', (_, condition) => {
  const leaf = leafOf(condition);
  expect(leaf && conditionOf(leaf)).toEqual(condition);
});

const others: Condition[] = [
  { all: [] },
  { not: { not: { segment: 'beta' } } },
  { bucket: { by: {}, below: 5 } },
  { some: { attribute: 'a', when: { segment: 'b' } } },
  { error: 'x' },
  { is_type: { attribute: 'a', type: 'string' } },
];
test.each(others.map((condition) => [JSON.stringify(condition), condition] as const))('%s is no leaf', (_, condition) => expect(leafOf(condition)).toBeUndefined());

test('every operator suits some type of attribute', () => {
  const suiting = (['boolean', 'string', 'number', 'semver', 'datetime', 'ip', 'list', 'object'] as const).flatMap((type) => operatorsFor(type));
  expect(OPERATORS.filter(({ id }) => id !== 'segment' && !suiting.some((operator) => operator.id === id))).toEqual([]);
});

test.each([
  ['5', 'number', [], 5],
  ['5', 'string', [], '5'],
  ['5', undefined, [], '5'],
  ['5', undefined, [1, 2], 5],
  ['true', 'boolean', [], true],
  ['x', 'number', [], 'x'],
] as const)('%j typed for %s beside %j is %j', (text, type, beside, value) => expect(scalar(text, type, [...beside])).toBe(value));
