// A client in a service worker, asked by its page.
import { createClient } from '/dist/entrypoints/service-worker.js';

let client;

async function answer({ data: { connection, now }, ports: [port] }) {
  client ??= createClient(connection, { context: { country: 'US' }, now: () => now, backoff: { baseMs: 5, capMs: 100 } });
  const { version, source, lastError } = await client.ready();
  port.postMessage({ version, source, error: lastError?.code, banner: client.string('banner-text', ''), checkout: client.boolean('new-checkout', null) });
}

addEventListener('install', () => skipWaiting());
addEventListener('message', (event) => event.waitUntil(answer(event)));
