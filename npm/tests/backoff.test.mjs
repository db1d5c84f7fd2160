import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Backoff } from '../dist/backoff.js';

test('the bound doubles from the base to the cap', () => {
  const backoff = new Backoff(() => 1, 100, 1000);
  assert.deepEqual(Array.from({ length: 6 }, () => backoff.next()), [100, 200, 400, 800, 1000, 1000]);
});

test('the jitter is full: from nothing to the bound', () => {
  assert.equal(new Backoff(() => 0, 100, 1000).next(), 0);
  assert.equal(new Backoff(() => 0.25, 100, 1000).next(), 25);
});

test('success starts from the base again', () => {
  const backoff = new Backoff(() => 1, 100, 1000);
  backoff.next();
  backoff.next();
  backoff.succeeded();
  assert.equal(backoff.next(), 100);
});

test('a server can ask for a wait, once, and it is spread', () => {
  const backoff = new Backoff(() => 0.5, 100, 1000);
  backoff.serverAsked(5000);
  assert.equal(backoff.next(), 7500);
  assert.equal(backoff.next(), 50);
});

test('a server can set the window, which is the cap too, within a limit', () => {
  const backoff = new Backoff(() => 1, 100, 1000);
  backoff.serverSetWindow(150);
  assert.deepEqual([backoff.next(), backoff.next()], [100, 150]);
  backoff.serverSetWindow(1e12);
  for (let attempt = 0; attempt < 2000; attempt += 1) backoff.next();
  assert.equal(backoff.next(), 600_000);
});

test('whoever loses a stream comes back within the window, and no sooner than chance says', () => {
  const after = (drawn, told) => {
    const backoff = new Backoff(() => drawn, 100, 1000);
    backoff.serverSetWindow(8000);
    backoff.streamEnded(told);
    return [backoff.next(), backoff.next()];
  };
  assert.deepEqual([0, 0.25, 1].map((drawn) => after(drawn)[0]), [0, 2000, 8000]);
  assert.deepEqual(after(0.5, 600), [300, 50], 'a goodbye says it anew, once');
  const old = new Backoff(() => 1, 100, 1000);
  old.streamEnded();
  assert.equal(old.next(), 100, 'a server that says nothing leaves it at the first wait');
});

test('a server cannot set a window below the base', () => {
  const backoff = new Backoff(() => 1, 100, 1000);
  backoff.serverSetWindow(1);
  assert.deepEqual([backoff.next(), backoff.next()], [100, 100]);
});

test('regular requests are spread around their interval, which the cap bounds', () => {
  assert.deepEqual([0, 0.5, 1].map((drawn) => new Backoff(() => drawn, 100, 30_000).steady(5000)), [2500, 5000, 7500]);
  assert.equal(new Backoff(() => 0.5, 100, 1000).steady(5000), 1000);
});
