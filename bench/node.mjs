// Times of the npm package in Node over the workloads that `cargo run -p pennon-core --example workload` wrote into a folder, beside
// a floor written by hand.
//
// node --expose-gc node.mjs FOLDER
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { accept } from '../npm/dist/acceptance.js';
import { bytesFromBase64, bytesFromHex } from '../npm/dist/base64.js';
import { createClient } from '../npm/dist/entrypoints/node.js';
import { createEvaluator, startEvaluator } from '../npm/dist/evaluator.js';
import { free } from '../npm/dist/free.js';
import { ENVIRONMENT, NOW, makeSnapshots, snapshot } from '../npm/tests/support/snapshots.mjs';
import { Floor } from './floor.mjs';

/** Rounds of the table, in each of which every row is measured once. */
const ROUNDS = 15;
/** Evaluations in one pass, at least: the clock has microseconds. */
const PASS = 20_000;
const OPENINGS = 20;

const folder = process.argv[2];
const { configurations, contexts, pairs } = JSON.parse(readFileSync(join(folder, 'workload.json'), 'utf8'));
const floor = new Floor(readFileSync(join(folder, 'floor.txt'), 'utf8'));
const { rootFingerprint, keysets, snapshots } = makeSnapshots({
  snapshots: Object.fromEntries(Object.entries(configurations).map(([name, config]) => [name, snapshot(config, { kind: 'server' })])),
});

async function clientOf(name) {
  const client = createClient(`https://pns_${'A'.repeat(43)}:${rootFingerprint}@localhost/${ENVIRONMENT}`, {
    bootstrap: { keysets, ...snapshots[name] },
    fetch: () => new Promise(() => undefined),
    now: () => NOW,
  });
  const { version } = await client.ready();
  if (version === undefined) throw new Error(`the snapshot of ${name} was refused`);
  return client;
}

const simple = await clientOf('simple');
const typical = await clientOf('typical');
const segment = await clientOf('segment');
const keys = typical.keys();
if (keys.length !== 1000) throw new Error(`there are ${keys.length} flags`);
// Pairs name flags by their position in the body.
const named = pairs.map(([flag, context]) => [keys[flag], context]);

let agreed = 0;
for (const [key, at] of named) {
  const { variant } = typical.details(key, '', contexts[at]);
  const expected = floor.typical(key, floor.contexts[at]);
  // The floor hashes otherwise, so its splits are others.
  if (variant !== expected && !(variant?.startsWith('v') && expected.startsWith('v'))) throw new Error(`${key} for context ${at}: ${variant}, ${expected}`);
  agreed += 1;
}
contexts.forEach((context, at) => {
  if (segment.boolean('listed', false, context) !== floor.listed(floor.contexts[at])) throw new Error(`the segment holds context ${at} wrongly`);
  agreed += 1;
});
console.log(`\n${agreed} answers are the floor's too\n`);

