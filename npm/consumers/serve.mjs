// A folder over HTTP, as any web server would give it out.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/** @param policy its `script-src`; nothing else may be loaded but data from this machine */
export async function serveFolder(folder, policy) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://server');
    response.setHeader('content-security-policy', `default-src 'none'; ${policy}; connect-src 'self' http://127.0.0.1:*; img-src 'self'`);
    try {
      const path = normalize(pathname === '/' ? '/index.html' : pathname);
      const file = await readFile(join(folder, path));
      response.setHeader('content-type', TYPES[extname(path)] ?? 'text/plain').end(file);
    } catch {
      response.writeHead(pathname === '/favicon.ico' ? 204 : 404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
