// `cargo xtask bench npm`: what the client costs in Node, each figure beside something plain in the same process. One process per
// round and question, in turns, so that a noisy machine disturbs all alike; CPU time of the whole process, collector included.
//
// node npm/bench/main.mjs WORKLOAD.json [ROUNDS]
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { DAY, ENVIRONMENT, makeSnapshots, snapshot } from '../tests/support/snapshots.mjs';

const [workload, rounds = '5'] = process.argv.slice(2);
if (!workload) throw new Error('name the workload.json that `cargo xtask bench npm` writes');
const measure = fileURLToPath(new URL('measure.mjs', import.meta.url));
const prepared = join(dirname(workload), 'npm');

/** What may not be exceeded, by the least of all rounds. */
const LIMITS = { 'repeated read': 50, 'own memory over Node': 2048, 'cold start': 12 };

function prepare() {
  const { configurations, contexts, pairs } = JSON.parse(readFileSync(workload, 'utf8'));
  const now = Date.now();
  const made = makeSnapshots({
    snapshots: { typical: snapshot(configurations.typical, { kind: 'server', created: now, refreshBy: now + DAY, notAfter: now + 30 * DAY }) },
  });
  const { head, body } = made.snapshots.typical;
  const connection = `https://pns_${'k'.repeat(43)}:${made.rootFingerprint}@nowhere.invalid/${ENVIRONMENT}`;
  const keys = Object.keys(configurations.typical.flags);
  // What starts finds what a program has at hand, and not the material of the other questions, which the collector would go through.
  mkdirSync(prepared, { recursive: true });
  const files = { keyset: made.keysets[0], head, body, 'start.json': JSON.stringify({ connection, key: keys[500], context: contexts[0] }), 'steady.json': JSON.stringify({ keys, contexts, pairs }) };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(prepared, name), content);
}

function round(question) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [measure, prepared, question], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`measuring ${question} failed: ${stderr}`);
  return JSON.parse(stdout);
}

prepare();
const figures = new Map();
for (let count = 0; count < Number(rounds); count += 1) {
  const found = [...round('steady'), ...round('cold'), ...round('opened')];
  for (const { name, unit, value } of found) {
    if (!figures.has(name)) figures.set(name, { unit, values: [] });
    figures.get(name).values.push(value);
  }
}

console.log(`${''.padEnd(44)}${'least'.padStart(10)}${'median'.padStart(10)}${'limit'.padStart(10)}`);
let over = 0;
for (const [name, { unit, values }] of figures) {
  values.sort((a, b) => a - b);
  const [least, median] = [values[0], values[values.length >> 1]];
  const limit = LIMITS[name];
  if (limit !== undefined && least > limit) over += 1;
  const figure = (value) => value.toFixed(value < 100 ? 1 : 0).padStart(10);
  console.log(`${`${name}, ${unit}`.padEnd(44)}${figure(least)}${figure(median)}${limit === undefined ? '' : String(limit).padStart(10)}`);
}
if (over > 0) {
  console.error(`${over} of them over the limit`);
  process.exitCode = 1;
}
