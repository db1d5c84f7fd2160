// Snapshots kept as files: a Node process that starts without a network.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, test } from 'node:test';

import { FileStorage, createClient } from 'pennon/node';
import { next, status } from './support/events.mjs';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

/** Knows what is still being written, so that a test ends when that has ended. */
class WatchedStorage extends FileStorage {
  writing = [];

  save(...of) {
    const saved = super.save(...of);
    this.writing.push(saved.catch(() => undefined));
    return saved;
  }
}

describe('snapshots in files', () => {
  let made, server, folder, client, storages;

  before(() => {
    made = makeSnapshots({ snapshots: { one: snapshot(sampleConfig()), two: snapshot(sampleConfig({ checkout: false }), { version: 2 }) } });
  });
  beforeEach(async () => {
    storages = [];
    folder = mkdtempSync(join(tmpdir(), 'pennon-files-'));
    server = await DeliveryServer.start(made);
    server.publish(made.snapshots.two);
  });
  afterEach(async () => {
    client?.close();
    await server.stop();
    await Promise.all(storages.flatMap(({ writing }) => writing));
    // A save may begin when the client is being closed: Node waits for a folder that is written to.
    rmSync(folder, { recursive: true, maxRetries: 10, retryDelay: 20 });
  });

  function connect() {
    const storage = new WatchedStorage(join(folder, 'made', 'when', 'needed'));
    storages.push(storage);
    client = createClient(server.connectionString(made, { environment: ENVIRONMENT }), {
      now: () => NOW,
      backoff: { baseMs: 5, capMs: 50 },
      storage,
    });
    return client;
  }

  const place = () => join(folder, 'made', 'when', 'needed');
  const file = (what) => join(place(), readdirSync(place()).find((name) => name.endsWith(what)));

  /** Runs a client until what it got lies in the folder. */
  async function fill() {
    connect();
    await client.ready();
    while (storages.at(-1).writing.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all(storages.flatMap(({ writing }) => writing));
    client.close();
  }

  test('a start without a network evaluates from them, and says so', async () => {
    await fill();
    await server.stop();
    connect();
    const { version, source } = await client.ready();
    assert.deepEqual({ version, source }, { version: 2, source: 'cache' });
    assert.equal(client.details('new-checkout', true).reason, 'DISABLED');
    assert.equal(client.string('banner-text', ''), 'Welcome');
  });

  test('nobody else can read them, and nothing half written is left', async () => {
    await fill();
    const names = readdirSync(place());
    assert.deepEqual(names.map((name) => name.split('.').slice(1).join('.')).sort(), ['mark', 'snapshot']);
    for (const name of names) assert.equal(statSync(join(place(), name)).mode & 0o777, 0o600);
  });

  test('a replayed older snapshot is refused after a restart', async () => {
    await fill();
    server.publish(made.snapshots.one);
    connect();
    assert.equal((await next(client, 'error')).code, 'older-version');
    assert.equal(client.status.version, 2);
  });

  for (const [name, damage] of [
    ['cut short', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['empty', () => Buffer.alloc(0)],
    ['of another format', (bytes) => Buffer.concat([Buffer.from('PNF9'), bytes.subarray(4)])],
    ['with a length beyond its end', (bytes) => Buffer.concat([bytes.subarray(0, 4), Buffer.from([0xff, 0xff, 0xff, 0xff]), bytes.subarray(8)])],
    ['with one bit of the head flipped', (bytes) => Buffer.from(bytes.map((byte, at) => (at === 60 ? byte ^ 1 : byte)))],
    ['with one bit of the body flipped', (bytes) => Buffer.from(bytes.map((byte, at) => (at === 400 ? byte ^ 1 : byte)))],
  ]) {
    test(`a file ${name} is not used, and replaced`, async () => {
      await fill();
      await server.stop();
      const good = readFileSync(file('snapshot'));
      writeFileSync(file('snapshot'), damage(good));
      connect();
      assert.equal((await client.ready(200)).version, undefined);
      await server.listen();
      await status(client, ({ version }) => version === 2);
      client.close();
      await fill();
      assert.deepEqual(readFileSync(file('snapshot')), good);
    });
  }

  test('of several that write at once the newest stays, mark and snapshot', async () => {
    const version = (number) => [{ head: Uint8Array.of(number), body: Uint8Array.of(number), keysets: [] }, Uint8Array.of(number)];
    for (let round = 0; round < 20; round += 1) {
      const name = `round-${round}`;
      await Promise.all([7, 6, 5].map((number) => new FileStorage(place()).save(name, ...version(number))));
      const { snapshot: stored, highWater } = await new FileStorage(place()).load(name);
      assert.deepEqual([stored.head[0], highWater[0]], [7, 7], name);
    }
    assert.deepEqual(readdirSync(place()).filter((name) => !/(mark|snapshot)$/.test(name)), []);
  });

  test('who ended while it wrote keeps nobody from writing', async () => {
    const storage = new FileStorage(place());
    const [files, mark] = [{ head: Uint8Array.of(1), body: Uint8Array.of(1), keysets: [] }, Uint8Array.of(1)];
    await storage.save('name', files, mark);
    const lock = file('mark').replace(/mark$/, 'lock');
    for (const [at, seconds] of [-60, 60, 0].entries()) {
      writeFileSync(lock, '');
      const since = Date.now() / 1000 + seconds;
      utimesSync(lock, since, since);
      await storage.save('name', files, Uint8Array.of(2 + at));
      assert.deepEqual((await storage.load('name')).highWater, Uint8Array.of(2 + at), `${seconds} s`);
    }
  });

  test('what a client has that is closed at once lies there for the next start', async () => {
    await connect().ready();
    client.close();
    for (const end = Date.now() + 5_000; storages[0].writing.length === 0 && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all(storages[0].writing);
    await server.stop();
    const { version, source } = await connect().ready();
    assert.deepEqual({ version, source }, { version: 2, source: 'cache' });
    await server.listen();
  });

  test('a damaged mark keeps nobody from going on', async () => {
    await fill();
    const mark = readFileSync(file('mark'));
    for (const damaged of [Buffer.alloc(0), mark.subarray(1), Buffer.from(mark.map((byte, at) => (at === 4 ? 0xff : byte)))]) {
      writeFileSync(file('mark'), damaged);
      await server.stop();
      connect();
      const { version, source } = await client.ready();
      assert.deepEqual({ version, source }, { version: 2, source: 'cache' });
      client.close();
      await server.listen();
      await fill();
      assert.deepEqual(readFileSync(file('mark')), mark);
      assert.ok(statSync(file('snapshot')).size > 0);
    }
  });

  test('a folder that cannot be written to costs the offline start alone', async () => {
    writeFileSync(join(folder, 'made'), 'a file');
    connect();
    const failure = next(client, 'error', ({ code }) => code === 'storage');
    assert.equal((await client.ready()).version, 2);
    assert.match((await failure).message, /store failed/);
    assert.equal(client.string('banner-text', ''), 'Welcome');
  });
});
