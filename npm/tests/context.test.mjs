import assert from 'node:assert/strict';
import { test } from 'node:test';

import { contextProblem } from '../dist/context-problems.js';
import { encodeContext } from '../dist/context.js';

/** Reads the encoding of core/spec/snapshot.md back into a plain object, independently of the writer. */
function decode(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (start, length) => new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(start, start + length));
  function value(at) {
    switch (bytes[at]) {
      case 0:
        return [null, at + 1];
      case 1:
        return [false, at + 1];
      case 2:
        return [true, at + 1];
      case 3:
        return [view.getFloat64(at + 1, true), at + 9];
    }
    const length = view.getUint32(at + 1, true);
    const [start, end] = [at + 5, at + 5 + length];
    if (bytes[at] === 4) return [text(start, length), end];
    if (bytes[at] === 6) return [object(start, end), end];
    assert.equal(bytes[at], 5);
    const list = [];
    for (let inside = start; inside < end; ) {
      const [element, next] = value(inside);
      list.push(element);
      inside = next;
    }
    return [list, end];
  }
  function object(start, end) {
    const result = {};
    let at = start;
    while (at < end) {
      const length = view.getUint16(at, true);
      const [inner, next] = value(at + 2 + length);
      result[text(at + 2, length)] = inner;
      at = next;
    }
    assert.equal(at, end);
    return result;
  }
  return object(0, bytes.length);
}

const CONTEXTS = [
  {},
  { targetingKey: 'user-1' },
  { targetingKey: 42, a: 1.5, b: -0.25, c: 1e308, d: 0 },
  { yes: true, no: false, none: null, gone: undefined },
  { 'ünïcode 🚩': 'wörld 🌍', empty: '', '': 'empty name' },
  { nested: { a: { b: [1, 'two', [true], { three: 3 }] } }, list: [], object: {} },
  { long: 'ä'.repeat(5000), name: 'x'.repeat(65), edge: 'y'.repeat(64) },
  Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`attribute${index}`, `value ${index}`])),
];

for (const context of CONTEXTS) {
  const name = JSON.stringify(context);
  test(`encodes as JSON would: ${name.slice(0, 60)}`, () => {
    assert.deepEqual(decode(encodeContext(context)), JSON.parse(name));
  });
}

test('dates become ISO text, holes in lists null, big integers numbers, lone surrogates the replacement character', () => {
  assert.deepEqual(decode(encodeContext({ at: new Date(0), list: [undefined, 1], big: 2n ** 53n - 1n, lone: '\ud800' })), {
    at: '1970-01-01T00:00:00.000Z',
    list: [null, 1],
    big: 2 ** 53 - 1,
    lone: '\ufffd',
  });
});

test('the bytes are the ones of the specification', () => {
  assert.deepEqual(
    [...encodeContext({ a: 'b', n: 1, l: [true] })],
    [1, 0, 97, 4, 1, 0, 0, 0, 98, 1, 0, 110, 3, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 1, 0, 108, 5, 1, 0, 0, 0, 2],
  );
});

test('a getter that encodes another context disturbs neither', () => {
  let inner;
  const context = {
    first: 'x',
    get second() {
      inner = decode(encodeContext({ z: 1 }));
      return 'y';
    },
    third: 'z',
  };
  assert.deepEqual(decode(encodeContext(context)), { first: 'x', second: 'y', third: 'z' });
  assert.deepEqual(inner, { z: 1 });
});

const circular = {};
circular.self = circular;
const REFUSED = [
  [{ a: { b: [Number.NaN] } }, /a\.b\.0 is a number that is not finite/],
  [{ size: 2n ** 53n }, /size is an integer beyond 2\^53/],
  [{ call: () => 1 }, /call is a Function/],
  [{ at: new Date(Number.NaN) }, /RangeError: Invalid time value/],
  [circular, /nests deeper/],
  [{ get size() { throw new Error('not now'); } }, /not now/],
  [{ huge: 'x'.repeat(1_000_000) }, /larger than/],
  [{ ['n'.repeat(70_000)]: 1 }, /larger than/],
  [['x'], /not an object/],
  ['text', /not an object/],
  [null, /not an object/],
  [new Map([['a', 1]]), /not an object/],
  [{ a: { b: new Set([1]) } }, /a\.b is a Set/],
  [{ link: new URL('https://example.com/') }, /link is a URL/],
];
for (const [context, message] of REFUSED) {
  test(`refused: ${message}`, () => {
    assert.throws(
      () => encodeContext(context),
      (failure) => {
        const problem = contextProblem(failure);
        assert.equal(problem.code, 'context');
        assert.match(problem.message, message);
        return true;
      },
    );
  });
}
