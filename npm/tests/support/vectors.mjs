import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ENVIRONMENT, NOW, knownGapsFolder, makeSnapshots, snapshot, vectorsFolder } from './snapshots.mjs';

/** The vectors in core/spec/vectors, whatever files there are, each compiled and signed natively: the module has no compiler. */
export function loadVectors() {
  const names = readdirSync(vectorsFolder).filter((name) => name.endsWith('.json')).sort();
  const files = names.map((name) => JSON.parse(readFileSync(join(vectorsFolder, name), 'utf8')));
  const cases = files.reduce((count, file) => count + file.cases.length, 0);
  if (cases === 0) throw new Error(`there are no vectors in ${vectorsFolder}`);
  const golden = goldenBuckets();
  const configs = [...files.map(({ config }) => config), golden.config];
  const made = makeSnapshots({
    snapshots: Object.fromEntries(configs.map((config, index) => [index, snapshot(config, { kind: 'server' })])),
  });
  const base64 = (bytes) => Buffer.from(bytes).toString('base64');
  return {
    openAt: NOW,
    connectionString: `https://pns_${'k'.repeat(43)}:${made.rootFingerprint}@nowhere.invalid/${ENVIRONMENT}`,
    keysets: made.keysets.map(base64),
    files: files.map(({ name, cases: ofFile }, index) => {
      const { head, body } = made.snapshots[index];
      return { name, cases: ofFile, head: base64(head), body: base64(body) };
    }),
    golden: { cases: golden.cases, head: base64(made.snapshots[files.length].head), body: base64(made.snapshots[files.length].body) },
    // And one for all the golden buckets of a salt.
    cases: cases + golden.salts,
  };
}

/** The 10,000 buckets of core/spec/buckets, for a flag for each salt, named by its number. */
function goldenBuckets() {
  const { salts, cases } = JSON.parse(readFileSync(join(vectorsFolder, '../buckets/golden.json'), 'utf8'));
  if (cases.length !== 10_000) throw new Error(`there are ${cases.length} golden buckets`);
  const flag = (salt) => ({
    type: 'boolean',
    enabled: true,
    variants: [{ key: 'all', value: true }],
    fallthrough: { split: { by: { salt }, weights: [{ variant: 'all', weight: 100_000 }] } },
  });
  const flags = Object.fromEntries(salts.map((salt, number) => [String(number), flag(salt)]));
  return { config: { format: 1, flags }, cases, salts: salts.length };
}

/**
 * Makes each case a test of its own. A case named in core/spec/known-gaps/<runtime>.txt has to fail: when it passes, the line has
 * to go.
 */
export function testResults(runtime, vectors, results) {
  const gaps = knownGaps(runtime);
  const names = new Set(results.map(({ name }) => name));
  test(`all ${vectors.cases} cases ran, each under its own name`, () => {
    assert.equal(results.length, vectors.cases);
    assert.equal(names.size, vectors.cases);
    assert.deepEqual([...gaps].filter((gap) => !names.has(gap)), [], 'known gaps that name no case');
  });
  for (const { name, expected, actual } of results) {
    test(name, () => {
      if (gaps.has(name)) assert.notDeepEqual(actual, expected, 'it passes: remove it from the known gaps');
      else assert.deepEqual(actual, expected);
    });
  }
}

/** One name a line; `#` starts a line that gives the reason. */
function knownGaps(runtime) {
  const file = join(knownGapsFolder, `${runtime}.txt`);
  if (!existsSync(file)) return new Set();
  const lines = readFileSync(file, 'utf8').split('\n').map((line) => line.trim());
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('#')));
}
