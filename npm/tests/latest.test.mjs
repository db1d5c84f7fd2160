import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Latest } from '../dist/latest.js';

test('one at a time, and only the newest of those that arrive meanwhile', async () => {
  const ran = [];
  const skipped = [];
  let release;
  const first = new Promise((resolve) => (release = resolve));
  const latest = new Latest(
    async (item) => {
      ran.push(item);
      if (item === 1) await first;
    },
    (item) => skipped.push(item),
  );
  for (const item of [1, 2, 3, 4]) latest.offer(item);
  assert.deepEqual(ran, [1]);
  release();
  await latest.idle();
  assert.deepEqual(ran, [1, 4]);
  assert.deepEqual(skipped, [2, 3]);
  latest.offer(5);
  await latest.idle();
  assert.deepEqual(ran, [1, 4, 5]);
});
