// What a client becomes over a long life in Chromium, and where it lives besides pages.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { launchChromium, servePackage } from './support/chromium.mjs';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

const UPDATES = 10_000;
/** After so many everything is compiled and every buffer has its size. */
const WARM = 1_000;
const MOST_GROWTH_BYTES = 512 * 1024;

function oneFlag(enabled) {
  const variants = [{ key: 'on', value: true }, { key: 'off', value: false }];
  return { format: 1, flags: { checkout: { type: 'boolean', clientVisible: true, enabled, variants, offVariant: 'off', fallthrough: { variant: 'on' } } } };
}

describe('a long-lived client', () => {
  let browser, page, faults;

  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser.close());

  async function open(url) {
    faults = [];
    page = await (await browser.newContext()).newPage();
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.goto(url);
  }

  test(`takes ${UPDATES} heads, with as many bodies, and needs no more memory than before`, { timeout: 180_000 }, async (context) => {
    const versions = Array.from({ length: UPDATES }, (_, before) => before + 1);
    const made = makeSnapshots({ snapshots: Object.fromEntries(versions.map((version) => [version, snapshot(oneFlag(version % 2 === 0), { version })])) });
    const heads = versions.map((version) => made.snapshots[version].head);
    const files = await servePackage('<script type="module" src="/tests/support/updates-page.mjs"></script>', { '/heads': (_, response) => response.end(Buffer.concat(heads)) });
    try {
      await open(files.url);
      const base64 = (bytes) => Buffer.from(bytes).toString('base64');
      const bodies = Object.fromEntries([1, 2].map((version) => {
        const { body } = made.snapshots[version];
        return [createHash('sha256').update(body).digest('hex'), base64(body)];
      }));
      const connection = `https://pnc_${'k'.repeat(43)}:${made.rootFingerprint}@nowhere.invalid/${ENVIRONMENT}`;
      await page.waitForFunction(() => window.begin);
      await page.evaluate((given) => window.begin(...given), [connection, NOW, bodies, base64(made.keysets[0]), heads[0].length]);
      const devtools = await page.context().newCDPSession(page);
      const used = async () => {
        await devtools.send('HeapProfiler.collectGarbage');
        const { usedSize } = await devtools.send('Runtime.getHeapUsage');
        return { heap: usedSize, wasm: await page.evaluate(() => window.wasm.buffer.byteLength) };
      };
      assert.equal((await page.evaluate((last) => window.goOnTo(last), WARM)).version, WARM);
      const early = await used();
      assert.deepEqual(await page.evaluate((last) => window.goOnTo(last), UPDATES), { version: UPDATES, error: undefined, checkout: UPDATES % 2 === 0 });
      const late = await used();
      context.diagnostic(`heap ${early.heap} and then ${late.heap} bytes, WebAssembly ${early.wasm} and then ${late.wasm}`);
      assert.ok(late.heap - early.heap < MOST_GROWTH_BYTES, `the heap grew by ${late.heap - early.heap} bytes`);
      assert.equal(late.wasm, early.wasm);
      assert.deepEqual(faults, []);
    } finally {
      files.close();
    }
  });

  test('lives in a service worker, and starts there without a network', async () => {
    const made = makeSnapshots({ snapshots: { one: snapshot(sampleConfig()) } });
    const server = await DeliveryServer.start(made);
    server.publish(made.snapshots.one);
    const files = await servePackage();
    const ask = () =>
      page.evaluate(
        async (data) => {
          await navigator.serviceWorker.register('/tests/support/service-worker.mjs', { type: 'module' });
          const { active, installing, waiting } = await navigator.serviceWorker.getRegistration('/tests/support/');
          const worker = active ?? waiting ?? installing;
          if (worker.state !== 'activated') await new Promise((resolve) => worker.addEventListener('statechange', () => worker.state === 'activated' && resolve()));
          const { port1, port2 } = new MessageChannel();
          const answered = new Promise((resolve) => (port1.onmessage = ({ data: answer }) => resolve(answer)));
          worker.postMessage(data, [port2]);
          return answered;
        },
        { connection: server.connectionString(made, { environment: ENVIRONMENT }), now: NOW },
      );
    try {
      await open(files.url);
      assert.deepEqual(await ask(), { version: 1, source: 'network', error: undefined, banner: 'Howdy', checkout: true });
      await page.waitForFunction(async () => {
        const request = indexedDB.open('pennon');
        const database = await new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
        const count = database.transaction('snapshots').objectStore('snapshots').count();
        const stored = await new Promise((resolve) => (count.onsuccess = () => resolve(count.result)));
        database.close();
        return stored > 0;
      });
      await server.stop();
      const devtools = await page.context().newCDPSession(page);
      await devtools.send('ServiceWorker.enable');
      await devtools.send('ServiceWorker.stopAllWorkers');
      const { version, source, banner } = await ask();
      assert.deepEqual({ version, source, banner }, { version: 1, source: 'cache', banner: 'Howdy' });
      assert.deepEqual(faults, []);
    } finally {
      files.close();
      await server.stop();
    }
  });
});
