import { expect, test } from 'vitest';

import { everything } from '../../src/api/everything.ts';
import { Problem } from '../../src/api/problem.ts';
import { tooLate } from '../../src/api/taken.ts';

test('a list is read to its end', async () => {
  const asked: (string | undefined)[] = [];
  const list = await everything(async (cursor) => {
    asked.push(cursor);
    const page = Number(cursor ?? 0);
    return { items: [page * 2, page * 2 + 1], next: page < 3 ? String(page + 1) : null };
  });
  expect(list.items).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(asked).toEqual([undefined, '1', '2', '3']);
});

test('a list without an end is not read for ever', async () => {
  await expect(everything(async () => ({ items: [1], next: 'again' }))).rejects.toThrow(/does not end/);
});

test.each([
  [404, 'somebody else has taken it away already'],
  [412, 'somebody else has changed it meanwhile: look at it again first'],
  [409, 'still used'],
])('what is taken away too late: %i', (status, words) => expect((tooLate(new Problem(status, { detail: 'still used' })) as Error).message).toBe(words));
