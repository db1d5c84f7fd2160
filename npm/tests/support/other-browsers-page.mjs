// What such a browser does: the vectors; then a client on the network, a change, and a start without a network.
import { createClient } from '/dist/entrypoints/browser.js';
import { run } from '/tests/conformance.mjs';

const report = { errors: [] };
addEventListener('unhandledrejection', ({ reason }) => report.errors.push(String(reason)));
try {
  const { vectors, connection, now } = await (await fetch('/work')).json();
  report.results = await run(vectors, createClient);

  const options = { context: { targetingKey: 'user-1', country: 'US' }, now: () => now };
  const state = ({ status }, banner) => ({ version: status.version, source: status.source, banner });
  const first = createClient(connection, options);
  await first.ready();
  report.online = state(first, first.string('banner-text', ''));
  await fetch('/publish');
  while (first.status.version !== 2) await new Promise((resolve) => first.on('status', resolve));
  first.close();
  // What is accepted is stored a little later.
  const offline = { ...options, fetch: () => Promise.reject(new TypeError('there is no network')) };
  for (;;) {
    const client = createClient(connection, offline);
    await client.ready(200);
    report.offline = state(client, client.string('banner-text', ''));
    client.close();
    if (report.offline.version === 2) break;
  }
} catch (thrown) {
  report.errors.push(`${thrown} ${thrown?.stack}`);
}
await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
