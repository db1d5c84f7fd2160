import { expect, test } from 'vitest';

import { type Ground, quick } from '../../src/flag/quick.ts';
import { conditionPieces, said } from '../../src/flag/sentence.ts';

const ground: Ground = {
  attributes: { country: 'string', age: 'number', app: 'semver', groups: 'list', since: 'datetime', address: 'ip', staff: 'boolean' },
  variants: [{ key: 'on', value: true }, { key: 'off', value: false }],
  offVariant: 'off',
};
const split = (on: number) => ({ split: { by: {}, weights: [{ variant: 'on', weight: on }, { variant: 'off', weight: 100_000 - on }] } });

test.each<[string, unknown, unknown]>([
  ['country in US, CA and plan = pro: 25%', { all: [{ in: { attribute: 'country', values: ['US', 'CA'] } }, { in: { attribute: 'plan', values: ['pro'] } }] }, split(25_000)],
  ['if country is US, serve 12.5% on', { in: { attribute: 'country', values: ['US'] } }, split(12_500)],
  ['country != "New Zealand" -> off', { not: { in: { attribute: 'country', values: ['New Zealand'] } } }, { variant: 'off' }],
  ['age >= 18', { number: { attribute: 'age', is: '>=', value: 18 } }, undefined],
  ['app < 2.0.0', { semver: { attribute: 'app', is: '<', value: '2.0.0' } }, undefined],
  ['since > 2026-01-01T00', { datetime: { attribute: 'since', is: '>', value: '2026-01-01T00' } }, undefined],
  ['groups has beta, qa', { any_of: { attribute: 'groups', values: ['beta', 'qa'] } }, undefined],
  ['address in 10.0.0.0/8', { ip_in_cidr: { attribute: 'address', values: ['10.0.0.0/8'] } }, undefined],
  ['staff = true', { equals: { attribute: 'staff', value: true } }, undefined],
  ['in segment beta or not segment old', { any: [{ segment: 'beta' }, { not: { segment: 'old' } }] }, undefined],
  ['(a = 1 or b = x) and c exists', { all: [{ any: [{ in: { attribute: 'a', values: [1] } }, { in: { attribute: 'b', values: ['x'] } }] }, { exists: { attribute: 'c' } }] }, undefined],
  ['email is missing', { not: { exists: { attribute: 'email' } } }, undefined],
  ['email does not end with @example.com, @example.org', { not: { ends_with: { attribute: 'email', values: ['@example.com', '@example.org'] } } }, undefined],
  ['everybody: 100% on', { all: [] }, split(100_000)],
])('%s', (line, when, serve) => expect(quick(line, ground)).toEqual({ when, serve }));

test.each([
  ['country', 'after country say =, in, contains, >, …'],
  ['country in', 'a value is missing'],
  ['country in US plan = pro', '“plan” was not expected; join conditions by and, or'],
  ['country in US: 120%', '“120” is no percentage'],
  ['country in US: 80% on, 30% off', 'that is more than 100 %'],
  ['country in US: blue', 'there is no variant “blue”: on, off'],
  ['age > old', '“old” is no number'],
  ['(a = 1', 'a ) is missing'],
  ['', 'an attribute is missing'],
])('%j says what is wrong', (line, wrong) => expect(quick(line, ground)).toEqual({ wrong }));

test('what was read is said back', () => {
  const read = quick('country in US, CA and not (plan = pro or staff = true)', ground);
  expect('when' in read && said(conditionPieces(read.when))).toBe('country is one of US, CA and not (plan is pro or staff is true)');
});
