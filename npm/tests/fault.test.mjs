// What is left of a client when the evaluator stops in the middle of something: a trap of WebAssembly, made here by a bad address.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { afterEach, before, beforeEach, describe, test } from 'node:test';

import { Client, createClientOn } from '../dist/client.js';
import { startEvaluator } from '../dist/evaluator.js';
import { MemoryStorage } from '../dist/storage.js';
import { next, status } from './support/events.mjs';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

describe('a fault of the evaluator', () => {
  let made, server, client, evaluators, errors;

  before(() => {
    made = makeSnapshots({
      snapshots: {
        one: snapshot(sampleConfig()),
        two: snapshot(sampleConfig({ checkout: false }), { version: 2 }),
        three: snapshot(sampleConfig(), { version: 3 }),
      },
    });
  });
  beforeEach(async () => {
    server = await DeliveryServer.start(made);
    server.publish(made.snapshots.one);
    [evaluators, errors] = [[], []];
  });
  afterEach(async () => {
    client.close();
    await server.stop();
  });

  async function connect(options = {}) {
    const platform = {
      fetch: (url, init) => fetch(url, init),
      defaultStorage: () => undefined,
      async loadEvaluator() {
        const module = await startEvaluator(async () => WebAssembly.compile(await readFile(new URL('../dist/generated/pennon_wasm_bg.wasm', import.meta.url))));
        const { create } = Object.getPrototypeOf(module);
        module.create = (...given) => {
          const evaluator = create.apply(module, given);
          evaluators.push(evaluator);
          return evaluator;
        };
        return module;
      },
    };
    client = createClientOn(Client, platform, server.connectionString(made, { environment: ENVIRONMENT }), {
      context: { targetingKey: 'user-1', country: 'US' },
      now: () => NOW,
      backoff: { baseMs: 5, capMs: 50 },
      ...options,
    });
    client.on('error', (error) => errors.push(error));
    await client.ready();
    await status(client, ({ connected }) => connected);
  }

  /** From now on that function of the evaluator in use stops it. */
  function breakNow(name) {
    const evaluator = evaluators.at(-1);
    const whole = Object.getPrototypeOf(evaluator)[name];
    evaluator[name] = (...given) => {
      evaluator.address = 0x7fff_fff0;
      return whole.apply(evaluator, given);
    };
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
    breakNow('admitBody');
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
});
