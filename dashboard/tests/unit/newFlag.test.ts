import { expect, test } from 'vitest';

import { flagFrom, keyFrom, NOTHING_TYPED, tagsFrom } from '../../src/pages/flags/newFlag.ts';

test.each([
  ['New checkout', 'new-checkout'],
  ['  Über  Käse! ', 'uber-kase'],
  ['v2.1 (beta)', 'v2.1-beta'],
  ['--x--', 'x'],
  ['日本', ''],
])('the key of %j is %j', (name, key) => expect(keyFrom(name)).toBe(key));

test('a key that was typed wins over the name', () => {
  expect(flagFrom({ ...NOTHING_TYPED, name: 'New checkout', key: 'checkout-2' })).toEqual({
    key: 'checkout-2',
    definition: { type: 'boolean', variants: [], name: 'New checkout', clientVisible: true },
  });
});

test('tags stand once each', () => expect(tagsFrom('a, b,,a , c')).toEqual(['a', 'b', 'c']));