let sink = 0;
// Held by the evaluator, as a request's context is from its second flag on.
const viewsOf = (client) => contexts.map((context) => client.for(context));
const [simpleViews, typicalViews, segmentViews] = [simple, typical, segment].map(viewsOf);
const rows = [
  {
    about: 'W1 one boolean without rules, again',
    count: PASS,
    pass: () => {
      for (let round = 0; round < PASS; round += 1) sink += simple.boolean('simple', false) ? 1 : 0;
    },
  },
  {
    about: '   for another context each time',
    count: PASS,
    pass: () => {
      for (let round = 0; round < PASS; round += 1) sink += simpleViews[round % simpleViews.length].boolean('simple', false) ? 1 : 0;
    },
  },
  {
    about: 'W2 one typical flag of 1,000',
    count: named.length,
    pass: () => {
      for (const [key, at] of named) sink += typicalViews[at].string(key, '').length;
    },
    floor: () => {
      for (const [key, at] of named) sink += floor.typical(key, floor.contexts[at]).length;
    },
  },
  {
    about: '   with a new context of ten attributes',
    count: named.length,
    pass: () => {
      for (const [key, at] of named) sink += typical.string(key, '', contexts[at]).length;
    },
  },
  {
    about: 'W3 a segment of 10,000 keys',
    count: PASS,
    pass: () => {
      // Seven shares no factor with the number of contexts.
      for (let round = 0; round < PASS; round += 1) sink += segmentViews[(round * 7) % segmentViews.length].boolean('listed', false) ? 1 : 0;
    },
    floor: () => {
      for (let round = 0; round < PASS; round += 1) sink += floor.listed(floor.contexts[(round * 7) % contexts.length]) ? 1 : 0;
    },
  },
  {
    about: 'W4 all 1,000 flags, for each',
    count: keys.length * 20,
    pass: () => {
      for (const view of typicalViews.slice(0, 20)) for (const key of keys) sink += view.string(key, '').length;
    },
    floor: () => {
      for (let at = 0; at < 20; at += 1) for (const key of keys) sink += floor.typical(key, floor.contexts[at]).length;
    },
  },
];

/** CPU time of the whole process, the collector and the compiler included, in nanoseconds. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

function time(run, count) {
  globalThis.gc();
  const start = cpu();
  run();
  return (cpu() - start) / count;
}

const module = await startEvaluator(async () => WebAssembly.compile(readFileSync(new URL('../npm/dist/generated/pennon_wasm_bg.wasm', import.meta.url))));
/** Opening a body whose hash and signatures are checked already. */
async function opening() {
  const evaluator = createEvaluator(module, bytesFromBase64(rootFingerprint), bytesFromHex(ENVIRONMENT), true, undefined);
  const give = evaluator.give.bind(evaluator);
  let took = 0;
  evaluator.give = (name, ...given) => {
    const start = process.hrtime.bigint();
    const answer = give(name, ...given);
    if (name === 'admit_body') took = Number(process.hrtime.bigint() - start);
    return answer;
  };
  const { head, body } = snapshots.typical;
  const parts = { body: async () => body, keyset: async (number) => keysets[number - 1] };
  const verifyOtherwise = async (why) => {
    throw why;
  };
  await accept({ evaluator, keysets: [], verifyOtherwise }, head, parts, 'bootstrap', NOW);
  free(evaluator);
  if (took === 0) throw new Error('no body was opened');
  return took;
}

const times = rows.map(() => ({ ours: [], floor: [] }));
const opened = [];
for (let round = 0; round <= ROUNDS; round += 1) {
  const warm = round > 0;
  for (const [at, row] of rows.entries()) {
    const ours = time(row.pass, row.count);
    const plain = row.floor && time(row.floor, row.count);
    if (!warm) continue;
    times[at].ours.push(ours);
    if (plain !== undefined) times[at].floor.push(plain);
  }
  for (let count = 0; warm && count < OPENINGS; count += 1) opened.push(await opening());
}

const cell = (value) => (value === undefined ? '' : value.toFixed(1)).padStart(11);
function print(about, ours, plain = []) {
  const sorted = (list) => list.toSorted((a, b) => a - b);
  const [own, other] = [sorted(ours), sorted(plain)];
  const middle = (list) => list[list.length >> 1];
  const ratio = other.length > 0 ? (own[0] / other[0]).toFixed(1) : '';
  console.log(about.padEnd(44) + cell(own[0]) + cell(middle(own)) + cell(other[0]) + cell(middle(other)) + ratio.padStart(8));
}
console.log('npm package in Node, ns of CPU time'.padEnd(44) + ['minimum', 'median', 'floor min', 'floor med'].map((name) => name.padStart(11)).join('') + 'ratio'.padStart(8));
rows.forEach((row, at) => print(row.about, times[at].ours, times[at].floor));
print('open 1,000 flags, ns of wall time', opened);
if (sink === 0) throw new Error('nothing was evaluated');
for (const client of [simple, typical, segment]) client.close();
