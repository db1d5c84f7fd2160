// The client in the real Firefox and the real WebKit: the conformance vectors, and its fetch, WebCrypto, IndexedDB and streams, under a
// strict policy.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { servePackage } from './support/chromium.mjs';
import { BROWSERS, openBrowser } from './support/other-browsers.mjs';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';
import { loadVectors, testResults } from './support/vectors.mjs';

const DEADLINE_MS = 120_000;

const vectors = loadVectors();
const made = makeSnapshots({ snapshots: { one: snapshot(sampleConfig()), two: snapshot(sampleConfig({ checkout: false }), { version: 2 }) } });

/** What `support/other-browsers-page.mjs` reports. */
async function reportOf(browser) {
  const delivery = await DeliveryServer.start(made);
  delivery.publish(made.snapshots.one);
  const work = { vectors, connection: delivery.connectionString(made, { environment: ENVIRONMENT }), now: NOW };
  let reported;
  const report = new Promise((resolve, reject) => {
    reported = resolve;
    setTimeout(() => reject(new Error(`${browser} reported nothing within ${DEADLINE_MS} ms`)), DEADLINE_MS).unref();
  });
  const server = await servePackage('<script type="module" src="/tests/support/other-browsers-page.mjs"></script>', {
    '/work': (_, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify(work)),
    '/publish': (_, response) => {
      delivery.publish(made.snapshots.two);
      response.end();
    },
    '/report': async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      reported(JSON.parse(Buffer.concat(chunks).toString()));
      response.end();
    },
  });
  const opened = await openBrowser(browser, server.url);
  try {
    return await report;
  } finally {
    await opened.close();
    server.close();
    await delivery.stop();
  }
}

for (const browser of Object.keys(BROWSERS)) {
  // WebKit is a package of Linux.
  if (browser === 'webkit' && process.platform !== 'linux') continue;
  const { errors, online, offline, results } = await reportOf(browser);
  test(`${browser}: nothing is thrown past the client`, () => assert.deepEqual(errors, []));
  test(`${browser}: it starts from the network, and without one from what it stored of the latest change`, () => {
    assert.deepEqual(online, { version: 1, source: 'network', banner: 'Howdy' });
    assert.deepEqual(offline, { version: 2, source: 'cache', banner: 'Howdy' });
  });
  testResults(browser, vectors, results);
}
