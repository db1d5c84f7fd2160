// Plain contexts are written into the evaluator's memory by another function than all others: it has to write the same.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { contextProblem } from '../dist/context-problems.js';
import { encodeContext } from '../dist/context.js';
import { starter } from '../dist/exchange.js';
import { plainContexts } from '../dist/plain-context.js';

const compiled = new WebAssembly.Module(readFileSync(new URL('../dist/generated/pennon_wasm_bg.wasm', import.meta.url)));
const start = starter();
const load = async () => compiled;
const module = await start(load);
const plain = plainContexts(module);

/** What lies where it was put. */
function written() {
  const { memory, exchange_address, exchange_length } = module.wasm;
  return new Uint8Array(memory.buffer, exchange_address(plain.exchange), exchange_length(plain.exchange)).slice();
}

const { fromEntries } = Object;
const inherited = Object.create({ inherited: 'x' });
inherited.own = 'y';
const hidden = Object.defineProperty({ a: 1 }, 'hidden', { value: 2, enumerable: false });

/** Contexts, and whether they are plain. */
const CONTEXTS = {
  'nothing': [{}, true],
  'text': [{ targetingKey: 'user-1', plan: 'pro', empty: '', '': 'empty name', control: '\0\x7f' }, true],
  'numbers': [{ targetingKey: 42, a: 1.5, b: -0.25, c: 1e308, d: -0, e: 5e-324 }, true],
  'booleans, null and what is undefined': [{ yes: true, no: false, none: null, gone: undefined }, true],
  'names and values of 300 characters': [{ ['n'.repeat(300)]: 'v'.repeat(300) }, true],
  'names that look like positions': [{ b: 1, 1: 'one', 0: 'nought' }, true],
  'a prototype with attributes': [inherited, true],
  'an attribute that is not enumerable': [hidden, true],
  'no prototype': [Object.assign(Object.create(null), { a: 1 }), true],
  'text that is not ASCII': [{ city: 'Köln' }, false],
  'a name that is not ASCII': [{ größe: 1 }, false],
  'a lone surrogate': [{ a: '\ud800' }, false],
  'a list': [{ list: ['a'] }, false],
  'an object': [{ object: { a: 1 } }, false],
  'a date': [{ at: new Date(0) }, false],
  'a big integer': [{ big: 1n }, false],
  'a large text': [{ text: 'x'.repeat(3000) }, false],
  'a large name': [{ ['n'.repeat(3000)]: 1 }, false],
  'many attributes': [fromEntries(Array.from({ length: 300 }, (_, index) => [`attribute${index}`, index])), false],
};
for (const [name, [context, isPlain]] of Object.entries(CONTEXTS)) {
  test(`${isPlain ? 'plain' : 'not plain'}: ${name}`, () => {
    assert.equal(plain.put(context, []), isPlain);
    if (isPlain) assert.deepEqual(written(), encodeContext(context));
  });
}

test('what has no encoding is not plain', () => {
  for (const context of [{ a: Number.NaN }, { a: Infinity }, { a: () => 1 }, { a: Symbol('a') }, ['x'], 'text', null, undefined, new Map([['a', 1]]), new URL('https://example.com/')]) {
    assert.equal(plain.put(context, []), false, String(context?.a ?? context));
  }
});

test('every size up to the largest that has room, and none beyond', () => {
  let largest = 0;
  for (let length = 1900; length < 2200; length += 1) {
    const context = { a: 'x'.repeat(length), b: 1 };
    if (!plain.put(context, [])) continue;
    assert.equal(length === 1900 || largest === length - 1, true, `${length} after ${largest}`);
    largest = length;
    assert.deepEqual(written(), encodeContext(context));
  }
  assert.ok(largest > 1900 && largest < 2048, String(largest));
});

test('a getter that puts another context disturbs neither', () => {
  const inner = [];
  const context = {
    first: 'x',
    get second() {
      inner.push(plain.put({ z: 1 }, []));
      return 'y';
    },
  };
  assert.equal(plain.put(context, []), true);
  assert.deepEqual(inner, [false]);
  assert.deepEqual(written(), encodeContext({ first: 'x', second: 'y' }));
});

for (const [name, value] of [['text', 'y'], ['a number', 2]]) {
  test(`memory that grows while a context is read is found again: ${name}`, () => {
    const context = {
      first: 'x',
      get second() {
        module.wasm.memory.grow(1);
        return value;
      },
    };
    assert.equal(plain.put(context, []), false, 'what was written before is elsewhere now');
    assert.equal(plain.put({ a: 1 }, []), true);
    module.wasm.memory.grow(1);
    assert.equal(plain.put({ a: 'b', c: true }, []), true);
    assert.deepEqual(written(), encodeContext({ a: 'b', c: true }));
  });
}

test('the memory may grow for the place itself, however full it is', async () => {
  let grown = 0;
  for (let blocks = 0; blocks < 80; blocks += 1) {
    const other = await start(load, true);
    for (let block = 0; block < blocks; block += 1) other.wasm.exchange_resize(other.wasm.exchange_create(), 1000);
    const before = other.wasm.memory.buffer.byteLength;
    assert.equal(plainContexts(other).put({ a: 1 }, []), true, `${blocks} blocks`);
    grown += Number(other.wasm.memory.buffer.byteLength > before);
  }
  assert.ok(grown > 0, 'it never grew');
});

test('who renews the one buffer gets another place', () => {
  const before = plain.exchange;
  module.renew();
  assert.equal(plain.put({ a: 'b' }, []), true);
  assert.notEqual(plain.exchange, before);
  assert.deepEqual(written(), encodeContext({ a: 'b' }));
});

const revoked = Proxy.revocable({}, {});
revoked.revoke();
const THROWERS = {
  'a getter': { get size() { throw new Error('not now'); } },
  'a name for what it is': { get [Symbol.toStringTag]() { throw new Error('not now'); } },
  'a revoked proxy': revoked.proxy,
};
for (const [name, context] of Object.entries(THROWERS)) {
  test(`what throws is a failure of the context, once: ${name}`, () => {
    for (const write of [plain.put, encodeContext]) {
      assert.throws(() => write(context), (failure) => /threw (Error: not now|TypeError)/.test(contextProblem(failure).message));
    }
    assert.equal(plain.put({ a: 1 }, []), true);
  });
}
