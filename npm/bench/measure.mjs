// One round of one question; see main.mjs.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const [folder, question] = process.argv.slice(2);
/** Linux's account of this process. */
const ROLLUP = '/proc/self/smaps_rollup';
/** V8 throws away what it compiled of functions that were not called between several collections. */
const COLLECTIONS = 12;

/**
 * The collector, and Node as programs run it: while a flag is set, Node does not take its own JavaScript as it was compiled with it, but
 * compiles it and keeps what comes out, which is up to 200 KiB for cryptography alone.
 */
function collector() {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return collect;
}

const ANSWERS = { opened, cold, steady };

/** Milliseconds of CPU so far, of all threads. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * In KiB, after the collector has run, while `held` is: what is resident, and of that what is no file's. The rest is Node's own program, of
 * which more lies in memory as soon as WebAssembly and cryptography are used at all.
 */
function memory(collect, held) {
  globalThis.held = held;
  for (let times = 0; times < COLLECTIONS; times += 1) collect();
  const resident = Math.round(process.memoryUsage.rss() / 1024);
  const rollup = existsSync(ROLLUP) ? readFileSync(ROLLUP, 'utf8') : '';
  return { resident, own: Number(/^Anonymous: *([0-9]+)/m.exec(rollup)?.[1]) };
}

const read = (name) => readFileSync(join(folder, name));
const json = (name) => JSON.parse(read(name).toString());

/** What a program has at hand that starts: its connection string and a snapshot. */
function given() {
  const bytes = (name) => new Uint8Array(read(name));
  return { bootstrap: { keysets: [bytes('keyset')], head: bytes('head'), body: bytes('body') }, ...json('start.json') };
}

/** A client with everything verified, and never connected. */
async function open({ bootstrap, connection, context }) {
  const { createClient } = await import('pennon/node');
  const fetch = (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const client = createClient(connection, { bootstrap, fetch, context });
  const { version, lastError } = await client.ready();
  if (version === undefined) throw lastError;
  return client;
}

/** What the same process takes more, once it has a client of 1,000 flags. */
async function opened() {
  const data = given();
  const collect = collector();
  // Until measuring itself takes nothing more, and starting has left nothing to collect.
  const settled = (held) => [1, 2, 3, 4].map(() => memory(collect, held)).at(-1);
  const before = settled(data);
  const client = await open(data);
  if (client.outcome(data.key).value === undefined) throw new Error('nothing was evaluated');
  const after = settled([data, client]);
  const over = (name, what) => ({ name, unit: 'KiB', value: after[what] - before[what] });
  return [over('resident memory over Node', 'resident'), ...(Number.isNaN(after.own) ? [] : [over('own memory over Node', 'own')])];
}

async function cold() {
  const data = given();
  const from = cpu();
  const client = await open(data);
  if (client.outcome(data.key).value === undefined) throw new Error('nothing was evaluated');
  return [{ name: 'cold start', unit: 'ms of CPU', value: cpu() - from }];
}

async function steady() {
  const { keys, contexts, pairs } = json('steady.json');
  const client = await open(given());
  const [key] = keys;
  const map = new Map(keys.map((name) => [name, { type: 'string', value: name }]));
  const pair = (at) => pairs[at % pairs.length];
  return [
    time('a look-up in a Map of 1,000, for comparison', () => map.get(key).value),
    time('repeated read', () => client.string(key, '')),
    time('JSON.stringify of a context, for comparison', (at) => JSON.stringify(contexts[at % contexts.length])),
    time('one flag for a new context', (at) => client.string(keys[pair(at)[0]], '', contexts[pair(at)[1]])),
    time('1,000 flags for a new context, each', (at) => {
      const flags = client.for(contexts[at % contexts.length]);
      let length = 0;
      for (const name of keys) length += flags.string(name, '').length;
      return length;
    }, keys.length),
    time('1,000 flags for a new context at once, each', (at) => client.for(contexts[at % contexts.length]).outcomes().length, keys.length),
  ];
}

/** Nanoseconds for one; a first pass warms up. */
function time(name, run, each = 1) {
  let value = 0;
  let sink = 0;
  for (let pass = 0; pass < 2; pass += 1) {
    const from = cpu();
    let done = 0;
    let spent;
    do {
      for (let batch = 0; batch < 200; batch += 1) sink += run(done + batch) === undefined ? 1 : 0;
      done += 200;
      spent = cpu() - from;
    } while (spent < 150);
    value = (spent * 1e6) / done / each;
  }
  if (sink !== 0) throw new Error(`${name}: nothing came of it`);
  return { name, unit: 'ns', value };
}

console.log(JSON.stringify(await ANSWERS[question]()));
process.exit(0);
