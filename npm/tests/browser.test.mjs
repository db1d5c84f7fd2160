// The client in the real Chromium: its own fetch, WebCrypto and IndexedDB, under a strict policy.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { launchChromium, servePackage } from './support/chromium.mjs';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, OTHER_ENVIRONMENT, flipBit, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

describe('in Chromium', () => {
  let made, browser, files, server, context, page, faults;

  before(async () => {
    const other = sampleConfig({ checkout: false });
    made = makeSnapshots({
      snapshots: {
        one: snapshot(sampleConfig()),
        two: snapshot(sampleConfig(), { version: 2 }),
        three: snapshot(other, { version: 3 }),
        four: snapshot(sampleConfig(), { version: 4 }),
        otherEnvironment: snapshot(other, { version: 9, environment: OTHER_ENVIRONMENT }),
        otherKind: snapshot(other, { version: 9, kind: 'server' }),
      },
    });
    files = await servePackage();
    browser = await launchChromium();
  });
  after(async () => {
    await browser.close();
    files.close();
  });
  beforeEach(async () => {
    faults = [];
    server = await DeliveryServer.start(made);
    server.publish(made.snapshots.two);
    context = await browser.newContext();
    page = await context.newPage();
    // Refused connections are written to the console by the browser itself, and so is each 404: of a delta it means the whole body.
    page.on('console', (message) => {
      const expected = message.text().includes('net::ERR_') || message.location().url.includes('/v1/delta/');
      if (message.type() === 'error' && !expected) faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.goto(files.url);
  });
  afterEach(async () => {
    await context.close();
    await server.stop();
    assert.deepEqual(faults, [], 'nothing is thrown past the client, and the policy is kept');
  });

  /** Starts a client in the page as `window.client`, with its errors in `window.errors`. */
  async function connect(inPage = page) {
    const connection = server.connectionString(made, { environment: ENVIRONMENT });
    return inPage.evaluate(
      async ([connectionString, now]) => {
        const { createClient } = await import('/dist/entrypoints/browser.js');
        window.errors = [];
        window.client = createClient(connectionString, {
          context: { targetingKey: 'user-1', country: 'US' },
          now: () => now,
          backoff: { baseMs: 5, capMs: 100 },
        });
        window.client.on('error', ({ code, source }) => window.errors.push({ code, source }));
        const { version, source } = await window.client.ready();
        return { version, source, checkout: window.client.boolean('new-checkout', null), banner: window.client.string('banner-text', '') };
      },
      [connection, NOW],
    );
  }

  const connected = () => page.waitForFunction(() => window.client?.status.connected);
  const version = (wanted) => page.waitForFunction((is) => window.client.status.version === is, wanted);
  const failure = (code) => page.waitForFunction((is) => window.errors?.find((error) => error.code === is), code);

  /** Saving follows the `ready` event: wait for what it leaves in the database, a sound mark for a damaged one too. */
  const stored = () =>
    page.evaluate(async () => {
      const whole = () =>
        new Promise((resolve) => {
          const request = indexedDB.open('pennon');
          request.onsuccess = () => {
            const database = request.result;
            const transaction = database.transaction(['snapshots', 'high-water']);
            const all = transaction.objectStore('snapshots').count();
            const marks = transaction.objectStore('high-water').getAll();
            transaction.oncomplete = () => {
              database.close();
              resolve(all.result > 0 && marks.result.every((mark) => mark.some((byte) => byte !== 0xff)));
            };
          };
        });
      while (!(await whole())) await new Promise(requestAnimationFrame);
    });

  /** Applies `{ part: [byte, ...] | 'flip' }` to the stored snapshot. */
  const alterStored = (alter) =>
    page.evaluate(
      (changes) =>
        new Promise((resolve, reject) => {
          const request = indexedDB.open('pennon');
          request.onerror = () => reject(request.error);
          request.onsuccess = () => {
            const store = request.result.transaction('snapshots', 'readwrite').objectStore('snapshots');
            const cursor = store.openCursor();
            cursor.onsuccess = () => {
              const held = { ...cursor.result.value };
              for (const [part, change] of Object.entries(changes)) {
                if (change === 'flip') held[part][held[part].length - 1] ^= 1;
                else held[part] = Uint8Array.from(change);
              }
              cursor.result.update(held);
            };
            store.transaction.onabort = () => reject(store.transaction.error);
            store.transaction.oncomplete = () => {
              request.result.close();
              resolve();
            };
          };
        }),
      alter,
    );

  test('it loads, verifies, evaluates, and follows a change', async () => {
    assert.deepEqual(await connect(), { version: 2, source: 'network', checkout: true, banner: 'Howdy' });
    await connected();
    server.publish(made.snapshots.three);
    await version(3);
    assert.equal(await page.evaluate(() => window.client.boolean('new-checkout', null)), false);
  });

  test('a page reloaded without a server evaluates from the stored snapshot, says so, and recovers by itself', async () => {
    await connect();
    await stored();
    await server.stop();
    await page.reload();
    assert.deepEqual(await connect(), { version: 2, source: 'cache', checkout: true, banner: 'Howdy' });
    await failure('network');
    server.publish(made.snapshots.three);
    await server.listen();
    await version(3);
    assert.equal(await page.evaluate(() => window.client.status.source), 'network');
    await connected();
  });

  const REFUSED = [
    ['a head with one bit flipped', 'bad-signature', () => flipBit(made.snapshots.three.head, 51, 6)],
    ['the head of another environment', 'wrong-environment', () => made.snapshots.otherEnvironment.head],
    ['a head of another kind', 'wrong-kind', () => made.snapshots.otherKind.head],
    ['a replayed older head', 'older-version', () => made.snapshots.one.head],
  ];
  for (const [name, code, head] of REFUSED) {
    test(`${name}: ${code}, and the last good snapshot stays`, async () => {
      await connect();
      await connected();
      server.send(head());
      await failure(code);
      assert.deepEqual(
        await page.evaluate(() => [window.client.status.version, window.client.boolean('new-checkout', null)]),
        [2, true],
      );
    });
  }

  test('a body with one bit flipped: body-hash, and the last good snapshot stays', async () => {
    await connect();
    await connected();
    const { head, body } = made.snapshots.three;
    server.publish({ head: made.snapshots.two.head, body });
    for (const [hash, bytes] of server.bodies) if (bytes === body) server.bodies.set(hash, flipBit(body, body.length - 1));
    server.send(head);
    await failure('body-hash');
    assert.deepEqual(
      await page.evaluate(() => [window.client.status.version, window.client.boolean('new-checkout', null)]),
      [2, true],
    );
  });

  const DAMAGED = [
    ['one bit of the stored body flipped', 'body-hash', () => ({ body: 'flip' })],
    ['one bit of the stored head flipped', 'bad-signature', () => ({ head: 'flip' })],
    ['an older snapshot in the store', 'older-version', () => ({ head: [...made.snapshots.one.head], body: [...made.snapshots.one.body] })],
  ];
  for (const [name, code, alter] of DAMAGED) {
    test(`${name}: ${code}, dropped, and a replayed head is still refused`, async () => {
      await connect();
      await stored();
      await page.evaluate(() => window.client.close());
      await alterStored(alter());
      server.head = made.snapshots.one.head;
      await page.reload();
      const starting = connect();
      await failure('older-version');
      assert.ok((await page.evaluate(() => window.errors)).some((error) => error.code === code && error.source === 'cache'));
      server.publish(made.snapshots.three);
      assert.deepEqual(await starting, { version: 3, source: 'network', checkout: false, banner: 'Howdy' });
    });
  }

  test('a damaged stored mark protects nothing and hinders nothing: it is stored anew, and the snapshot with it', async () => {
    await connect();
    await stored();
    await page.evaluate(() => window.client.close());
    await page.evaluate(
      () =>
        new Promise((resolve) => {
          const request = indexedDB.open('pennon');
          request.onsuccess = () => {
            const marks = request.result.transaction('high-water', 'readwrite').objectStore('high-water');
            const cursor = marks.openCursor();
            // As high as can be: it would have every snapshot refused from now on.
            cursor.onsuccess = () => cursor.result.update(cursor.result.value.fill(0xff));
            marks.transaction.oncomplete = () => {
              request.result.close();
              resolve();
            };
          };
        }),
    );
    await page.reload();
    // The snapshot beside it still passes every check.
    assert.deepEqual(await connect(), { version: 2, source: 'cache', checkout: true, banner: 'Howdy' });
    assert.deepEqual(await page.evaluate(() => window.errors), []);
    await stored();
    await server.stop();
    await page.reload();
    assert.deepEqual(await connect(), { version: 2, source: 'cache', checkout: true, banner: 'Howdy' });
  });

  test('two tabs have one stream; when the one that has it goes, the other follows on', async () => {
    const second = await context.newPage();
    await second.goto(files.url);
    await connect();
    await connected();
    await connect(second);
    // Told by the first, which alone is connected.
    await second.waitForFunction(() => window.client.status.connected);
    assert.equal(server.streams, 1);
    const bodies = server.count('body');
    const seen = (inPage, wanted) => inPage.waitForFunction((is) => window.client.status.version === is && !window.client.boolean('new-checkout', true), wanted);
    server.publish(made.snapshots.three);
    await Promise.all([seen(page, 3), seen(second, 3)]);
    assert.equal(server.count('stream'), 1);
    assert.ok(server.count('body') <= bodies + 2);
    await page.close();
    await server.requested('stream', 2);
    await second.waitForFunction(() => window.client.status.connected);
    assert.equal(server.streams, 1);
    server.publish(made.snapshots.four);
    await second.waitForFunction(() => window.client.status.version === 4);
    assert.deepEqual(await second.evaluate(() => window.errors), []);
  });

  test('a WebSocket that is offered is taken, and brings what events would', async () => {
    server.webSocket = 'open';
    await connect();
    await connected();
    server.publish(made.snapshots.three);
    await version(3);
    server.say('event: goodbye\ndata: {"reconnect_after_ms": 20}\n\n');
    await server.requested('stream', 2);
    await connected();
    server.publish(made.snapshots.four);
    await version(4);
    assert.deepEqual(server.requests.filter(({ path }) => path.startsWith('/v1/stream')).map(({ upgrade }) => upgrade), ['websocket', 'websocket']);
  });

  test('a WebSocket that is offered and does not open is tried once: then it is events', async () => {
    server.webSocket = 'refuse';
    await connect();
    await connected();
    server.publish(made.snapshots.three);
    await version(3);
    server.endStreams();
    await server.requested('stream', 3);
    await connected();
    assert.deepEqual(server.requests.filter(({ path }) => path.startsWith('/v1/stream')).map(({ upgrade }) => upgrade), ['websocket', undefined, undefined]);
    // The browser says so by itself, once.
    assert.equal(faults.splice(0).filter((fault) => /WebSocket/.test(fault)).length, 1);
  });

  test('in a sandboxed frame, where store, locks and channel are forbidden, flags are there and followed', async () => {
    await page.evaluate(() => {
      const frame = document.createElement('iframe');
      frame.sandbox = 'allow-scripts';
      frame.src = '/';
      document.body.append(frame);
      return new Promise((resolve) => (frame.onload = resolve));
    });
    const frame = page.frames()[1];
    assert.equal(await frame.evaluate(() => navigator.locks.query().then(() => 'allowed', ({ name }) => name)), 'SecurityError');
    const { version: first, source } = await connect(frame);
    assert.deepEqual([first, source], [2, 'network']);
    await frame.waitForFunction(() => window.client.status.connected);
    server.publish(made.snapshots.three);
    await frame.waitForFunction(() => window.client.status.version === 3);
    assert.deepEqual([...new Set((await frame.evaluate(() => window.errors)).map(({ code }) => code))], ['storage']);
  });

  test('a page that cannot load what it needs later keeps its flags and says so; with the next page it goes on, and starts without a network', async () => {
    let reachable = false;
    await page.route(/\/dist\/pages\/browser-/, (route) => (reachable ? route.continue() : route.abort()));
    const evaluated = () => page.evaluate(() => window.client.setContext({ country: 'FR' }).then(() => window.client.string('banner-text', '')));
    assert.deepEqual(await connect(), { version: 2, source: 'network', checkout: true, banner: 'Howdy' });
    await failure('part');
    assert.equal(await evaluated(), 'Welcome');
    // A browser does not load a module again that it could not load.
    reachable = true;
    await page.reload();
    await connect();
    await connected();
    server.publish(made.snapshots.three);
    await version(3);
    await stored();
    reachable = false;
    await server.stop();
    await page.reload();
    const { version: last, source } = await connect();
    assert.ok(last >= 2, `version ${last}`);
    assert.equal(source, 'cache');
    await failure('part');
    assert.equal(await evaluated(), 'Welcome');
  });

  test('two clients of one tab have one stream as well, and each its own context', async () => {
    await connect();
    await connected();
    await page.evaluate(() => (window.first = window.client));
    await connect();
    await page.evaluate(() => window.client.setContext({ country: 'FR' }));
    server.publish(made.snapshots.three);
    await page.waitForFunction(() => [window.first, window.client].every(({ status }) => status.version === 3 && status.connected));
    assert.equal(server.count('stream'), 1);
    assert.deepEqual(await page.evaluate(() => [window.first, window.client].map((client) => client.string('banner-text', ''))), ['Howdy', 'Welcome']);
    await page.evaluate(() => window.first.close());
    await server.requested('stream', 2);
    server.publish(made.snapshots.four);
    await version(4);
  });

  test('of two tabs, the one that is behind does not overwrite what the other stored', async () => {
    const [first, second] = [page, await context.newPage()];
    await second.goto(files.url);
    const save = (inPage, head, mark) =>
      inPage.evaluate(
        async ([headByte, highWater]) => {
          const { IndexedDbStorage } = await import('/dist/entrypoints/browser.js');
          window.storage ??= new IndexedDbStorage();
          const [keysets, body] = [[new Uint8Array([1])], new Uint8Array([5])];
          await window.storage.save('name', { keysets, head: new Uint8Array([headByte]), body }, Uint8Array.from(highWater));
          const { snapshot, highWater: held } = await window.storage.load('name');
          return [[...snapshot.head], [...held]];
        },
        [head, mark],
      );
    assert.deepEqual(await save(first, 2, [0, 2]), [[2], [0, 2]]);
    assert.deepEqual(await save(second, 1, [0, 1, 9]), [[2], [0, 2]], 'behind');
    assert.deepEqual(await save(second, 3, [1, 0]), [[3], [1, 0]], 'ahead');
    const drop = (head) =>
      first.evaluate(async (headByte) => {
        await window.storage.drop('name', new Uint8Array([headByte]));
        const { snapshot, highWater } = await window.storage.load('name');
        return [snapshot && [...snapshot.head], [...highWater]];
      }, head);
    assert.deepEqual(await drop(2), [[3], [1, 0]], 'what another tab has stored meanwhile stays');
    assert.deepEqual(await drop(3), [undefined, [1, 0]], 'the mark stays');
  });
});
