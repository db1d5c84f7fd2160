// A client that is given one head after another, as fast as it takes them.
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (...given) => {
  const made = await instantiate(...given);
  window.wasm = made.exports.memory;
  return made;
};

/** @param bodies by SHA-256  @param size of each head */
window.begin = async (connectionString, now, bodies, keyset, size) => {
  const { createClient } = await import('/dist/entrypoints/browser.js');
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const heads = new Uint8Array(await (await fetch('/heads')).arrayBuffer());
  const head = (version) => heads.subarray((version - 1) * size, version * size);
  let stream;
  const answer = (url) => {
    const [, , word, name] = new URL(url).pathname.split('/');
    if (word === 'head') return new Response(head(1));
    if (word === 'keyset') return new Response(bytes(keyset));
    if (word === 'body') return new Response(bytes(bodies[name]));
    if (word === 'delta') return new Response(null, { status: 404 });
    return new Response(new ReadableStream({ start: (opened) => void (stream = opened) }), { headers: { 'content-type': 'text/event-stream' } });
  };
  const client = createClient(connectionString, { now: () => now, fetch: async (url) => answer(url) });
  window.client = client;
  await client.ready();
  client.subscribe('checkout', () => undefined);
  const until = (is) => new Promise((resolve) => {
    const stop = client.on('status', (status) => is(status) && (stop(), resolve()));
    if (is(client.status)) stop(), resolve();
  });
  await until(({ connected }) => connected);
  const encoder = new TextEncoder();
  window.goOnTo = async (last) => {
    for (let version = client.status.version + 1; version <= last; version += 1) {
      const accepted = until((status) => status.version === version);
      stream.enqueue(encoder.encode(`event: head\ndata: ${btoa(String.fromCharCode(...head(version)))}\n\n`));
      await accepted;
    }
    return { version: client.status.version, error: client.status.lastError?.code, checkout: client.boolean('checkout', null) };
  };
};
