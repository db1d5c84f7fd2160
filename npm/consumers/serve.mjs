// A folder over HTTP, as any web server would give it out.
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';

import { listen } from '../tests/support/listen.mjs';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/** @param policy its `script-src`; nothing else may be loaded but data from this machine */
export function serveFolder(folder, policy) {
  return listen(async (request, response) => {
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
}
