// The real Chromium, and a server for what it loads.
import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { listen } from './listen.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
// What the package promises to work under.
const POLICY = "default-src 'none'; frame-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' http://127.0.0.1:* ws://127.0.0.1:*";

export async function launchChromium() {
  const executablePath = process.env.PENNON_CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(`there is no Chromium at ${executablePath}: install it (Debian: apt-get install chromium) or set PENNON_CHROMIUM`);
  }
  const options = {
    executablePath,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  };
  // Chromium itself was seen to crash while it started on a busy machine, before anything of ours ran.
  return chromium.launch(options).catch(() => chromium.launch(options));
}

/** Serves the package's files, and at `/` a page, under a strict policy; and what a test answers by itself. */
export function servePackage(page = '', answers = {}) {
  return listen(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://server');
    response.setHeader('content-security-policy', POLICY);
    // A sandboxed frame is of no origin.
    response.setHeader('access-control-allow-origin', '*');
    if (pathname === '/') return void response.setHeader('content-type', 'text/html').end(`<!doctype html><title>Pennon</title>${page}`);
    if (pathname in answers) return answers[pathname](request, response);
    const path = normalize(pathname);
    if (!path.startsWith('/dist/') && !path.startsWith('/tests/')) return void response.writeHead(404).end();
    try {
      const file = await readFile(join(root, path));
      response.setHeader('content-type', TYPES[extname(path)] ?? 'text/plain').end(file);
    } catch {
      response.writeHead(404).end();
    }
  });
}
