import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compare, report, VENDORS } from './judge.mjs';

/** Few, so that a run takes seconds; `cargo xtask judge` asks more. */
const EVALUATIONS = Number(process.env.PENNON_JUDGED ?? 6_000);
/** An importer that refuses more of these worlds' flags has become worse. */
const MOST_REFUSED = 0.35;

const program = process.env.PENNON_JUDGE;

for (const vendor of VENDORS) {
  test(`${vendor}: every answer is its own engine's`, async () => {
    assert.ok(program, 'PENNON_JUDGE names the example `judge` of pennon-core');
    const found = await compare(vendor, program, { evaluations: EVALUATIONS, seed: 1_000_000, show: 3 });
    const text = report(vendor, found);
    assert.equal(found.wrong, 0, text);
    assert.ok(found.evaluations >= EVALUATIONS && found.agreed > 0, text);
    assert.ok(found.refused <= found.evaluations * MOST_REFUSED, text);
    console.log(text.split('\n')[0]);
  });
}
