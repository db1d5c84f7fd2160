// How each tool builds a page around the package, as little configured as its users would have it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { nodeResolve } from '@rollup/plugin-node-resolve';
import { importMetaAssets } from '@web/rollup-plugin-import-meta-assets';
import { build as esbuild } from 'esbuild';
import { rollup } from 'rollup';
import { build as vite, createServer } from 'vite';

const webpack = createRequire(import.meta.url)('webpack');

export const here = fileURLToPath(new URL('.', import.meta.url));
const programs = join(here, 'programs');
const examples = join(here, '..', '..', 'examples');
/** No word to its makers. */
const nextEnvironment = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
const nextProgram = join(here, 'node_modules', 'next', 'dist', 'bin', 'next');
/** The package as npm installed it. */
export const installed = join(here, 'node_modules', 'pennon');

export async function writePage(folder, script) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'index.html'), `<!doctype html><meta charset="utf-8"><title>Pennon</title><script type="module" src="/${script}"></script><body></body>\n`);
}

/** @param folder where the page goes  @param program its script, of `programs/` */
export const BUILDS = {
  async vite(folder, program) {
    const root = `${folder}.source`;
    await cp(programs, root, { recursive: true });
    await writePage(root, program);
    await vite({ root, configFile: false, logLevel: 'warn', build: { outDir: folder, emptyOutDir: true } });
  },

  async webpack(folder, program) {
    await writePage(folder, 'main.mjs');
    const settings = { mode: 'production', entry: join(programs, program), output: { path: folder, filename: 'main.mjs', module: true }, experiments: { outputModule: true } };
    const stats = await new Promise((resolve, reject) => webpack(settings, (error, done) => (error ? reject(error) : resolve(done))));
    if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString({ preset: 'errors-warnings' }));
  },

  async rollup(folder, program) {
    await writePage(folder, program);
    const warn = (warning) => {
      throw new Error(String(warning.message));
    };
    const bundle = await rollup({ input: join(programs, program), plugins: [nodeResolve({ browser: true }), importMetaAssets()], onwarn: warn });
    await bundle.write({ dir: folder, format: 'es' });
    await bundle.close();
  },

  async esbuild(folder, program) {
    await writePage(folder, program);
    await esbuild({ entryPoints: [join(programs, program)], outdir: folder, bundle: true, splitting: true, format: 'esm', minify: true, loader: { '.wasm': 'file' }, publicPath: '/', logLevel: 'warning' });
  },

  async none(folder, program) {
    await writePage(folder, program);
    for (const file of [program, 'page.js']) await cp(join(programs, file), join(folder, basename(file)));
    await cp(join(installed, 'dist'), join(folder, 'pennon'), { recursive: true });
  },
};

/** Vite's development server, which serves modules as they are and the package optimised in advance. */
export async function serveByVite(folder, program) {
  await cp(programs, folder, { recursive: true });
  await writePage(folder, program);
  const server = await createServer({ root: folder, configFile: false, logLevel: 'warn', server: { host: '127.0.0.1', port: 0, hmr: false } });
  await server.listen();
  return { url: server.resolvedUrls.local[0], close: () => server.close() };
}

/** The example for Next.js, as it would be deployed. */
export async function buildNext(folder) {
  await cp(join(examples, 'nextjs'), folder, { recursive: true });
  const build = spawn(process.execPath, [nextProgram, 'build'], { cwd: folder, env: nextEnvironment, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [build.stdout, build.stderr]) stream.on('data', (text) => (said += text));
  const [code] = await once(build, 'close');
  if (code !== 0) throw new Error(`next build failed: ${said}`);
}

export async function startNext(folder, environment) {
  const next = spawn(process.execPath, [nextProgram, 'start', '--hostname', '127.0.0.1', '--port', '0'], {
    cwd: folder,
    env: { ...nextEnvironment, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  const url = await new Promise((resolve, reject) => {
    next.stdout.on('data', (text) => {
      said += text;
      const [, port] = /127\.0\.0\.1:([0-9]+)/.exec(said) ?? [];
      if (port && said.includes('Ready')) resolve(`http://127.0.0.1:${port}/`);
    });
    next.on('close', () => reject(new Error(`next start ended: ${said}`)));
  });
  return {
    url,
    async close() {
      const closed = once(next, 'close');
      next.kill();
      await closed;
    },
  };
}

/** The example for Workers, bundled as wrangler does it. */
export async function buildWorker(folder) {
  await cp(join(examples, 'worker', 'worker.js'), join(`${folder}.source`, 'worker.js'));
  await esbuild({ entryPoints: [join(`${folder}.source`, 'worker.js')], outdir: folder, bundle: true, format: 'esm', conditions: ['workerd'], loader: { '.wasm': 'copy' }, logLevel: 'warning' });
}
