// The client without WebAssembly: the server evaluates.
import assert from 'node:assert/strict';
import { before, beforeEach, afterEach, describe, test } from 'node:test';

import { createClient } from 'pennon/slim';
import { next, status } from './support/events.mjs';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

describe('a slim client', () => {
  let made, server, client, clock, state;

  before(() => {
    made = makeSnapshots({ snapshots: { one: snapshot(sampleConfig()), two: snapshot(sampleConfig({ checkout: false }), { version: 2 }) } });
  });
  beforeEach(async () => {
    clock = NOW;
    state = { version: 1, checkout: true, until: undefined };
    server = await DeliveryServer.start(made);
    server.publish(made.snapshots.one);
    server.evaluate = ({ targetingKey, country }) => ({
      etag: `"${state.version} ${targetingKey} ${country} ${state.checkout} ${state.until}"`,
      flags: [
        { key: 'new-checkout', value: state.checkout, variant: state.checkout ? 'on' : 'off', reason: 'STATIC', metadata: { owner: 'growth', ...(state.until && { until: state.until }) } },
        { key: 'banner-text', value: country === 'US' ? 'Howdy' : 'Welcome', variant: 'v', reason: 'TARGETING_MATCH', metadata: { rule: 'americans' } },
        { key: 'theme', value: { ground: '#000' }, variant: 'dark', reason: 'STATIC' },
        { key: 'off', reason: 'DISABLED' },
        { key: 'split', errorCode: 'TARGETING_KEY_MISSING', errorDetails: 'no unit' },
      ],
      metadata: { version: state.version, epoch: 1 },
    });
  });
  afterEach(async () => {
    client?.close();
    await server.stop();
  });

  function connect(options = {}) {
    client = createClient(server.connectionString(made, { environment: ENVIRONMENT }), {
      now: () => clock,
      backoff: { baseMs: 5, capMs: 50 },
      context: { targetingKey: 'user-1', country: 'US' },
      ...options,
    });
    return client;
  }

  function change(to, files) {
    Object.assign(state, to);
    server.publish(files);
  }

  test('has its flags evaluated, every type of them', async () => {
    connect();
    assert.equal(client.details('new-checkout', false).errorCode, 'PROVIDER_NOT_READY');
    const { version, epoch, source } = await client.ready();
    assert.deepEqual({ version, epoch, source }, { version: 1, epoch: 1, source: 'network' });
    assert.equal(client.boolean('new-checkout', false), true);
    assert.equal(client.string('banner-text', ''), 'Howdy');
    assert.deepEqual(client.json('theme', null), { ground: '#000' });
    assert.throws(() => (client.json('theme', null).ground = ''), TypeError, 'callers share it, so it is frozen');
    assert.equal(client.boolean('off', true), true);
    assert.deepEqual(client.details('new-checkout', false).metadata, { owner: 'growth' });
    const { reason, rule, metadata } = client.details('banner-text', '');
    assert.deepEqual({ reason, rule, metadata }, { reason: 'TARGETING_MATCH', rule: 'americans', metadata: undefined });
    assert.equal(client.details('off', true).reason, 'DISABLED');
    assert.equal(client.details('split', '').errorCode, 'TARGETING_KEY_MISSING');
    assert.equal(client.details('no-such-flag', '').errorCode, 'FLAG_NOT_FOUND');
    assert.equal(client.details('theme', 7).errorCode, 'TYPE_MISMATCH');
    assert.deepEqual(client.keys(), ['new-checkout', 'banner-text', 'theme', 'off', 'split']);
  });

  test('the key is in the header of an evaluation, never in its address', async () => {
    connect();
    await client.ready();
    const [asked] = server.requests.filter(({ path, method }) => path.startsWith('/ofrep') && method === 'POST');
    assert.equal(asked.key, null);
    assert.match(asked.authorization, /^Bearer pnc_/);
  });

  test('follows a change that the stream announces', async () => {
    connect();
    await client.ready();
    await status(client, ({ connected }) => connected);
    const values = [];
    client.subscribe('new-checkout', ({ value }) => values.push(value));
    client.subscribe('theme', () => assert.fail('it did not change'));
    const changed = next(client, 'change');
    change({ version: 2, checkout: false }, made.snapshots.two);
    assert.equal((await changed).cause, 'snapshot');
    await Promise.resolve();
    assert.deepEqual(values, [false]);
    assert.equal(client.status.version, 2);
  });

  test('another context is in effect when setContext resolves', async () => {
    connect();
    await client.ready();
    const changing = client.setContext({ targetingKey: 'user-1', country: 'FR' });
    assert.equal(client.string('banner-text', ''), 'Howdy', 'until the answer is there');
    await changing;
    assert.equal(client.string('banner-text', ''), 'Welcome');
  });

  test('of two contexts in a row the last one counts, whichever answer comes first', async () => {
    connect();
    await client.ready();
    await Promise.all([client.setContext({ country: 'FR' }), client.setContext({ country: 'US' })]);
    assert.equal(client.string('banner-text', ''), 'Howdy');
  });

  test('asks again at the instant at which an outcome ends', async () => {
    state.until = NOW + 30;
    connect();
    await client.ready();
    await status(client, ({ connected }) => connected);
    const changed = next(client, 'change', ({ cause }) => cause === 'time');
    Object.assign(state, { checkout: false, until: undefined });
    clock = NOW + 30;
    await changed;
    assert.equal(client.boolean('new-checkout', true), false);
  });

  test('a context that the server could not answer for is asked about again', async () => {
    connect();
    await client.ready();
    await status(client, ({ connected }) => connected);
    const { evaluate } = server;
    server.evaluate = undefined;
    await client.setContext({ targetingKey: 'user-2', country: 'FR' });
    assert.equal(client.status.lastError.status, 503);
    assert.equal(client.string('banner-text', ''), 'Howdy');
    const changed = next(client, 'change', ({ cause }) => cause === 'context');
    server.evaluate = evaluate;
    await changed;
    assert.equal(client.string('banner-text', ''), 'Welcome');
    assert.equal(client.status.lastError, undefined);
  });

  test('an instant at which the server could not answer is asked about again', async () => {
    state.until = NOW + 30;
    connect();
    await client.ready();
    await status(client, ({ connected }) => connected);
    const { evaluate } = server;
    server.evaluate = undefined;
    const failed = next(client, 'error');
    clock = NOW + 30;
    await failed;
    const changed = next(client, 'change', ({ cause }) => cause === 'time');
    Object.assign(state, { checkout: false, until: undefined });
    server.evaluate = evaluate;
    await changed;
    assert.equal(client.boolean('new-checkout', true), false);
  });

  for (const [name, etag] of [['with an ETag', (answer) => answer], ['without one', ({ etag: _, ...answer }) => answer]]) {
    test(`a clock ahead of the server's asks now and then, until the instant has come there too: ${name}`, async () => {
      state.until = NOW + 30;
      const { evaluate } = server;
      let asked = 0;
      server.evaluate = (context) => {
        asked += 1;
        return etag(evaluate(context));
      };
      connect();
      await client.ready();
      await status(client, ({ connected }) => connected);
      const before = asked;
      clock = NOW + 60;
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.ok(asked - before >= 1 && asked - before <= 2, `asked ${asked - before} times`);
      assert.equal(client.boolean('new-checkout', false), true);
      const changed = next(client, 'change', ({ cause }) => cause === 'time');
      Object.assign(state, { checkout: false, until: undefined });
      clock = NOW + 2_000;
      await changed;
      assert.equal(client.boolean('new-checkout', true), false);
    });
  }

  test('an older answer that comes late does not replace a newer one', async () => {
    let late;
    let asked = 0;
    const isFor = ({ body }) => body?.includes('"country":"FR"');
    connect({
      async fetch(url, init) {
        const response = await fetch(url, init);
        // The first answer for the new context comes after the one that the stream brings about.
        if (isFor(init) && (asked += 1) === 1) await new Promise((resolve) => (late = resolve));
        return response;
      },
    });
    await client.ready();
    await status(client, ({ connected }) => connected);
    const changing = client.setContext({ targetingKey: 'user-1', country: 'FR' });
    while (!late) await new Promise((resolve) => setImmediate(resolve));
    const changed = next(client, 'change', ({ status: { version } }) => version === 2);
    change({ version: 2, checkout: false }, made.snapshots.two);
    await changed;
    late();
    await changing;
    assert.deepEqual([client.status.version, client.boolean('new-checkout', true)], [2, false]);
  });

  test('what the server asks for is kept between attempts', async () => {
    let refused = 0;
    let refuses = false;
    connect({
      fetch(url, init) {
        if (!refuses || init.method !== 'POST') return fetch(url, init);
        refused += 1;
        return Promise.resolve(new Response('', { status: 503, headers: { 'retry-after': '60' } }));
      },
    });
    await client.ready();
    await status(client, ({ connected }) => connected);
    refuses = true;
    await client.setContext({ targetingKey: 'user-2' });
    // Ten times as long as an attempt would be waited for otherwise.
    await new Promise((resolve) => setTimeout(resolve, 500));
    // A head of the stream may have asked at the same time.
    assert.ok(refused <= 2, `refused ${refused} times`);
  });

  test('a context with big integers is sent and kept, one without JSON is an error', async () => {
    const items = new Map();
    const cache = { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value) };
    connect({ cache, context: { targetingKey: 'user-1', country: 'US', size: 5n } });
    await client.ready();
    assert.equal(client.string('banner-text', ''), 'Howdy');
    assert.equal(items.size, 1);
    const circular = {};
    circular.self = circular;
    const error = next(client, 'error');
    await client.setContext(circular);
    assert.equal((await error).code, 'context');
  });

  test('starts from the kept answer, for the same context alone', async () => {
    const kept = new Map();
    const cache = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
    connect({ cache });
    await client.ready();
    client.close();
    assert.equal(kept.size, 1);
    await server.stop();
    connect({ cache });
    assert.equal((await client.ready()).source, 'cache');
    assert.deepEqual([client.boolean('new-checkout', false), client.details('new-checkout', false).reason], [true, 'CACHED']);
    client.close();
    connect({ cache, context: { targetingKey: 'user-2' } });
    assert.equal((await client.ready(50)).source, undefined);
    assert.equal(client.details('new-checkout', false).errorCode, 'PROVIDER_NOT_READY');
    client.close();
    for (const damaged of ['{', '7', '{"context":7,"answer":{}}', JSON.stringify({ context: '{"targetingKey":"user-1","country":"US"}', answer: '{"flags":7}' })]) {
      for (const key of kept.keys()) kept.set(key, damaged);
      connect({ cache });
      assert.equal((await client.ready(20)).source, undefined, damaged);
      client.close();
    }
    await server.listen();
  });

  test('goes on with what it has when the server is gone, and recovers', async () => {
    connect();
    await client.ready();
    await status(client, ({ connected }) => connected);
    await server.stop();
    await next(client, 'error');
    assert.equal(client.boolean('new-checkout', false), true);
    Object.assign(state, { version: 2, checkout: false });
    await server.listen();
    server.publish(made.snapshots.two);
    await status(client, ({ version }) => version === 2);
    assert.equal(client.boolean('new-checkout', true), false);
    assert.equal(client.status.lastError, undefined);
  });

  test('an answer that is none is an error, and what was there stays', async () => {
    connect();
    await client.ready();
    await status(client, ({ connected }) => connected);
    const good = server.evaluate;
    for (const answer of [{ flags: 7 }, { flags: [null] }, { flags: [] }, {}]) {
      const error = next(client, 'error');
      server.evaluate = () => answer;
      await client.setContext({ country: JSON.stringify(answer) });
      assert.equal((await error).code, 'response');
      assert.equal(client.string('banner-text', ''), 'Howdy');
      server.evaluate = good;
      await client.setContext({ country: 'US' });
    }
  });

  test('starts with what a server rendered', async () => {
    const rendered = { context: { targetingKey: 'user-1', country: 'US' }, outcomes: { 'banner-text': { type: 'string', value: 'Howdy', reason: 'STATIC' } } };
    connect({ context: undefined, rendered });
    assert.equal(client.string('banner-text', ''), 'Howdy');
    client.subscribe('banner-text', () => undefined);
    await status(client, ({ version }) => version === 1);
    assert.equal(client.string('banner-text', ''), 'Howdy');
    assert.equal(client.renderedDetails('banner-text', '').reason, 'STATIC');
  });

  test('nothing is heard of it once it is closed', async () => {
    connect();
    await client.ready();
    client.close();
    client.close();
    assert.equal(client.details('new-checkout', false).errorCode, 'PROVIDER_NOT_READY');
    await client.setContext({});
  });
});
