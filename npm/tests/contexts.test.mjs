// Flags for contexts that each call brings, and all flags at once: what is kept of earlier answers must never show.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { createClient } from '../dist/entrypoints/node.js';
import { ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

const VARIANTS = 20;
const SECOND = 1_000;

/**
 * More variants than outcomes of a flag are at hand, each by a rule of its own and by one whose window opens later, of half of them still
 * later: until then the same outcome ends at one instant and then at another.
 */
function tiers() {
  const variants = Array.from({ length: VARIANTS }, (_, at) => ({ key: `tier-${at}`, value: `value ${at}` }));
  const rule = (at, attribute, window) => ({ id: `${attribute}-${at}`, when: { equals: { attribute, value: at } }, serve: { variant: `tier-${at}` }, ...window });
  const rules = variants.flatMap((_, at) => [rule(at, 'tier'), rule(at, 'guest', { from: NOW + (at % 2 === 0 ? 1 : 3) * SECOND })]);
  return { type: 'string', clientVisible: true, enabled: true, variants, offVariant: 'tier-0', rules, fallthrough: { variant: 'tier-0' } };
}

describe('contexts of a call', () => {
  let client, connection, bootstrap;
  let now = NOW;
  const never = (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

  before(async () => {
    const extra = { first: tiers(), second: tiers() };
    const made = makeSnapshots({ snapshots: { many: snapshot(sampleConfig({ extra }), { kind: 'server' }) } });
    connection = `https://pns_${'k'.repeat(43)}:${made.rootFingerprint}@nowhere.invalid/${ENVIRONMENT}`;
    bootstrap = { keysets: made.keysets, ...made.snapshots.many };
    client = createClient(connection, { bootstrap, fetch: never, now: () => now });
    assert.equal((await client.ready()).version, 1);
  });
  after(() => client.close());

  const numbered = (attribute) => Array.from({ length: VARIANTS }, (_, at) => ({ targetingKey: `user-${at}`, [attribute]: at }));

  test('all outcomes at once are those of each flag: of more variants than are at hand, again, and when time ends them', () => {
    const ends = new Set();
    for (const instant of [NOW, NOW, NOW + SECOND, NOW + 4 * SECOND, NOW]) {
      now = instant;
      for (const context of [...numbered('tier'), ...numbered('guest'), {}]) {
        const flags = client.for(context);
        const outcomes = flags.outcomes();
        assert.deepEqual(outcomes, client.keys().map((key) => [key, flags.outcome(key)]));
        assert.deepEqual(outcomes, client.keys().map((key) => [key, client.for(context).outcome(key)]));
        for (const [, { until }] of outcomes) ends.add(until);
      }
    }
    assert.deepEqual([...ends].sort(), [NOW + SECOND, NOW + 3 * SECOND, undefined]);
    now = NOW;
  });

  /** Of those whose names are the same only the values are handed to the evaluator: whatever came before must not matter. */
  const CONTEXTS = {
    'a user': { targetingKey: 'user-1', tier: 1, country: 'US' },
    'another user': { targetingKey: 'user-4711', tier: 17, country: 'FR' },
    'values of other types': { targetingKey: 42, tier: '1', country: null },
    'booleans': { targetingKey: 'user-1', tier: true, country: false },
    'another order': { country: 'US', tier: 1, targetingKey: 'user-1' },
    'one more name': { targetingKey: 'user-1', tier: 1, country: 'US', plan: 'pro' },
    'one name less': { targetingKey: 'user-1', tier: 2 },
    'other names': { targetingKey: 'user-1', guest: 3, country: 'US' },
    'what is undefined': { targetingKey: 'user-1', tier: 3, plan: undefined, country: 'CA' },
    'no names': {},
    'text that is not ASCII': { targetingKey: 'user-1', tier: 4, country: 'Österreich' },
    'a list': { targetingKey: 'user-1', tier: 5, country: ['US'] },
    'an object': { targetingKey: 'user-1', tier: 5, country: { code: 'US' } },
    'large': { targetingKey: 'user-1', tier: 6, country: 'U'.repeat(4_000) },
    'a targeting key that is refused': { targetingKey: true, tier: 1, country: 'US' },
    'a number that is refused': { targetingKey: 'user-1', tier: Number.NaN, country: 'US' },
  };

  test('a context of one evaluation counts alone, whichever were there before', () => {
    const keys = ['first', 'second', 'banner-text', 'button-colour'];
    const contexts = Object.entries(CONTEXTS);
    const brief = ({ variant, errorCode }) => [variant, errorCode];
    const expected = new Map(contexts.map(([name, context]) => [name, keys.map((key) => brief(client.for(context).outcome(key)))]));
    // What they come to differs, or nothing would show here.
    assert.ok(new Set([...expected.values()].map((outcomes) => JSON.stringify(outcomes))).size > 8);
    const read = (context) => keys.map((key) => brief(client.details(key, '', context)));
    for (const [before, first] of contexts) {
      for (const [name, context] of contexts) {
        read(first);
        for (const time of ['once', 'twice', 'with the other prepared between']) {
          if (time.startsWith('with')) client.for(first).outcome('first');
          assert.deepEqual(read(context), expected.get(name), `${name} after ${before}, ${time}`);
        }
      }
    }
  });

  test('a getter that evaluates for another context disturbs neither, whichever names that has', () => {
    for (const [name, other] of Object.entries(CONTEXTS)) {
      const inner = [];
      const context = { targetingKey: 'user-1', tier: 7, get country() { return inner.push(client.string('first', '', other)) > 0 ? 'US' : ''; } };
      for (const time of ['once', 'twice', 'again']) assert.equal(client.string('first', '', context), 'value 7', `${name}, ${time}`);
      assert.ok(inner.every((value) => value === client.for(other).string('first', '')), name);
    }
  });

  test('two clients of one module do not disturb each other', async () => {
    const another = createClient(connection, { bootstrap, fetch: never, now: () => now });
    try {
      await another.ready();
      for (const tier of [1, 2, 3]) {
        assert.equal(client.string('first', '', { tier, country: 'US' }), `value ${tier}`);
        assert.equal(another.string('first', '', { country: 'US', tier: tier + 1 }), `value ${tier + 1}`);
      }
    } finally {
      another.close();
    }
  });
});
