// The dashboard's evaluator over drafts that the real control plane compiled: the module as it is embedded, the wrapper as it is bundled.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { build } from 'esbuild';

import { top } from '../../../end-to-end/support/programs.mjs';
import { Pennon, PROJECT } from '../support/pennon.mjs';
import { manyFlags } from '../support/worlds.mjs';

const FLAGS = 1_000;
/** What the preview of so many flags may take, and how often it is measured. */
const PREVIEW_MS = 20;
const ROUNDS = 15;
const RULED = 'flag-00010';
const context = { targetingKey: 'user-1', country: 'US', plan: 'pro' };

let pennon;
let evaluator;

before(async () => {
  pennon = await Pennon.start({ config: manyFlags(FLAGS), people: false });
  const outfile = join(pennon.folder, 'draft.mjs');
  await build({ entryPoints: [join(top, 'dashboard/src/evaluator/draft.ts')], bundle: true, format: 'esm', platform: 'neutral', outfile, logLevel: 'warning' });
  evaluator = await import(pathToFileURL(outfile).href);
  await evaluator.loadEvaluator(await readFile(join(top, 'dashboard/src/generated/evaluator/pennon_wasm_bg.wasm')));
});

after(() => pennon?.end());

async function open(flags = {}) {
  const { body, problem } = await pennon.post(`${PROJECT}/environments/development/draft`, { flags });
  assert.equal(problem, undefined);
  return evaluator.Draft.open(Buffer.from(body, 'base64'));
}

test('a draft serves what the control plane serves when it is published', async () => {
  const draft = await open();
  assert.equal(draft.keys.length, FLAGS);
  const key = pennon.credentials.environments.find(({ key }) => key === 'development').sdkKeys.server;
  const headers = { authorization: `Bearer ${key}` };
  const { flags } = await pennon.post('/ofrep/v1/evaluate/flags', { context }, headers);
  assert.equal(flags.length, FLAGS);
  const all = draft.evaluateAll(context);
  for (const { key, value, variant, reason } of flags) {
    const outcome = all.get(key);
    assert.deepEqual([outcome.value, outcome.variant, outcome.reason], [value, variant, reason], key);
  }
  draft.close();
});

test('what is not saved is served, explained and split', async () => {
  const { configuration } = await pennon.get(`${PROJECT}/environments/development/flags/${RULED}`);
  const draft = await open({ [RULED]: { configuration: { ...configuration, enabled: true } } });
  const outcome = draft.evaluate(RULED, context);
  assert.equal(outcome.reason, 'SPLIT');
  assert.equal(outcome.rule, 'rule-10');
  assert.equal(draft.evaluate('no-such-flag', context).errorCode, 'FLAG_NOT_FOUND');
  const steps = draft.explain(RULED, context);
  assert.ok(JSON.stringify(steps).includes('rule-10'), JSON.stringify(steps));

  const { units, variants, rules } = draft.distribution(RULED, context);
  assert.equal(units, evaluator.SYNTHETIC_UNITS);
  assert.equal(variants.get('on') + variants.get('off'), units);
  // Five standard deviations of a share of a quarter among 10,000.
  assert.ok(Math.abs(variants.get('on') / units - 0.25) < 0.022, `${variants.get('on')} of ${units}`);
  assert.deepEqual([...rules], [['rule-10', units]]);
  const elsewhere = draft.distribution(RULED, { ...context, country: 'DE' });
  assert.deepEqual([...elsewhere.variants], [['off', units]]);
  // Afterwards it is again the context that is given which counts.
  assert.equal(draft.evaluate(RULED, { ...context, country: 'DE' }).reason, 'DEFAULT');
  draft.close();
});

test('who flips, from what to what', async () => {
  const published = await open();
  const draft = await open({ [RULED]: { configuration: { enabled: true, offVariant: 'off', fallthrough: { variant: 'on' } } } });
  const flips = draft.flips(published, [{ targetingKey: 'a' }, { targetingKey: 'b', country: 'US' }]);
  assert.deepEqual(flips.map(({ flag, context, before, after }) => [flag, context, before.variant, after.variant]), [
    [RULED, 0, 'off', 'on'],
    [RULED, 1, 'off', 'on'],
  ]);
  assert.deepEqual(published.flips(published, [context]), []);
  published.close();
  draft.close();
});

test('what cannot be used is told in a sentence', async () => {
  const draft = await open();
  assert.throws(() => draft.evaluate(RULED, { targetingKey: 'a', since: () => 1 }), /since is a Function/);
  assert.throws(() => draft.distribution(RULED, { targetingKey: 'a', deep: [[[[[[[[['x']]]]]]]]] }), /nests deeper/);
  assert.throws(() => evaluator.Draft.open(new Uint8Array([1, 2, 3])), /cannot be opened/);
  assert.equal(draft.evaluate(RULED, context).errorCode, undefined);
  draft.close();
});

test(`the preview of ${FLAGS} flags takes less than ${PREVIEW_MS} ms`, async () => {
  const asked = performance.now();
  const draft = await open();
  console.log(`compiling and opening ${FLAGS} flags, not optimised: ${(performance.now() - asked).toFixed(0)} ms`);
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = performance.now();
    assert.equal(draft.evaluateAll({ ...context, targetingKey: `user-${round}` }).size, FLAGS);
    times.push(performance.now() - began);
  }
  draft.close();
  times.sort((a, b) => a - b);
  const [least, median] = [times[0], times[Math.floor(ROUNDS / 2)]];
  console.log(`preview of ${FLAGS} flags: median ${median.toFixed(2)} ms, least ${least.toFixed(2)} ms`);
  assert.ok(median < PREVIEW_MS, `${median} ms`);
});
