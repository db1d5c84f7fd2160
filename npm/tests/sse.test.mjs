import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ServerSentEventParser } from '../dist/sse.js';

/** Parses `bytes` cut at the given positions. */
function parse(bytes, cuts) {
  const events = [];
  const retries = [];
  const parser = new ServerSentEventParser({
    event: (event) => events.push(event),
    retry: (milliseconds) => retries.push(milliseconds),
  });
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    parser.push(bytes.subarray(start, cut));
    start = cut;
  }
  return { events, retries };
}

const STREAM = new TextEncoder().encode(
  [
    '\ufeff: ping\n\n',
    'event: head\r\nid: 1.2\r\ndata: QUJD\r\n\r\n',
    'data:first\rdata: second ü 🚩\r\r',
    ': ping\n\nretry: 4000\nretry: soon\nunknown: x\n',
    'event: goodbye\ndata\ndata: {"reconnect_after_ms":5}\n\n',
    'event: lost\n\nid: 7\ndata: last\n\n',
    'data: unfinished',
  ].join(''),
);
const EXPECTED = {
  events: [
    { event: 'head', data: 'QUJD' },
    { event: 'message', data: 'first\nsecond ü 🚩' },
    { event: 'goodbye', data: '\n{"reconnect_after_ms":5}' },
    { event: 'message', data: 'last' },
  ],
  retries: [4000],
};

test('events are read whole', () => {
  assert.deepEqual(parse(STREAM, []), EXPECTED);
});

test('every single cut, also inside a character and between CR and LF, gives the same events', () => {
  for (let cut = 0; cut <= STREAM.length; cut += 1) assert.deepEqual(parse(STREAM, [cut]), EXPECTED, `cut at ${cut}`);
});

test('byte by byte gives the same events', () => {
  assert.deepEqual(parse(STREAM, Array.from(STREAM.keys())), EXPECTED);
});

test('cuts at random give the same events', () => {
  let state = 12345; // a fixed sequence: a failure repeats
  const random = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  for (let round = 0; round < 500; round += 1) {
    const cuts = Array.from({ length: 6 }, () => Math.floor(random() * STREAM.length)).sort((a, b) => a - b);
    assert.deepEqual(parse(STREAM, cuts), EXPECTED, `cuts at ${cuts}`);
  }
});

test('an event without end is refused, in one line or in many', () => {
  const endless = [() => 'x'.repeat(1000), () => `data: ${'x'.repeat(1000)}\n`];
  for (const more of endless) {
    const parser = new ServerSentEventParser({ event: () => assert.fail('there is no event') });
    assert.throws(
      () => {
        for (let count = 0; count < 100; count += 1) parser.push(new TextEncoder().encode(more()));
      },
      { code: 'over-limits' },
    );
  }
});
