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
  let client;
  let now = NOW;

  before(async () => {
    const extra = { first: tiers(), second: tiers() };
    const made = makeSnapshots({ snapshots: { many: snapshot(sampleConfig({ extra }), { kind: 'server' }) } });
    const fetch = (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const { head, body } = made.snapshots.many;
    client = createClient(`https://pns_${'k'.repeat(43)}:${made.rootFingerprint}@nowhere.invalid/${ENVIRONMENT}`, {
      bootstrap: { keysets: made.keysets, head, body }, fetch, now: () => now,
    });
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
});
