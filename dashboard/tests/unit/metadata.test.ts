import { expect, test } from 'vitest';

import { type MetadataRow, metadataFrom, rowsOf, wrongWith } from '../../src/flag/metadata.ts';

const row = (name: string, type: MetadataRow['type'], text: string): MetadataRow => ({ name, type, text });

test('what is there comes back as it was', () => {
  const metadata = { team: 'web', share: 12.5, urgent: true, empty: '', digits: '12' };
  expect(metadataFrom(rowsOf(metadata))).toEqual(metadata);
});

test.each([
  ['without a name', [row(' ', 'string', 'x')], 'It needs a name.'],
  ['no number', [row('a', 'number', '1x')], 'This is no number.'],
  ['nothing for a number', [row('a', 'number', ' ')], 'This is no number.'],
  ['twice', [row('a', 'string', 'x'), row('a ', 'string', 'y')], 'This name is above already.'],
])('%s: it is said, and not saved', (_, rows, words) => {
  expect(wrongWith(rows, rows.length - 1)).toBe(words);
  expect(Object.keys(metadataFrom(rows))).toHaveLength(rows.length - 1);
});
