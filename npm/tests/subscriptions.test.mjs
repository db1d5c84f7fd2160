import assert from 'node:assert/strict';
import { before, beforeEach, afterEach, describe, test } from 'node:test';

import { createClient } from '../dist/entrypoints/node.js';
import { next } from './support/events.mjs';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

const OPENS = NOW + 40;
/** A flag with a rule that holds from `OPENS` on. */
const window = {
  window: {
    type: 'string',
    clientVisible: true,
    enabled: true,
    variants: [
      { key: 'shut', value: 'shut' },
      { key: 'open', value: 'open' },
    ],
    rules: [{ id: 'opens', from: OPENS, when: { all: [] }, serve: { variant: 'open' } }],
    fallthrough: { variant: 'shut' },
  },
};

describe('a subscription to one flag', () => {
  let made, server, client, clock;

  before(() => {
    made = makeSnapshots({
      snapshots: {
        one: snapshot(sampleConfig({ extra: window })),
        two: snapshot(sampleConfig({ checkout: false, extra: window }), { version: 2 }),
      },
    });
  });
  beforeEach(async () => {
    clock = NOW;
    server = await DeliveryServer.start(made);
    server.publish(made.snapshots.one);
    client = createClient(server.connectionString(made, { environment: ENVIRONMENT }), {
      now: () => clock,
      context: { targetingKey: 'user-1' },
    });
  });
  afterEach(async () => {
    client.close();
    await server.stop();
  });

  /** The values that a flag's listener is told of, in order. */
  function heard(key) {
    const values = [];
    const end = client.subscribe(key, (outcome) => values.push(outcome.value));
    return { values, end };
  }

  test('hears of the first snapshot', async () => {
    const { values } = heard('banner-text');
    const unknown = heard('no-such-flag');
    await client.ready();
    assert.deepEqual(values, ['Welcome']);
    assert.deepEqual(unknown.values, [undefined], 'from PROVIDER_NOT_READY to FLAG_NOT_FOUND');
  });

  test('hears of its own flag alone when a snapshot changes another', async () => {
    await client.ready();
    const [checkout, banner, theme] = ['new-checkout', 'banner-text', 'theme'].map(heard);
    const changed = next(client, 'change');
    server.publish(made.snapshots.two);
    await changed;
    // The event `change` comes before the subscriptions: a turn later they have all been called.
    await Promise.resolve();
    assert.deepEqual(checkout.values, [false]);
    assert.deepEqual(banner.values, []);
    assert.deepEqual(theme.values, [], 'a JSON value that is equal in both snapshots');
  });

  test('hears of a context that gives another outcome, and of none that does not', async () => {
    await client.ready();
    const { values } = heard('banner-text');
    client.setContext({ targetingKey: 'user-2' });
    assert.deepEqual(values, []);
    client.setContext({ targetingKey: 'user-2', country: 'CA' });
    client.setContext({ targetingKey: 'user-2', country: 'US' });
    client.setContext({ targetingKey: 'user-2' });
    assert.deepEqual(values, ['Howdy', 'Welcome']);
  });

  test('hears of a window that opens without a network', async () => {
    await client.ready();
    await server.stop();
    assert.equal(client.details('window', '').until, OPENS);
    const opened = new Promise((resolve) => client.subscribe('window', resolve));
    const others = heard('banner-text');
    clock = OPENS;
    const outcome = await opened;
    assert.equal(outcome.value, 'open');
    assert.equal(outcome.rule, 'opens');
    assert.equal(client.string('window', ''), 'open');
    assert.deepEqual(others.values, []);
  });

  test('ends by itself alone, and only once', async () => {
    await client.ready();
    const [first, second] = [heard('banner-text'), heard('banner-text')];
    first.end();
    first.end();
    client.setContext({ country: 'US' });
    assert.deepEqual([first.values, second.values], [[], ['Howdy']]);
    second.end();
    client.setContext({});
    assert.deepEqual(second.values, ['Howdy']);
  });

  test('hears nothing older than what another listener brought about', async () => {
    await client.ready();
    client.subscribe('banner-text', ({ value }) => value === 'Howdy' && client.setContext({ targetingKey: 'user-1' }));
    const { values } = heard('banner-text');
    client.setContext({ country: 'US' });
    assert.equal(client.string('banner-text', ''), 'Welcome');
    assert.equal(values.at(-1), 'Welcome');
    assert.ok(!values.slice(values.indexOf('Welcome')).includes('Howdy'), values.join());
  });

  test('a listener that throws disturbs nobody', async (t) => {
    await client.ready();
    const errors = t.mock.method(console, 'error', () => undefined);
    client.subscribe('banner-text', () => {
      throw new Error('mine');
    });
    const { values } = heard('banner-text');
    client.setContext({ country: 'US' });
    assert.deepEqual(values, ['Howdy']);
    assert.equal(errors.mock.callCount(), 1);
  });
});
