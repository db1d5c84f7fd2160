import { expect, test } from 'vitest';

import { readContext } from '../../src/preview/contexts.ts';
import { traceLines } from '../../src/preview/trace.ts';

test.each<[string, unknown]>([
  ['', {}],
  ['targetingKey = 42\ncountry: US\n\nage = 30', { targetingKey: '42', country: 'US', age: 30 }],
  ['zip = 01234\nstaff = true\ngroups = a, b', { zip: '01234', staff: true, groups: ['a', 'b'] }],
  ['{"a": {"b": [1, null]}}', { a: { b: [1, null] } }],
])('%j is read', (text, context) => expect(readContext(text, { zip: 'string', groups: 'list', age: 'number' })).toEqual({ context }));

test.each(['country US', '{"a": '])('%j is not', (text) => expect(readContext(text, {})).toHaveProperty('wrong'));

test('steps are said in words', () => {
  const lines = traceLines(
    [
      { step: 'rule', rule: 'r1', matched: true, steps: [{ step: 'all', holds: true, steps: [{ step: 'in', attribute: 'country', actual: 'US', holds: true }, { step: 'exists', attribute: 'plan', holds: false }] }] },
      { step: 'split', bucket: 2 ** 30, from: 0, to: 2 ** 31, variant: 'on' },
    ],
    { r1: 'North America' },
  );
  expect(lines).toEqual([
    {
      text: 'Rule North America', holds: true,
      lines: [{ text: 'All of these hold', holds: true, lines: [{ text: 'country is one of: it is “US”', holds: true, lines: [] }, { text: 'plan is present: it is missing', holds: false, lines: [] }] }],
    },
    { text: 'Bucket at 25.00 %: on has 0.00 % to 50.00 %', holds: undefined, lines: [] },
  ]);
});
