// What is left of a client when the evaluator stops in the middle of something: a trap of WebAssembly, made here by a bad address.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterEach, before, beforeEach, describe, test } from 'node:test';

import { createClientOn } from '../dist/client.js';
import { startEvaluator } from '../dist/evaluator.js';
import { Following } from '../dist/following.js';
import { ServerClient } from '../dist/server-client.js';
import { MemoryStorage } from '../dist/storage.js';
import { next, status } from './support/events.mjs';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

describe('a fault of the evaluator', () => {
  let made, server, client, following, evaluators, errors, prepareNext, held;

  before(() => {
    made = makeSnapshots({
      snapshots: {
        one: snapshot(sampleConfig()),
        two: snapshot(sampleConfig({ checkout: false }), { version: 2 }),
        three: snapshot(sampleConfig(), { version: 3 }),
      },
      deltas: [['one', 'two']],
    });
  });
  beforeEach(async () => {
    server = await DeliveryServer.start(made);
    server.publish(made.snapshots.one);
    [evaluators, errors, prepareNext, held] = [[], [], undefined, undefined];
  });
  afterEach(async () => {
    client.close();
    await server.stop();
  });

  async function connect(options = {}) {
    const platform = {
      fetch: (url, init) => fetch(url, init),
      loadEvaluator: async (anew) => {
        await held;
        return startEvaluator(async () => WebAssembly.compile(await readFile(new URL('../dist/generated/pennon_wasm_bg.wasm', import.meta.url))), anew);
      },
      loadFollowing: async () => (session) => (following = new Following(session, {})),
    };
    client = createClientOn(Watched, platform, server.connectionString(made, { environment: ENVIRONMENT }), {
      context: { targetingKey: 'user-1', country: 'US' },
      now: () => NOW,
      backoff: { baseMs: 5, capMs: 50 },
      ...options,
    });
    client.on('error', (error) => errors.push(error));
    await client.ready();
    await status(client, ({ connected }) => connected);
  }

  class Watched extends ServerClient {
    started(evaluator) {
      evaluators.push(evaluator);
      prepareNext?.(evaluator);
      super.started(evaluator);
    }
  }

  /** From now on that function of the evaluator stops it: by default of the one in use. */
  function breakNow(name, evaluator = evaluators.at(-1)) {
    const { evaluate, number } = Object.getPrototypeOf(evaluator);
    const trap = () => (evaluator.address = 0x7fff_fff0);
    if (name === 'evaluate') evaluator.evaluate = (...given) => (trap(), evaluate.apply(evaluator, given));
    else {
      evaluator.number = (called, ...given) => {
        if (called === name) trap();
        return number.call(evaluator, called, ...given);
      };
    }
  }

  test('costs its flag the value, and the others nothing once another evaluator is there', async () => {
    await connect();
    assert.equal(client.string('banner-text', ''), 'Howdy');
    breakNow('evaluate');
    const recovered = next(client, 'change');
    assert.equal(client.details('new-checkout', false).errorCode, 'GENERAL');
    assert.equal(client.string('banner-text', ''), 'Howdy', 'what is known stays so');
    await recovered;
    assert.deepEqual(errors.map(({ code, cause }) => [code, cause instanceof WebAssembly.RuntimeError]), [['evaluator', true]]);
    assert.equal(evaluators.length, 2);
    assert.deepEqual([client.number('limit', 0), client.string('banner-text', '')], [2.5, 'Howdy']);
    assert.equal(client.details('new-checkout', false).errorCode, 'GENERAL', 'it would happen again');
    server.publish(made.snapshots.two);
    await status(client, ({ version }) => version === 2);
    assert.equal(client.details('new-checkout', true).value, false, 'another snapshot, another chance');
  });

  test('is survived without a server, from what is stored', async () => {
    const storage = new MemoryStorage();
    await connect({ storage });
    await server.stop();
    breakNow('evaluate');
    const recovered = next(client, 'change');
    assert.equal(client.boolean('new-checkout', false), false);
    await recovered;
    assert.deepEqual([client.number('limit', 0), client.status.version], [2.5, 1]);
    await server.listen();
  });

  test('while a snapshot is accepted leaves the last good one, and that snapshot out', async () => {
    await connect({ storage: new MemoryStorage() });
    breakNow('admit_body');
    const recovered = next(client, 'change');
    server.publish(made.snapshots.two);
    await recovered;
    assert.equal(client.status.version, 1);
    assert.equal(client.boolean('new-checkout', false), true);
    server.send(made.snapshots.two.head);
    server.publish(made.snapshots.three);
    await status(client, ({ version }) => version === 3);
    assert.equal(client.boolean('new-checkout', false), true);
    assert.equal(evaluators.length, 2);
  });

  test('again and again, in one flag after the other, costs those flags alone', async () => {
    await connect();
    for (const key of ['new-checkout', 'banner-text', 'button-colour', 'limit']) {
      breakNow('evaluate');
      const recovered = next(client, 'change');
      assert.equal(client.details(key, '').errorCode, 'GENERAL');
      await recovered;
    }
    assert.deepEqual(client.json('theme', {}), { ground: '#000', sizes: [1, 2] });
    assert.equal(evaluators.length, 5);
  });

  test('keeps a head that arrives while the evaluator is replaced', async () => {
    await connect();
    let go;
    held = new Promise((resolve) => (go = resolve));
    breakNow('evaluate');
    client.boolean('new-checkout', false);
    await turn();
    server.serve(made.snapshots.two);
    const taken = following.offer(made.snapshots.two.head);
    // Longer than what is at hand takes: a head that does not wait is through by now, and lost.
    for (let count = 0; count < 20; count += 1) await turn();
    assert.equal(evaluators.length, 1);
    go();
    assert.equal(await taken, true);
    assert.deepEqual([client.status.version, evaluators.length], [2, 2]);
  });

  test('while a body is on its way does not put that snapshot away', async () => {
    await connect();
    server.serve(made.snapshots.two);
    void following.offer(made.snapshots.two.head);
    await server.requested('body', 2);
    breakNow('evaluate');
    client.boolean('new-checkout', false);
    await status(client, ({ version }) => version === 2);
    assert.equal(evaluators.length, 2);
  });

  test('in an explanation is recovered from like one in an evaluation', async () => {
    await connect();
    assert.ok(client.explain('new-checkout').length > 0);
    breakNow('explain');
    const recovered = next(client, 'change');
    assert.deepEqual(client.explain('new-checkout'), []);
    await recovered;
    assert.deepEqual(errors.map(({ code, cause }) => [code, cause instanceof WebAssembly.RuntimeError]), [['evaluator', true]]);
    assert.ok(client.explain('banner-text').length > 0);
  });

  test('in the evaluation of all flags at once costs the one that it was in alone', async () => {
    await connect();
    const all = () => client.for({ targetingKey: 'user-1', country: 'US' }).outcomes();
    assert.equal(all().length, 5);
    breakNow('evaluate_all');
    const recovered = next(client, 'change');
    assert.deepEqual(all().map(([, { errorCode }]) => errorCode), Array(5).fill('GENERAL'));
    assert.deepEqual(client.keys(), [], 'nothing is thrown');
    await recovered;
    // Flag by flag from now on: none of them is at fault here.
    assert.deepEqual(all().map(([key, { errorCode }]) => [key, errorCode]), client.keys().map((key) => [key, undefined]));
  });

  test('in applying a delta costs nothing: the body is loaded whole', async () => {
    await connect();
    const hash = (body) => createHash('sha256').update(body).digest('hex');
    server.deltas.set(`${hash(made.snapshots.one.body)}/${hash(made.snapshots.two.body)}`, made.deltas[0]);
    breakNow('apply_delta');
    server.publish(made.snapshots.two);
    await status(client, ({ version }) => version === 2);
    assert.equal(client.boolean('new-checkout', true), false);
    assert.deepEqual(errors.map(({ cause }) => cause instanceof WebAssembly.RuntimeError), [true]);
    assert.equal(evaluators.length, 2);
  });

  test('while a stored snapshot is opened costs that snapshot, and never more than one evaluator', async () => {
    const storage = new MemoryStorage();
    await connect({ storage });
    await stored(storage);
    client.close();
    [evaluators, errors] = [[], []];
    prepareNext = (evaluator) => {
      if (evaluators.length === 1) breakNow('admit_body', evaluator);
    };
    await connect({ storage });
    assert.deepEqual([client.status.version, client.boolean('new-checkout', false)], [1, true]);
    assert.deepEqual(errors.map(({ code }) => code), ['evaluator']);
    assert.equal(evaluators.length, 2);
  });

  describe('the third over one snapshot', () => {
    async function faults(keys) {
      for (const key of keys) {
        breakNow('evaluate');
        const recovered = next(client, 'change');
        assert.equal(client.details(key, '').errorCode, 'GENERAL');
        await recovered;
      }
    }

    test('brings it back as well when each comes while the one before is recovered from', async () => {
      await connect({ storage: new MemoryStorage() });
      server.publish(made.snapshots.two);
      await status(client, ({ version }) => version === 2);
      const asked = server.count('head');
      const keys = ['new-checkout', 'banner-text', 'button-colour'];
      const versions = [];
      const fail = () => {
        breakNow('evaluate');
        client.details(keys.shift(), '');
      };
      const back = next(client, 'change', ({ status: { version } }) => {
        versions.push(version);
        const isLast = keys.length === 0;
        if (!isLast) fail();
        return isLast;
      });
      fail();
      await back;
      assert.deepEqual(versions, [2, 2, 1]);
      assert.equal(server.count('head'), asked, 'all of it is at hand');
      assert.equal(client.boolean('new-checkout', false), true);
    });

    for (const storage of [undefined, new MemoryStorage()]) {
      test(`brings back the one before it, until there is a newer one, ${storage ? 'with' : 'without'} a store`, async () => {
        await connect({ storage });
        server.publish(made.snapshots.two);
        await status(client, ({ version }) => version === 2);
        await faults(['new-checkout', 'banner-text']);
        assert.deepEqual([client.status.version, client.details('banner-text', '').errorCode], [2, 'GENERAL']);
        await faults(['button-colour']);
        assert.equal(client.status.version, 1);
        assert.deepEqual([client.boolean('new-checkout', false), client.string('banner-text', '')], [true, 'Howdy']);
        assert.ok(errors.some(({ code }) => code === 'faulty-snapshot'));
        // Whoever sends it again, it stays out.
        errors.length = 0;
        const refused = next(client, 'error', ({ code }) => code === 'faulty-snapshot');
        server.send(made.snapshots.two.head);
        await refused;
        assert.equal(client.status.version, 1);
        server.publish(made.snapshots.three);
        await status(client, ({ version }) => version === 3);
        assert.equal(client.boolean('new-checkout', false), true);
      });
    }
  });

  function turn() {
    return new Promise((resolve) => setImmediate(resolve));
  }

  async function stored(storage) {
    const name = `${made.rootFingerprint}/${ENVIRONMENT}/client`;
    while (!(await storage.load(name)).snapshot) await turn();
  }
});
