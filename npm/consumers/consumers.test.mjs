// The package as it is published, packed and installed, in programs built by the tools that people use: each page runs in
// Chromium under the policy that it asks for, gets its flags, and follows a change.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, readFile, readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { Miniflare } from 'miniflare';

import { launchChromium } from '../tests/support/chromium.mjs';
import { DeliveryServer } from '../tests/support/server.mjs';
import { DAY, ENVIRONMENT, makeSnapshots, sampleConfig, snapshot } from '../tests/support/snapshots.mjs';
import { BUILDS, buildNext, buildWorker, here, installed, serveByVite, startNext } from './build.mjs';
import { serveFolder } from './serve.mjs';

const STRICT = "script-src 'self' 'wasm-unsafe-eval'";
const WITHOUT_WASM = "script-src 'self'";

/** `wasm`: how many files of the evaluator the page consists of. `evaluates`: where its flags are evaluated. */
const PAGES = [
  { name: 'Vite', build: 'vite', program: 'bundled.js', policy: STRICT, wasm: 1, evaluates: 'in the page' },
  { name: 'webpack', build: 'webpack', program: 'bundled.js', policy: STRICT, wasm: 1, evaluates: 'in the page' },
  { name: 'Rollup', build: 'rollup', program: 'bundled.js', policy: STRICT, wasm: 1, evaluates: 'in the page' },
  { name: 'esbuild', build: 'esbuild', program: 'esbuild.js', policy: STRICT, wasm: 1, evaluates: 'in the page' },
  { name: 'no bundler at all', build: 'none', program: 'plain.js', policy: STRICT, wasm: 1, evaluates: 'in the page' },
  { name: 'Vite, the module inlined', build: 'vite', program: 'inline.js', policy: STRICT, wasm: 0, evaluates: 'in the page' },
  { name: 'Vite, where the policy forbids WebAssembly', build: 'vite', program: 'bundled.js', policy: WITHOUT_WASM, wasm: 1, evaluates: 'at the server' },
  { name: 'no bundler, where the policy forbids WebAssembly', build: 'none', program: 'plain.js', policy: WITHOUT_WASM, wasm: 1, evaluates: 'at the server' },
  { name: 'esbuild, slim', build: 'esbuild', program: 'slim.js', policy: WITHOUT_WASM, wasm: 0, evaluates: 'at the server' },
];

/** A browser writes each 404 to its console: of the icon that no page here has, and of deltas, for which it means the whole body. */
const EXPECTED_404 = /\/favicon\.ico$|\/v1\/delta\//;

/** Snapshots of now: the programs have no other clock. */
const now = Date.now();
const fresh = { created: now, refreshBy: now + DAY, notAfter: now + 30 * DAY };

/** Beside `node_modules`, where the tools look for the package. */
const folder = join(here, 'dist');

let made, server, evaluated;

before(async () => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  install();
  made = makeSnapshots({
    snapshots: {
      one: snapshot(sampleConfig(), fresh),
      two: snapshot(sampleConfig({ checkout: false }), { ...fresh, version: 2, created: now + 1 }),
      server: snapshot(sampleConfig(), { ...fresh, kind: 'server' }),
      serverTwo: snapshot(sampleConfig({ checkout: false }), { ...fresh, kind: 'server', version: 2, created: now + 1 }),
    },
  });
});

beforeEach(async () => {
  server = await DeliveryServer.start(made);
  server.publish(made.snapshots.one);
  evaluated = { version: 1, checkout: true };
  server.evaluate = ({ country }) => ({
    etag: `"${evaluated.version}"`,
    flags: [
      { key: 'banner-text', value: country === 'US' ? 'Howdy' : 'Welcome', reason: 'TARGETING_MATCH' },
      { key: 'new-checkout', value: evaluated.checkout, reason: 'STATIC' },
    ],
    metadata: { version: evaluated.version, epoch: 1 },
  });
});
afterEach(() => server.stop());

const connection = (kind = 'client') => server.connectionString(made, { environment: ENVIRONMENT, kind });

function publishSecond() {
  evaluated = { version: 2, checkout: false };
  server.publish(made.snapshots.two);
}

