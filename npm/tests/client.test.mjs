import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, beforeEach, afterEach, describe, test } from 'node:test';

import { createClient, MemoryStorage, PennonError } from '../dist/entrypoints/node.js';
import { next, status } from './support/events.mjs';
import { DeliveryServer } from './support/server.mjs';
import { CREATED, DAY, ENVIRONMENT, NOW, flipBit, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

const FAST = { baseMs: 5, capMs: 50 };

describe('a client and a server', () => {
  let made, server, clients;

  before(() => {
    made = makeSnapshots({
      snapshots: {
        one: snapshot(sampleConfig()),
        two: snapshot(sampleConfig({ checkout: false }), { version: 2 }),
        renewed: snapshot(sampleConfig(), { created: CREATED + 6 * 60 * 60 * 1000, refreshBy: CREATED + 2 * DAY }),
        server: snapshot(sampleConfig(), { kind: 'server' }),
      },
      deltas: [['one', 'two'], ['one', 'one']],
    });
  });
  beforeEach(async () => {
    clients = [];
    server = await DeliveryServer.start(made);
    server.publish(made.snapshots.one);
  });
  afterEach(async () => {
    for (const client of clients) client.close();
    await server.stop();
  });

  function connect(options = {}, connection = {}) {
    const client = createClient(server.connectionString(made, { environment: ENVIRONMENT, ...connection }), {
      now: () => NOW,
      backoff: FAST,
      context: { targetingKey: 'user-1' },
      ...options,
    });
    clients.push(client);
    return client;
  }

  test('before the first snapshot flags have their defaults and say so', () => {
    const client = connect();
    assert.equal(client.boolean('new-checkout', false), false);
    assert.deepEqual(client.details('new-checkout', false), {
      key: 'new-checkout',
      value: false,
      variant: undefined,
      reason: 'ERROR',
      errorCode: 'PROVIDER_NOT_READY',
      rule: undefined,
      until: undefined,
      metadata: undefined,
      stale: false,
    });
  });

  test('flags of every type are evaluated', async () => {
    const client = connect();
    const ready = await client.ready();
    assert.deepEqual(ready, { version: 1, epoch: 1, source: 'network', connected: ready.connected, stale: false, lastError: undefined });
    assert.equal(client.boolean('new-checkout', false), true);
    assert.equal(client.string('banner-text', ''), 'Welcome');
    assert.equal(client.number('limit', 0), 2.5);
    assert.deepEqual(client.json('theme', null), { ground: '#000', sizes: [1, 2] });
    assert.deepEqual(client.keys(), ['banner-text', 'button-colour', 'limit', 'new-checkout', 'theme']);
    assert.throws(() => client.json('theme', null).sizes.push(3), TypeError, 'callers share it, so it is frozen');
  });

  test('details name variant, reason, rule and error', async () => {
    const client = connect({ context: { targetingKey: 'user-1', country: 'CA' } });
    await client.ready();
    const { value, variant, reason, rule, errorCode } = client.details('banner-text', '');
    assert.deepEqual({ value, variant, reason, rule, errorCode }, {
      value: 'Howdy',
      variant: 'american',
      reason: 'TARGETING_MATCH',
      rule: 'americans',
      errorCode: undefined,
    });
    assert.equal(client.details('button-colour', '').reason, 'SPLIT');
    assert.equal(client.details('new-checkout', false).reason, 'STATIC');
    assert.equal(client.details('no-such-flag', 1).errorCode, 'FLAG_NOT_FOUND');
    const mismatch = client.details('banner-text', 7);
    assert.deepEqual([mismatch.value, mismatch.errorCode, mismatch.reason], [7, 'TYPE_MISMATCH', 'ERROR']);
    assert.equal(client.number('banner-text', 7), 7);
  });

  test('another context gives other values at once, and a missing unit is an error', async () => {
    const client = connect();
    await client.ready();
    const changed = next(client, 'change');
    client.setContext({ targetingKey: 'user-1', country: 'US' });
    assert.equal((await changed).cause, 'context');
    assert.equal(client.string('banner-text', ''), 'Howdy');
    const seen = new Set();
    for (let user = 0; user < 50; user += 1) {
      client.setContext({ targetingKey: `user-${user}` });
      seen.add(client.string('button-colour', 'none'));
    }
    assert.deepEqual([...seen].sort(), ['blue', 'green']);
    client.setContext({});
    assert.equal(client.details('button-colour', 'none').errorCode, 'TARGETING_KEY_MISSING');
    assert.equal(client.string('button-colour', 'none'), 'none');
  });

  test('a context that cannot be used is an error event and INVALID_CONTEXT until the next one', async () => {
    const client = connect();
    await client.ready();
    const error = next(client, 'error');
    client.setContext({ targetingKey: 'user-1', size: Number.NaN });
    assert.equal((await error).code, 'context');
    assert.equal(client.details('new-checkout', false).errorCode, 'INVALID_CONTEXT');
    client.setContext({ targetingKey: 'user-1' });
    assert.equal(client.boolean('new-checkout', false), true);
    const error2 = next(client, 'error');
    client.setContext(Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`a${index}`, index])));
    assert.match((await error2).message, /1,024 attributes/);
  });

  test('a context that throws when it is read is an error event and INVALID_CONTEXT, wherever it is given', async () => {
    const client = connect();
    await client.ready();
    const errors = [];
    client.on('error', ({ code, message }) => errors.push([code, message]));
    const error = next(client, 'error');
    const thrower = () => ({
      targetingKey: 'user-1',
      get size() {
        throw new Error('not now');
      },
    });
    assert.equal(client.details('new-checkout', false, thrower()).errorCode, 'INVALID_CONTEXT');
    assert.equal(client.for(thrower()).details('new-checkout', false).errorCode, 'INVALID_CONTEXT');
    assert.deepEqual(client.explain('new-checkout', thrower()), []);
    assert.deepEqual([...new Set(client.for(thrower()).outcomes().map(([, { errorCode }]) => errorCode))], ['INVALID_CONTEXT']);
    assert.equal(client.boolean('new-checkout', false), true, 'the own context is untouched');
    const changed = next(client, 'change');
    await client.setContext(thrower());
    await changed;
    assert.equal(client.details('new-checkout', false).errorCode, 'INVALID_CONTEXT');
    await client.setContext({ targetingKey: 'user-1' });
    assert.equal(client.boolean('new-checkout', false), true);
    await error;
    assert.deepEqual(errors, [['context', 'The context cannot be used: reading it threw Error: not now.']]);
  });

  test('an evaluation within the reading of a context, and a plain context that the evaluator refuses', async () => {
    const client = connect();
    await client.ready();
    const inner = [];
    const context = {
      targetingKey: 'user-1',
      get country() {
        inner.push(client.string('banner-text', '', { targetingKey: 'user-2' }));
        return 'US';
      },
    };
    const plain = { targetingKey: 'user-1', country: 'US' };
    assert.equal(client.string('banner-text', '', context), client.string('banner-text', '', plain));
    assert.notEqual(client.string('banner-text', '', plain), inner[0]);
    assert.deepEqual(inner, [client.for({ targetingKey: 'user-2' }).string('banner-text', '')]);
    const error = next(client, 'error');
    assert.equal(client.details('banner-text', '', { targetingKey: true }).errorCode, 'INVALID_CONTEXT');
    assert.match((await error).message, /targetingKey/);
    assert.equal(client.string('banner-text', '', plain), client.for(plain).string('banner-text', ''));
  });

  test('all outcomes at once are those of each flag', async () => {
    const client = connect();
    await client.ready();
    for (const context of [{ targetingKey: 'user-1', country: 'US' }, { targetingKey: 'user-2' }, {}, { targetingKey: 'user-3', long: 'x'.repeat(4_000) }]) {
      const flags = client.for(context);
      assert.deepEqual(flags.outcomes(), client.keys().map((key) => [key, flags.outcome(key)]));
    }
    const changed = next(client, 'change');
    server.publish(made.snapshots.two);
    await changed;
    const flags = client.for({ targetingKey: 'user-1' });
    assert.deepEqual(flags.outcomes(), client.keys().map((key) => [key, flags.outcome(key)]));
  });

  test('contexts beside the own one get what is theirs, more of them than the evaluator keeps, large ones and changed snapshots too', async () => {
    const client = connect();
    await client.ready();
    const contexts = Array.from({ length: 2_500 }, (_, at) => ({
      targetingKey: `user-${at}`,
      country: at % 3 === 0 ? 'US' : 'FR',
      ...(at % 100 === 0 ? { long: 'x'.repeat(4_000) } : {}),
    }));
    const views = contexts.map((context) => client.for(context));
    const colours = contexts.map((context) => client.details('button-colour', '', context).variant);
    assert.ok(new Set(colours).size === 2, 'the split is one');
    for (let round = 0; round < 2; round += 1) {
      for (const [at, view] of views.entries()) {
        assert.equal(view.string('banner-text', ''), at % 3 === 0 ? 'Howdy' : 'Welcome', `context ${at}`);
        // Far enough back for its place to be another's by now.
        const before = (at * 7) % views.length;
        assert.equal(views[before].details('button-colour', '').variant, colours[before], `context ${before}`);
      }
      if (round > 0) break;
      const changed = next(client, 'change');
      server.publish(made.snapshots.two);
      await changed;
    }
    assert.equal(client.string('banner-text', ''), 'Welcome', 'the own context is still its own');
  });

  test('a context beside the own one that the evaluator refuses is INVALID_CONTEXT each time, and an error event the first', async () => {
    const client = connect();
    await client.ready();
    const errors = [];
    client.on('error', ({ code }) => errors.push(code));
    const error = next(client, 'error');
    const refused = client.for({ targetingKey: true });
    const good = client.for({ targetingKey: 'user-1', country: 'US' });
    for (let round = 0; round < 3; round += 1) {
      assert.equal(refused.details('banner-text', '').errorCode, 'INVALID_CONTEXT');
      assert.equal(good.string('banner-text', ''), 'Howdy');
    }
    await error;
    assert.deepEqual(errors, ['context']);
    assert.equal(client.details('banner-text', '', { targetingKey: true }).errorCode, 'INVALID_CONTEXT');
  });

  test('a change published on the stream is there at once', async () => {
    const client = connect();
    await client.ready();
    await status(client, ({ connected }) => connected);
    const changed = next(client, 'change');
    server.publish(made.snapshots.two);
    assert.deepEqual((await changed).cause, 'snapshot');
    assert.equal(client.status.version, 2);
    assert.equal(client.boolean('new-checkout', true), false);
    assert.equal(client.details('new-checkout', true).reason, 'DISABLED');
  });

  test('a renewed signature over the same body loads no body and changes no flag', async () => {
    const client = connect();
    await client.ready();
    await status(client, ({ connected }) => connected);
    const bodies = server.count('body');
    client.on('change', () => assert.fail('no flag changed'));
    server.head = made.snapshots.renewed.head;
    server.send(server.head);
    server.publish(made.snapshots.renewed);
    await next(client, 'status');
    assert.equal(server.count('body'), bodies);
    assert.equal(client.status.version, 1);
  });

  test('a client key goes into the address, a server key into the header only', async () => {
    await connect().ready();
    assert.ok(server.requests.length > 0);
    for (const { path, key, authorization } of server.requests) {
      assert.equal(key, `pnc_${'k'.repeat(43)}`, path);
      assert.equal(authorization, undefined);
    }
    server.requests.length = 0;
    server.publish(made.snapshots.server);
    const client = connect({}, { kind: 'server' });
    assert.equal((await client.ready()).version, 1);
    for (const { path, key, authorization } of server.requests.filter(({ path }) => path.endsWith('/server'))) {
      assert.equal(key, null, path);
      assert.equal(authorization, `Bearer pns_${'k'.repeat(43)}`);
    }
    assert.ok(server.requests.some(({ path }) => path.endsWith('/server')));
  });

  test('the server goes away and comes back with a newer snapshot: the client holds, then catches up', async () => {
    const client = connect();
    await client.ready();
    await status(client, ({ connected }) => connected);
    const errors = [];
    client.on('error', (error) => errors.push(error.code));
    const lost = next(client, 'error');
    await server.stop();
    await lost;
    assert.equal(client.status.connected, false);
    assert.equal(client.boolean('new-checkout', false), true);
    server.publish(made.snapshots.two);
    const changed = next(client, 'change');
    await server.listen();
    await changed;
    assert.equal(client.boolean('new-checkout', true), false);
    await status(client, ({ connected, lastError }) => connected && lastError === undefined);
    assert.deepEqual([...new Set(errors)], ['network']);
    assert.ok(errors.length <= 2, `an outage is reported once, not at every attempt: ${errors}`);
  });

  test('without a stream the head is polled', async () => {
    server.instead.set('stream', { status: 503, type: 'text/plain', body: 'no streams here' });
    const client = connect();
    await client.ready();
    const changed = next(client, 'change', ({ cause }) => cause === 'snapshot');
    server.publish(made.snapshots.two);
    await changed;
    assert.equal(client.status.version, 2);
    assert.equal(client.status.connected, false);
  });

  test('a server that has no stream is polled in silence, at a steady pace', async () => {
    server.instead.set('stream', { status: 404, type: 'application/problem+json', body: JSON.stringify({ code: 'not-found', detail: 'No.' }) });
    const client = connect({ random: () => 0.5, backoff: { baseMs: 5, capMs: 20 } });
    const errors = [];
    client.on('error', ({ code }) => errors.push(code));
    await client.ready();
    await server.requested('head', 5);
    const said = [];
    client.on('status', (now) => said.push(now));
    await server.requested('head', 15);
    assert.deepEqual(errors, ['no-stream']);
    assert.deepEqual(said, [], 'a poll that brings nothing is no event');
    assert.equal(client.status.lastError, undefined);
    assert.equal(server.count('stream'), 1, 'it is not asked for at every poll');
    const changed = next(client, 'change', ({ cause }) => cause === 'snapshot');
    server.publish(made.snapshots.two);
    await changed;
  });

  test('a stream that keeps failing is reported once, not at every attempt', async () => {
    server.instead.set('stream', { status: 503, type: 'text/plain', body: 'no streams here' });
    const client = connect();
    const errors = [];
    client.on('error', ({ code }) => errors.push(code));
    await client.ready();
    await server.requested('stream', 10);
    assert.deepEqual(errors, ['http-503']);
  });

  test('a goodbye ends the stream and says over how long to come back', async () => {
    const client = connect({ random: () => 0.5 });
    await client.ready();
    await status(client, ({ connected }) => connected);
    const streams = server.count('stream');
    server.say('event: goodbye\ndata: {"reconnect_after_ms":60}\n\n');
    await status(client, ({ connected }) => !connected);
    const from = performance.now();
    await server.requested('stream', streams + 1);
    assert.ok(performance.now() - from >= 25, 'it came back too early');
  });

  describe('deltas', () => {
    const hash = (body) => createHash('sha256').update(body).digest('hex');
    const names = () => [hash(made.snapshots.one.body), hash(made.snapshots.two.body)];

    async function changed(delta) {
      const client = connect();
      await client.ready();
      const [from, to] = names();
      if (delta) server.deltas.set(`${from}/${to}`, delta);
      const bodies = server.count('body');
      const change = next(client, 'change');
      server.publish(made.snapshots.two);
      await change;
      assert.equal(client.boolean('new-checkout', true), false);
      return { bodies: server.count('body') - bodies, deltas: server.requests.filter(({ path }) => path.startsWith('/v1/delta')) };
    }

    test('a change comes as a delta to the body that is held, and no body is loaded', async () => {
      const { bodies, deltas } = await changed(made.deltas[0]);
      assert.equal(bodies, 0);
      const [from, to] = names();
      assert.deepEqual(deltas.map(({ path }) => path), [`/v1/delta/${from}/${to}`]);
      assert.match(deltas[0].key, /^pnc_/);
    });

    for (const [name, delta] of [
      ['there is none', () => undefined],
      ['it leads to another body', () => made.deltas[1]],
      ['it is damaged', () => made.deltas[0].subarray(0, 20)],
      ['a bit of it is flipped', () => flipBit(made.deltas[0], made.deltas[0].length - 1)],
      ['it is rubbish', () => new Uint8Array([1, 2, 3])],
    ]) {
      test(`the body is loaded whole, once, when ${name}`, async () => {
        const { bodies, deltas } = await changed(delta());
        assert.deepEqual([bodies, deltas.length], [1, 1]);
      });
    }
  });

  test('a bootstrap is verified and used before the network, which then confirms it', async () => {
    const { head, body } = made.snapshots.one;
    const client = connect({ bootstrap: { keysets: made.keysets, head, body } });
    const first = await next(client, 'ready');
    assert.equal(first.source, 'bootstrap');
    assert.equal(client.boolean('new-checkout', false), true);
    await status(client, ({ source }) => source === 'network');
    assert.equal(server.count('body'), 0, 'the body is not loaded again');
  });

  for (const [name, head, held] of [['one', () => made.snapshots.one.head, 1], ['one that cannot be used', () => new Uint8Array(100), undefined]]) {
    test(`a bootstrap comes before any request: ${name}`, async () => {
      // The first request could be on its way while the client is being made.
      let client;
      const asked = new Promise((resolve) => {
        client = connect({
          bootstrap: { keysets: made.keysets, head: head(), body: made.snapshots.one.body },
          fetch(url, init) {
            resolve(client ? client.status.version : 'at once');
            return fetch(url, init);
          },
        });
      });
      assert.equal(await asked, held);
    });
  }

  test('a client that is closed while its bootstrap is read asks for nothing', async () => {
    const asked = [];
    const fetch = async (url, { signal }) => signal.aborted || asked.push(url);
    const client = connect({ bootstrap: { keysets: made.keysets, ...made.snapshots.one }, fetch });
    client.close();
    // Another one gets as far meanwhile.
    await connect({ bootstrap: { keysets: made.keysets, ...made.snapshots.one } }).ready();
    assert.deepEqual(asked, []);
  });

  test('a bootstrap older than what is stored is passed over in silence', async () => {
    const storage = new MemoryStorage();
    server.publish(made.snapshots.two);
    const first = connect({ storage });
    await first.ready();
    await stored(storage);
    first.close();
    await server.stop();
    const errors = [];
    const client = connect({ storage, bootstrap: { keysets: made.keysets, ...made.snapshots.one } });
    client.on('error', ({ code }) => errors.push(code));
    await client.ready();
    await next(client, 'error');
    assert.deepEqual([client.status.version, client.status.source, errors], [2, 'cache', ['network']]);
  });

  test('an offline start evaluates from the store and says so, and recovers by itself', async () => {
    const storage = new MemoryStorage();
    const first = connect({ storage });
    await first.ready();
    await status(first, ({ connected }) => connected);
    await stored(storage);
    first.close();
    await server.stop();
    const client = connect({ storage });
    assert.equal((await client.ready()).source, 'cache');
    assert.equal(client.boolean('new-checkout', false), true);
    await server.listen();
    await status(client, ({ source, connected }) => source === 'network' && connected);
  });

  test('nothing stored and no server: ready gives up in time, never throws, and the defaults stand', async () => {
    await server.stop();
    const client = connect();
    const lost = next(client, 'error');
    const { version, lastError } = await client.ready(200);
    await lost;
    assert.equal(version, undefined);
    assert.equal(client.string('banner-text', 'default'), 'default');
    assert.equal(client.status.lastError?.code ?? lastError?.code, 'network');
    await server.listen();
    await next(client, 'ready');
    assert.equal(client.string('banner-text', 'default'), 'Welcome');
  });

  test('a refused key ends the wait with the code of the server', async () => {
    for (const [statusCode, code] of [[401, 'key-unknown'], [403, 'key-kind']]) {
      server.instead.set('head', { status: statusCode, type: 'application/problem+json', body: JSON.stringify({ code, detail: 'No.' }) });
      const client = connect();
      const { lastError } = await client.ready(8000);
      assert.equal(lastError.code, code);
      assert.equal(lastError.status, statusCode);
      assert.ok(lastError instanceof PennonError, 'of another class');
      client.close();
    }
  });

  test('past refresh_by evaluation goes on and says STALE, and a renewal ends that', async () => {
    let now = NOW;
    const client = connect({ now: () => now });
    await client.ready();
    assert.equal(client.details('new-checkout', false).stale, false);
    now = CREATED + DAY + 1;
    assert.equal(client.status.stale, true);
    const details = client.details('new-checkout', false);
    assert.deepEqual([details.value, details.reason, details.stale], [true, 'STALE', true]);
    server.publish(made.snapshots.renewed);
    await status(client, ({ stale }) => !stale);
    assert.equal(client.details('new-checkout', false).reason, 'STATIC');
  });

  test('a time window opens offline, by itself, and the change is announced', async () => {
    const opens = NOW + 1500;
    const window = {
      type: 'boolean',
      clientVisible: true,
      enabled: true,
      variants: [{ key: 'on', value: true }, { key: 'off', value: false }],
      offVariant: 'off',
      rules: [{ id: 'sale', when: { all: [] }, from: opens, serve: { variant: 'on' } }],
      fallthrough: { variant: 'off' },
    };
    const { keysets, rootFingerprint, snapshots } = makeSnapshots({ snapshots: { one: snapshot(sampleConfig({ extra: { window } })) } });
    await server.stop();
    const started = performance.now();
    const client = connect({ bootstrap: { keysets, ...snapshots.one }, now: () => NOW + Math.floor(performance.now() - started) }, { rootFingerprint });
    await next(client, 'ready');
    const before = client.details('window', true);
    assert.deepEqual([before.value, before.until], [false, opens]);
    await next(client, 'change', ({ cause }) => cause === 'time');
    const { value, rule, until } = client.details('window', false);
    assert.deepEqual({ value, rule, until }, { value: true, rule: 'sale', until: undefined });
  });

  test('a snapshot that is already overdue is announced as stale', async () => {
    const client = connect({ now: () => CREATED + 2 * DAY });
    await next(client, 'stale');
    assert.equal(client.status.stale, true);
  });

  test('an answer without end is cut off', async () => {
    const failure = async (word, body) => {
      server.instead.set(word, { status: 200, type: 'application/octet-stream', body });
      const client = connect();
      const error = await next(client, 'error');
      server.instead.delete(word);
      client.close();
      return error.code;
    };
    assert.equal(await failure('head', Buffer.alloc(100_000)), 'over-limits');
    assert.equal(await failure('body', Buffer.alloc(2_000_000)), 'over-limits');
  });

  test('an async listener that rejects disturbs nobody', async (t) => {
    const reported = t.mock.method(console, 'error', () => undefined);
    const client = connect();
    client.on('ready', async () => {
      throw new Error('mine');
    });
    await next(client, 'ready');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(reported.mock.callCount(), 1);
  });

  test('a store that answers nothing, or nonsense, costs nothing but the offline start', async () => {
    const nonsense = [undefined, null, {}, { snapshot: {} }, { snapshot: { head: 'x', body: 1, keysets: null }, highWater: 7 }];
    for (const given of nonsense) {
      const client = connect({ storage: { load: async () => given, save: async () => undefined, drop: async () => undefined } });
      assert.equal((await client.ready()).version, 1, JSON.stringify(given));
      assert.equal(client.status.lastError, undefined);
      client.close();
    }
  });

  test('a damaged snapshot is dropped from the store, but not the one that another client has put there meanwhile', async () => {
    const { one, two } = made.snapshots;
    const damaged = { keysets: made.keysets, head: one.head, body: one.body.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) };
    const good = { keysets: made.keysets, head: two.head, body: two.body };
    await server.stop();
    for (const meanwhile of [undefined, good]) {
      const memory = new MemoryStorage();
      await memory.save('any', damaged, new Uint8Array(56));
      let dropped;
      const isDropped = new Promise((resolve) => (dropped = resolve));
      const client = connect({
        storage: {
          load: async () => {
            const { snapshot } = await memory.load('any');
            if (meanwhile) await memory.save('any', meanwhile, new Uint8Array(56).fill(1));
            return { snapshot, highWater: undefined };
          },
          save: async () => undefined,
          drop: async (_, head) => dropped(await memory.drop('any', head)),
        },
      });
      await isDropped;
      assert.equal((await memory.load('any')).snapshot, meanwhile);
      client.close();
    }
  });

  test('a listener that throws disturbs nobody', async (t) => {
    const reported = t.mock.method(console, 'error', () => undefined);
    const client = connect();
    client.on('ready', () => {
      throw new Error('mine');
    });
    const ready = next(client, 'ready');
    await ready;
    assert.equal(reported.mock.callCount(), 1);
    assert.equal(client.boolean('new-checkout', false), true);
  });

  test('a closed client answers defaults, ends its connections and lets the process end', async () => {
    const client = connect();
    await client.ready();
    await status(client, ({ connected }) => connected);
    client.close();
    client.close();
    assert.equal(client.boolean('new-checkout', false), false);
    client.setContext({ targetingKey: 'x' });
    assert.deepEqual(client.keys(), []);
    assert.equal(client.status.connected, false);
  });

  /** Saving follows the event: wait for what it leaves behind. */
  async function stored(storage) {
    const name = `${made.rootFingerprint}/${ENVIRONMENT}/client`;
    while (!(await storage.load(name)).snapshot) await new Promise((resolve) => setImmediate(resolve));
  }
});
