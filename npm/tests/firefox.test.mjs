// The client in the real Firefox: the conformance vectors, its fetch, WebCrypto, IndexedDB and streams, under a strict policy.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { servePackage } from './support/chromium.mjs';
import { openFirefox } from './support/firefox.mjs';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';
import { loadVectors, testResults } from './support/vectors.mjs';

const DEADLINE_MS = 120_000;

const vectors = loadVectors();
const made = makeSnapshots({ snapshots: { one: snapshot(sampleConfig()), two: snapshot(sampleConfig({ checkout: false }), { version: 2 }) } });
const delivery = await DeliveryServer.start(made);
delivery.publish(made.snapshots.one);
const work = { vectors, connection: delivery.connectionString(made, { environment: ENVIRONMENT }), now: NOW };

let reported;
const report = new Promise((resolve, reject) => {
  reported = resolve;
  setTimeout(() => reject(new Error(`Firefox reported nothing within ${DEADLINE_MS} ms`)), DEADLINE_MS).unref();
});
const server = await servePackage('<script type="module" src="/tests/support/firefox-page.mjs"></script>', {
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
const firefox = await openFirefox(server.url);
let found;
try {
  found = await report;
} finally {
  await firefox.close();
  server.close();
  await delivery.stop();
}

test('nothing is thrown past the client', () => assert.deepEqual(found.errors, []));
test('it starts from the network, and without one from what it stored of the latest change', () => {
  assert.deepEqual(found.online, { version: 1, source: 'network', banner: 'Howdy' });
  assert.deepEqual(found.offline, { version: 2, source: 'cache', banner: 'Howdy' });
});
testResults('firefox', vectors, found.results);
