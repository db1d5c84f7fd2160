import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Latest } from '../dist/latest.js';

/** Long enough for all that waits for nothing outside. */
const turns = () => new Promise((resolve) => setImmediate(resolve));

test('one at a time, and only the newest of those that arrive meanwhile', async () => {
  const ran = [];
  const skipped = [];
  const ends = new Map();
  const latest = new Latest(
    (item) => {
      ran.push(item);
      return new Promise((end) => ends.set(item, end));
    },
    (item) => skipped.push(item),
  );
  for (const item of [1, 2, 3, 4]) latest.offer(item);
  assert.deepEqual(ran, [1]);
  ends.get(1)();
  await turns();
  assert.deepEqual(ran, [1, 4]);
  assert.deepEqual(skipped, [2, 3]);
  ends.get(4)();
  await turns();
  assert.deepEqual(ran, [1, 4], 'nothing runs twice');
  latest.offer(5);
  assert.deepEqual(ran, [1, 4, 5]);
});
