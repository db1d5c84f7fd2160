// React's components on a server and in Chromium.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { Suspense, createElement as h } from 'react';
import { renderToString } from 'react-dom/server';

import { createClient } from 'pennon/node';
import { PennonProvider } from 'pennon/react';
import { launchChromium } from './support/chromium.mjs';
import { App, Banner } from './support/react-app.mjs';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const CONTEXT = { targetingKey: 'user-1', country: 'US', bio: '</script><script>window.hacked = true</script>' };
const SHOWN = { banner: 'Howdy', checkout: 'new', theme: '#000 2 2.5', mismatch: 'banner-text 7' };

describe('React components', () => {
  let made, browser, pages, html, server, context, page, faults;

  before(async () => {
    made = makeSnapshots({
      snapshots: {
        one: snapshot(sampleConfig()),
        two: snapshot(sampleConfig({ checkout: false }), { version: 2 }),
        server: snapshot(sampleConfig({ extra: { secret: { ...sampleConfig().flags.limit, clientVisible: false } } }), { kind: 'server' }),
      },
    });
    const bundle = await build({
      entryPoints: [here('./support/react-page.mjs')],
      bundle: true,
      format: 'esm',
      write: false,
      define: { 'process.env.NODE_ENV': '"development"' },
    });
    const wasm = await readFile(here('../dist/generated/pennon_wasm_bg.wasm'));
    pages = createServer((request, response) => {
      if (request.url === '/') return void response.setHeader('content-type', 'text/html').end(html);
      if (request.url === '/page.js') return void response.setHeader('content-type', 'text/javascript').end(bundle.outputFiles[0].text);
      if (request.url.endsWith('.wasm')) return void response.setHeader('content-type', 'application/wasm').end(wasm);
      response.writeHead(404).end();
    });
    pages.listen(0, '127.0.0.1');
    await once(pages, 'listening');
    browser = await launchChromium();
  });
  after(async () => {
    await browser.close();
    pages.close();
    pages.closeAllConnections();
  });
  beforeEach(async () => {
    faults = [];
    server = await DeliveryServer.start(made);
    server.publish(made.snapshots.one);
    context = await browser.newContext();
    page = await context.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !/net::ERR_|Failed to load resource/.test(message.text())) faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(String(error)));
  });
  afterEach(async () => {
    await context.close();
    await server.stop();
    assert.deepEqual(faults, [], 'neither React nor the client has anything to say');
  });

  async function open(rendered = '', script = 'null') {
    html = `<!doctype html><meta charset="utf-8"><title>Pennon</title><div id="root">${rendered}</div>
<script id="pennon" type="application/json">${script}</script><script type="module" src="/page.js"></script>`;
    await page.goto(`http://127.0.0.1:${pages.address().port}/`);
    await page.waitForFunction(() => window.connect);
  }

  const connect = (options) =>
    page.evaluate(
      ([connection, now, options]) => {
        const rendered = JSON.parse(document.getElementById('pennon').textContent);
        window.connect(connection, now, rendered ? { rendered } : options);
      },
      [server.connectionString(made, { environment: ENVIRONMENT }), NOW, options],
    );
  const shown = () => page.evaluate(() => Object.fromEntries([...document.querySelectorAll('#root p')].map((p) => [p.id, p.textContent])));
  const until = (id, text) => page.waitForFunction(([id, text]) => document.getElementById(id)?.textContent === text, [id, text]);
  const renders = () => page.evaluate(() => ({ ...window.renders }));

  /** The page as a server renders it. */
  async function renderPage(kind) {
    server.publish(made.snapshots[kind === 'server' ? 'server' : 'one']);
    const client = createClient(server.connectionString(made, { environment: ENVIRONMENT, kind }), { now: () => NOW });
    await client.ready();
    const markup = renderToString(h(App, { client: client.for(CONTEXT) }));
    const script = client.renderBootstrap(CONTEXT);
    client.close();
    server.publish(made.snapshots.one);
    return { markup, script };
  }

  test('show their defaults, then the flags, and follow a change', async () => {
    await open();
    server.instead.set('head', { status: 503, type: 'text/plain', body: '' });
    await connect({ context: CONTEXT });
    await page.evaluate(() => window.mount(false));
    await until('banner', 'default banner');
    assert.deepEqual(await shown(), { banner: 'default banner', checkout: 'old', theme: 'default 0 0', mismatch: 'banner-text 7' });
    server.instead.clear();
    await until('banner', 'Howdy');
    assert.deepEqual(await shown(), SHOWN);
  });

  test('render again only when their own flag changes', async () => {
    await open();
    await connect({ context: CONTEXT });
    await page.evaluate(async () => {
      await window.client.ready();
      window.mount(false);
    });
    await until('checkout', 'new');
    const before = await renders();
    server.publish(made.snapshots.two);
    await until('checkout', 'old');
    assert.deepEqual(await renders(), { ...before, checkout: before.checkout + 1 });
    await page.evaluate((context) => window.client.setContext({ ...context, country: 'FR' }), CONTEXT);
    await until('banner', 'Welcome');
    const after = await renders();
    assert.deepEqual([after.checkout, after.theme], [before.checkout + 1, before.theme]);
  });

  test('suspend until the client is ready where the provider says so', async () => {
    await open();
    server.instead.set('head', { status: 503, type: 'text/plain', body: '' });
    await connect({ context: CONTEXT });
    await page.evaluate(() => window.mount(true));
    await until('waiting', 'waiting');
    server.instead.clear();
    await until('banner', 'Howdy');
    assert.deepEqual(await shown(), SHOWN);
  });

  test('do not suspend for a client that has flags already: a server renders once', async () => {
    const client = createClient(server.connectionString(made, { environment: ENVIRONMENT }), { now: () => NOW, context: CONTEXT });
    try {
      await client.ready();
      assert.match(renderToString(h(PennonProvider, { client, suspense: true }, h(Suspense, { fallback: 'waiting' }, h(Banner)))), /Howdy/);
    } finally {
      client.close();
    }
  });

  test('what a server renders is JSON whatever the context is, and nothing to be ready with before there are flags', async () => {
    const client = createClient(server.connectionString(made, { environment: ENVIRONMENT }), { now: () => NOW });
    try {
      const early = JSON.parse(client.renderBootstrap(CONTEXT));
      assert.deepEqual(early.outcomes, {});
      const reading = createClient(server.connectionString(made, { environment: ENVIRONMENT }), { now: () => NOW, rendered: early });
      assert.equal((await reading.ready()).version, 1);
      reading.close();
      await client.ready();
      assert.equal(JSON.parse(client.renderBootstrap({ ...CONTEXT, size: 5n })).context.size, 5);
      const circular = {};
      circular.self = circular;
      const rendered = JSON.parse(client.renderBootstrap(circular));
      assert.deepEqual([rendered.context, rendered.outcomes['banner-text'].errorCode], [{}, 'INVALID_CONTEXT']);
    } finally {
      client.close();
    }
  });

  for (const kind of ['client', 'server']) {
    test(`hydrate what a server rendered with a ${kind} key, before any network and without a warning`, async () => {
      const { markup, script } = await renderPage(kind);
      assert.doesNotMatch(script, /</);
      assert.deepEqual(Object.keys(JSON.parse(script).outcomes), ['banner-text', 'button-colour', 'limit', 'new-checkout', 'theme']);
      await server.stop();
      await open(markup, script);
      assert.deepEqual(await shown(), SHOWN);
      await connect();
      await page.evaluate(() => window.hydrate());
      await page.waitForFunction(() => window.renders.theme > 0);
      assert.deepEqual(await shown(), SHOWN);
      assert.equal(await page.evaluate(() => window.hacked), undefined);
      assert.equal(await page.evaluate(() => window.client.status.version), undefined, 'no snapshot was there');
      await server.listen();
      server.publish(made.snapshots.two);
      await until('checkout', 'old');
      assert.deepEqual(await shown(), { ...SHOWN, checkout: 'old' });
    });
  }

  test('hydrate without a warning when a newer snapshot is there first, then follow it', async () => {
    const { markup, script } = await renderPage('client');
    server.publish(made.snapshots.two);
    await open(markup, script);
    await connect();
    await page.waitForFunction(() => window.client.status.version === 2);
    await page.evaluate(() => window.hydrate());
    await until('checkout', 'old');
    assert.deepEqual(await shown(), { ...SHOWN, checkout: 'old' });
  });

  test('say what is missing without a provider', () => {
    assert.throws(() => renderToString(h(Banner)), /PennonProvider/);
  });
});
