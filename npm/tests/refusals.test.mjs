import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { afterEach, before, beforeEach, describe, test } from 'node:test';

import { createClient as createClientInPage } from '../dist/entrypoints/inline.js';
import { createClient, MemoryStorage } from '../dist/entrypoints/node.js';
import { next, status } from './support/events.mjs';
import { DeliveryServer } from './support/server.mjs';
import {
  CREATED, DAY, ENVIRONMENT, KEYSET, NOW, OTHER_ENVIRONMENT, flipBit, makeSnapshots, sampleConfig, snapshot,
} from './support/snapshots.mjs';

const HEAD_BYTES = 160;

describe('what is refused', () => {
  let made, rotated, server, clients;

  before(() => {
    const other = sampleConfig({ checkout: false });
    made = makeSnapshots({
      snapshots: {
        one: snapshot(sampleConfig()),
        two: snapshot(sampleConfig(), { version: 2 }),
        good: snapshot(other, { version: 3 }),
        conflicting: snapshot(other, { version: 2 }),
        lowerEpoch: snapshot(other, { epoch: 0, version: 9 }),
        otherEnvironment: snapshot(other, { version: 9, environment: OTHER_ENVIRONMENT }),
        otherKind: snapshot(other, { version: 9, kind: 'server' }),
        otherKey: snapshot(other, { version: 9, signedBy: [9] }),
        unsigned: snapshot(other, { version: 9, signedBy: [] }),
        expired: snapshot(other, { version: 9, created: CREATED - 40 * DAY, refreshBy: CREATED - 39 * DAY, notAfter: CREATED - 10 * DAY }),
        future: snapshot(other, { version: 9, minimumEvaluator: 60_000 }),
        keyset2: snapshot(other, { version: 9, keyset: 2 }),
        keyset99: snapshot(other, { version: 9, keyset: 99 }),
      },
    });
    // Keyset 2 takes key 2 away and brings key 3.
    rotated = makeSnapshots({
      keysets: [KEYSET, { number: 2, roots: [1], keys: [3], signedBy: [1] }],
      snapshots: {
        three: snapshot(other, { version: 3, keyset: 2, signedBy: [3] }),
        withOldKey: snapshot(sampleConfig(), { version: 4, keyset: 2, signedBy: [2] }),
      },
    });
  });
  beforeEach(async () => {
    clients = [];
    server = await DeliveryServer.start(made);
    server.publish(made.snapshots.two);
  });
  afterEach(async () => {
    for (const client of clients) client.close();
    await server.stop();
  });

  function connect(options = {}, connection = {}, create = createClient) {
    const client = create(server.connectionString(made, { environment: ENVIRONMENT, ...connection }), {
      now: () => NOW,
      backoff: { baseMs: 5, capMs: 50 },
      context: { targetingKey: 'user-1' },
      ...options,
    });
    clients.push(client);
    return client;
  }

  /** A client that holds version 2 and listens on the stream. */
  async function holding(options = {}, create = createClient) {
    const client = connect(options, {}, create);
    await client.ready();
    await status(client, ({ connected }) => connected);
    assert.equal(client.status.version, 2);
    return client;
  }

  function assertHoldsVersion2(client) {
    assert.equal(client.status.version, 2);
    assert.equal(client.boolean('new-checkout', false), true);
    assert.equal(client.string('banner-text', ''), 'Welcome');
  }

  const HEADS = [
    ['a head with one bit of its version flipped', 'bad-signature', () => flipBit(made.snapshots.good.head, 51, 6)],
    ['a head with one bit of its body hash flipped', 'bad-signature', () => flipBit(made.snapshots.good.head, 100)],
    ['a head with one bit of its signature flipped', 'bad-signature', () => flipBit(made.snapshots.good.head, HEAD_BYTES + 20)],
    ['a head with one bit of its magic flipped', 'malformed-head', () => flipBit(made.snapshots.good.head, 0)],
    ['a head cut short', 'malformed-head', () => made.snapshots.good.head.subarray(0, 100)],
    ['a head of a newer format', 'unknown-format', () => flipBit(made.snapshots.good.head, 5, 1)],
    ['the head of another environment', 'wrong-environment', () => made.snapshots.otherEnvironment.head],
    ['a head of another kind', 'wrong-kind', () => made.snapshots.otherKind.head],
    ['a replayed older head', 'older-version', () => made.snapshots.one.head],
    ['a head of an earlier epoch', 'older-version', () => made.snapshots.lowerEpoch.head],
    ['another body under the version held', 'conflicting-body', () => made.snapshots.conflicting.head],
    ['a head by a key that is not in the keyset', 'unknown-key', () => made.snapshots.otherKey.head],
    ['a head without a signature', 'unknown-key', () => made.snapshots.unsigned.head],
    ['a head past its last date', 'expired', () => made.snapshots.expired.head],
    ['a head that needs a newer evaluator', 'evaluator-too-old', () => made.snapshots.future.head],
    ['a head whose keyset the server does not have', 'not-found', () => made.snapshots.keyset2.head],
    ['a head that names a keyset far away', 'keyset-needed', () => made.snapshots.keyset99.head],
  ];

  /** As in a browser whose WebCrypto has no Ed25519. */
  function pageWithoutEd25519(t) {
    t.mock.method(globalThis.crypto.subtle, 'importKey', async () => {
      throw new DOMException('Unrecognized algorithm name', 'NotSupportedError');
    });
  }

  /** As where Node's OpenSSL has none. */
  function nodeWithoutEd25519(t) {
    t.mock.method(crypto, 'createPublicKey', () => {
      throw Object.assign(new Error('unsupported'), { code: 'ERR_OSSL_EVP_UNSUPPORTED' });
    });
  }

  // First of those that use it: a module that is loaded stays.
  test('a platform without Ed25519, and its module does not load: verification-unavailable, and nothing unverified is used', async (t) => {
    await holding({}, createClientInPage);
    pageWithoutEd25519(t);
    t.mock.method(WebAssembly, 'compile', async () => {
      throw new Error('no module');
    });
    const client = connect({}, {}, createClientInPage);
    assert.equal((await next(client, 'error')).code, 'verification-unavailable');
    assert.equal(client.details('new-checkout', true).errorCode, 'PROVIDER_NOT_READY');
  });

  const VERIFIERS = [
    ['by Node', () => undefined, createClient],
    ['by WebCrypto', () => undefined, createClientInPage],
    ["by the package's own Ed25519 in a page", pageWithoutEd25519, createClientInPage],
    ["by the package's own Ed25519 in Node", nodeWithoutEd25519, createClient],
  ];
  for (const [[by, prepare, create], [name, code, head]] of VERIFIERS.flatMap((verifier) => HEADS.map((head) => [verifier, head]))) {
    test(`${by}: ${name}: ${code}, and the last good snapshot stays`, async (t) => {
      prepare(t);
      const client = await holding({}, create);
      const error = next(client, 'error');
      server.send(head());
      assert.equal((await error).code, code);
      assertHoldsVersion2(client);
      // And the client is not stuck: the next good one is taken.
      const changed = next(client, 'change');
      server.publish(made.snapshots.good);
      await changed;
      assert.equal(client.status.version, 3);
      assert.equal(client.boolean('new-checkout', true), false);
    });
  }

  test('the same at the first load: nothing is held, nothing is believed', async () => {
    for (const [name, code, head] of HEADS) {
      if (['older-version', 'conflicting-body'].includes(code)) continue; // a first start cannot know
      server.publish(made.snapshots.good);
      server.head = head();
      const client = connect();
      assert.equal((await next(client, 'error')).code, code, name);
      assert.equal(client.details('new-checkout', true).errorCode, 'PROVIDER_NOT_READY', name);
      client.close();
    }
  });

  const BODIES = [
    ['a body with one bit flipped', 'body-hash', (body) => flipBit(body, body.length - 1)],
    ['a body cut short', 'body-length', (body) => body.subarray(1)],
    ['an empty body', 'body-length', () => new Uint8Array()],
  ];
  for (const [name, code, damage] of BODIES) {
    test(`${name}: ${code}, and the last good snapshot stays until the true body comes`, async () => {
      const client = await holding();
      const { head, body } = made.snapshots.good;
      server.publish(made.snapshots.good); // learns the hash
      await next(client, 'change');
      client.close();
      const [hash] = [...server.bodies].find(([, bytes]) => bytes === body);

      server.publish(made.snapshots.two);
      const again = await holding();
      const error = next(again, 'error');
      server.bodies.set(hash, damage(body));
      server.head = head;
      server.send(head);
      assert.equal((await error).code, code);
      assertHoldsVersion2(again);
      const changed = next(again, 'change');
      server.bodies.set(hash, body);
      await changed;
      assert.equal(again.status.version, 3);
    });
  }

  test('every single bit of a head and its signature counts', async () => {
    const { head, body } = made.snapshots.good;
    const files = (flipped) => ({ keysets: made.keysets, head: flipped, body });
    await server.stop();
    for (let at = 0; at < head.length; at += 1) {
      const client = connect({ bootstrap: files(flipBit(head, at, at % 8)) });
      const error = await next(client, 'error', ({ code }) => code !== 'network');
      assert.match(error.code, /^(malformed-head|unknown-format|wrong-(environment|kind)|bad-signature|unknown-key|keyset-needed|evaluator-too-old|expired|over-limits)$/, `byte ${at}`);
      assert.equal(client.details('new-checkout', true).errorCode, 'PROVIDER_NOT_READY', `byte ${at}`);
      client.close();
    }
  });

  test('keysets whose root is not the one of the connection string: wrong-root', async () => {
    const client = connect({}, { rootFingerprint: 'A'.repeat(43) });
    assert.equal((await next(client, 'error')).code, 'wrong-root');
    assert.equal(client.details('new-checkout', true).errorCode, 'PROVIDER_NOT_READY');
  });

  test('a damaged keyset: bad-keyset', async () => {
    server.keysets = [flipBit(made.keysets[0], made.keysets[0].length - 1)];
    const client = connect();
    assert.equal((await next(client, 'error')).code, 'bad-keyset');
  });

  test('keys rotate: the new keyset is followed, and the key it took away signs nothing any more', async () => {
    const client = await holding();
    server.keysets = rotated.keysets;
    const changed = next(client, 'change');
    server.publish(rotated.snapshots.three);
    await changed;
    assert.equal(client.status.version, 3);
    const error = next(client, 'error');
    server.send(rotated.snapshots.withOldKey.head);
    assert.equal((await error).code, 'unknown-key');
    assert.equal(client.status.version, 3);
    await status(client, ({ connected }) => !connected);
    await status(client, ({ connected }) => connected);
    const replay = next(client, 'error');
    server.send(made.snapshots.good.head);
    assert.equal((await replay).code, 'older-version');
    assert.equal(client.status.version, 3);
  });

  test('keyset 2 signed by another root: bad-keyset', async () => {
    const forged = makeSnapshots({
      keysets: [KEYSET, { number: 2, roots: [8], keys: [3], signedBy: [8] }],
      snapshots: { three: snapshot(sampleConfig(), { version: 3, keyset: 2, signedBy: [3] }) },
    });
    const client = await holding();
    server.keysets = forged.keysets;
    const error = next(client, 'error');
    server.publish(forged.snapshots.three);
    assert.equal((await error).code, 'bad-keyset');
    assertHoldsVersion2(client);
  });

  describe('from the store', () => {
    const name = () => `${made.rootFingerprint}/${ENVIRONMENT}/client`;

    /** A store as a client leaves it that held version 2. */
    async function left() {
      const storage = new MemoryStorage();
      const client = await holding({ storage });
      while (!(await storage.load(name())).snapshot) await new Promise((resolve) => setImmediate(resolve));
      client.close();
      await server.stop();
      return storage;
    }

    /** Damages what lies in the store. */
    async function damage(storage, alter) {
      const { snapshot: files, highWater } = await storage.load(name());
      await storage.save(name(), alter(files), highWater);
    }

    const DAMAGES = [
      ['one bit of the body flipped', 'body-hash', (files) => ({ ...files, body: flipBit(files.body, 40) })],
      ['one bit of the head flipped', 'bad-signature', (files) => ({ ...files, head: flipBit(files.head, 51) })],
      ['another environment\'s head', 'wrong-environment', (files) => ({ ...files, head: made.snapshots.otherEnvironment.head })],
      ['an older head and body', 'older-version', (files) => ({ ...files, ...made.snapshots.one })],
      ['no keyset', 'keyset-needed', (files) => ({ ...files, keysets: [] })],
    ];
    for (const [what, code, alter] of DAMAGES) {
      test(`${what}: ${code}, dropped, and the high-water mark stays`, async () => {
        const storage = await left();
        await damage(storage, alter);
        const client = connect({ storage });
        const error = await next(client, 'error', (event) => event.code !== 'network');
        assert.equal(error.code, code);
        assert.equal(error.source, 'cache');
        assert.equal(client.details('new-checkout', true).errorCode, 'PROVIDER_NOT_READY');
        while ((await storage.load(name())).snapshot) await new Promise((resolve) => setImmediate(resolve));

        const replay = next(client, 'error', (event) => event.code === 'older-version');
        server.publish(made.snapshots.one);
        await server.listen();
        await replay;
        assert.equal(client.status.version, undefined, 'a replay is refused although no snapshot is held');
        server.publish(made.snapshots.two);
        await next(client, 'ready');
        assert.equal(client.status.version, 2);
      });
    }

    test('a stored snapshot past its last date still starts a client, and is stale', async () => {
      const storage = await left();
      const client = connect({ storage, now: () => CREATED + 60 * DAY });
      const { version, source, stale } = await client.ready();
      assert.deepEqual({ version, source, stale }, { version: 2, source: 'cache', stale: true });
      assert.equal(client.details('new-checkout', false).reason, 'STALE');
    });

    test('a store that fails is an error event, and flags work without it', async () => {
      const broken = () => Promise.reject(new Error('disk full'));
      const client = connect({ storage: { load: broken, save: broken, drop: broken } });
      const error = await next(client, 'error');
      assert.equal(error.code, 'storage');
      await client.ready();
      assert.equal(client.boolean('new-checkout', false), true);
    });

    test('of two clients with one store, the one that is behind does not overwrite the one ahead', async () => {
      const storage = new MemoryStorage();
      await storage.save('name', { keysets: [], head: new Uint8Array([2]), body: new Uint8Array() }, new Uint8Array([0, 2]));
      await storage.save('name', { keysets: [], head: new Uint8Array([1]), body: new Uint8Array() }, new Uint8Array([0, 1, 9]));
      assert.deepEqual([...(await storage.load('name')).snapshot.head], [2]);
    });
  });

  test('a platform without WebCrypto (a page over plain http): verification-unavailable', async (t) => {
    t.mock.getter(globalThis.crypto, 'subtle', () => undefined);
    const client = connect({}, {}, createClientInPage);
    assert.equal((await next(client, 'error')).code, 'verification-unavailable');
    assert.equal(client.details('new-checkout', true).errorCode, 'PROVIDER_NOT_READY');
  });
});