/** Packs the package and installs what came of it. */
function install() {
  npm(join(here, '..'), ['pack', '--pack-destination', folder]);
  npm(here, ['install', '--no-save', '--no-audit', '--no-fund', '--prefer-offline', join(folder, 'pennon-0.1.0.tgz')]);
}

function npm(cwd, args) {
  const { status, stderr, error } = spawnSync('npm', [...args, '--loglevel=error'], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${error ?? stderr}`);
}

/** Another Node than the one that runs this, and the tests that need nothing else. */
async function onNode22() {
  const node = join(here, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  const { stdout } = await promisify(execFile)(node, ['--version']);
  assert.match(stdout, /^v22\./);
  const files = ['conformance.node', 'refusals', 'client', 'slim', 'subscriptions', 'file-storage', 'openfeature', 'common-js'];
  return { node, tests: files.map((name) => `tests/${name}.test.mjs`) };
}

/** How often the evaluator's file is in there. Whatever such files there are, none may be there twice. */
async function countEvaluators(inFolder) {
  const names = (await readdir(inFolder, { recursive: true })).filter((file) => file.endsWith('.wasm'));
  const files = await Promise.all(names.map((name) => readFile(join(inFolder, name), 'base64')));
  assert.equal(new Set(files).size, files.length, `one of them is there twice: ${names.join(', ')}`);
  const evaluator = await readFile(join(installed, 'dist', 'generated', 'pennon_wasm_bg.wasm'), 'base64');
  const count = files.filter((file) => file === evaluator).length;
  if (count === 0) assert.deepEqual(names, [], 'without the evaluator none is of use');
  return count;
}

test('what is installed is the packed package, not this folder', async () => {
  assert.equal(await realpath(installed), installed);
  assert.deepEqual((await readdir(installed)).sort(), ['README.md', 'dist', 'package.json']);
});

describe('pages in Chromium', () => {
  let browser, page, faults;

  before(async () => (browser = await launchChromium()));
  after(() => browser.close());
  beforeEach(async () => {
    faults = [];
    page = await browser.newPage();
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !EXPECTED_404.test(message.location().url)) faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(String(error)));
  });
  afterEach(() => page.close());

  async function follows(url, evaluates) {
    await page.goto(`${url}?connection=${encodeURIComponent(connection())}`);
    await page.waitForFunction(() => document.body.textContent.includes('Howdy true'));
    publishSecond();
    await page.waitForFunction(() => document.body.textContent.includes('Howdy false'));
    assert.equal(server.count('body') > 0, evaluates === 'in the page');
    assert.equal(server.requests.some(({ path }) => path.startsWith('/ofrep/')), evaluates === 'at the server');
  }

  for (const { name, build, program, policy, wasm, evaluates } of PAGES) {
    test(`${name}: flags are evaluated ${evaluates}`, async () => {
      const built = join(folder, name.replaceAll(/\W+/g, '-'));
      await BUILDS[build](built, program);
      assert.equal(await countEvaluators(built), wasm);
      const files = await serveFolder(built, policy);
      try {
        await follows(files.url, evaluates);
      } finally {
        files.close();
      }
      // That it may not is what the browser says of a page that tries.
      const forbidden = policy === WITHOUT_WASM && program !== 'slim.js';
      assert.deepEqual(forbidden ? faults.filter((fault) => !/wasm|WebAssembly/i.test(fault)) : faults, []);
    });
  }

  test('Vite in development: flags are evaluated in the page', async () => {
    const files = await serveByVite(join(folder, 'vite-development'), 'bundled.js');
    try {
      await follows(files.url, 'in the page');
    } finally {
      await files.close();
    }
    assert.deepEqual(faults, []);
  });

  test('Next.js: the server renders the flags, hydration has nothing to say, and the page follows', async () => {
    const site = join(folder, 'nextjs');
    await buildNext(site);
    assert.equal(await countEvaluators(join(site, '.next', 'static')), 1);
    const forServer = await DeliveryServer.start(made);
    forServer.publish(made.snapshots.server);
    const next = await startNext(site, {
      PENNON_SERVER_CONNECTION: forServer.connectionString(made, { environment: ENVIRONMENT, kind: 'server' }),
      PENNON_CLIENT_CONNECTION: connection(),
    });
    try {
      const html = await (await fetch(next.url)).text();
      assert.match(html, /<h1>The new checkout<\/h1><p id="banner">Howdy true<\/p>/);
      assert.doesNotMatch(html, /pns_/);
      await page.goto(next.url);
      await server.requested('stream', 1);
      assert.equal(await page.textContent('#banner'), 'Howdy true');
      publishSecond();
      await page.waitForFunction(() => document.getElementById('banner').textContent === 'Howdy false');
    } finally {
      await next.close();
      await forServer.stop();
    }
    assert.deepEqual(faults, []);
  });
});

describe('programs', () => {
  for (const [name, program] of [['ES modules', 'node.mjs'], ['CommonJS', 'node.cjs']]) {
    test(`Node with ${name}`, async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [join(here, 'programs', program), connection()]);
      assert.equal(stdout, 'Howdy true\n');
    });
  }

  for (const [module, resolution, files] of [['nodenext', 'nodenext', ['types.mts', 'types.cts']], ['esnext', 'bundler', ['types.mts']]]) {
    test(`TypeScript that resolves modules as ${resolution}: every entry point has its types`, () => {
      const tsc = join(here, '..', '..', 'node_modules', 'typescript', 'bin', 'tsc');
      const options = ['--ignoreConfig', '--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023,dom,dom.iterable', '--types', 'node'];
      const paths = files.map((file) => join('programs', file));
      const { stdout, error } = spawnSync(process.execPath, [tsc, ...options, '--module', module, '--moduleResolution', resolution, ...paths], { cwd: here, encoding: 'utf8' });
      assert.equal(error, undefined);
      // Those of other packages are checked too, and are theirs.
      const ours = stdout.split('\n').filter((line) => /^(programs|node_modules\/pennon)\//.test(line));
      assert.deepEqual(ours, []);
    });
  }

  test("Next.js's example asks for the versions that it is tried with", async () => {
    const read = async (...path) => JSON.parse(await readFile(join(here, ...path), 'utf8'));
    const [example, { devDependencies }, { version }] = [await read('..', '..', 'examples', 'nextjs', 'package.json'), await read('package.json'), await read('..', 'package.json')];
    const tried = { ...devDependencies, pennon: version };
    assert.deepEqual(example.dependencies, Object.fromEntries(Object.keys(example.dependencies).map((name) => [name, tried[name]])));
  });

  // npm has it for Linux.
  test('Node 22: the conformance vectors and the failure cases', { skip: process.platform !== 'linux' }, async () => {
    const { node, tests } = await onNode22();
    // A run of its own, not a part of this one.
    const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env;
    const { stdout } = await promisify(execFile)(node, ['--test', '--test-reporter=tap', ...tests], { cwd: join(here, '..'), env, maxBuffer: 64 * 1024 * 1024 });
    const [, passed] = /^# pass ([0-9]+)$/m.exec(stdout);
    assert.ok(Number(passed) > 1000, `${passed} tests passed`);
  });

  test('a Worker on workerd evaluates for each request, and follows while requests come', async () => {
    server.publish(made.snapshots.server);
    const built = join(folder, 'worker');
    await buildWorker(built);
    assert.equal(await countEvaluators(built), 1);
    const worker = new Miniflare({
      modules: true,
      modulesRoot: built,
      rootPath: built,
      scriptPath: 'worker.js',
      modulesRules: [{ type: 'ESModule', include: ['**/*.js'] }, { type: 'CompiledWasm', include: ['**/*.wasm'] }],
      compatibilityDate: '2026-07-01',
      bindings: { PENNON_CONNECTION: connection('server') },
    });
    const ask = async (country) => (await worker.dispatchFetch(`http://worker/?user=user-1&country=${country}`)).json();
    try {
      // At once: the second waits for what the first has asked for.
      assert.deepEqual(await Promise.all(['US', 'FR'].map(ask)), [
        { banner: 'Howdy', checkout: 'new', version: 1 },
        { banner: 'Welcome', checkout: 'new', version: 1 },
      ]);
      assert.equal(server.count('head'), 1);
      server.publish(made.snapshots.serverTwo);
      let answer;
      const end = Date.now() + 15_000;
      do answer = await ask('US');
      while (answer.version !== 2 && Date.now() < end);
      assert.deepEqual(answer, { banner: 'Howdy', checkout: 'old', version: 2 });
      assert.equal(server.count('head'), 2);
    } finally {
      await worker.dispose();
    }
  });
});
