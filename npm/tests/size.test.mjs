// What the package weighs in a page: bundled, minified, compressed. Each module's share is printed, so that what grew is seen.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

import { build } from 'esbuild';

/**
 * Bytes of gzip. `first`: what a page starts with. `all`: with everything that it may load later on, each file by itself; what most pages
 * load of it, once they have flags, is `usual`.
 */
const BUDGETS = [
  { entry: 'browser', uses: 'createClient', first: 8_000, usual: 15_200, all: 17_560 },
  { entry: 'slim', uses: 'createClient', first: 5_000, usual: 8_440, all: 8_440 },
  { entry: 'react', uses: 'PennonProvider, useFlag', first: 1_000, usual: 1_000, all: 1_000 },
];
/** Parts for few pages: those that may not run WebAssembly, and browsers without Ed25519. */
const RARE = /browser-answers|ed25519/;
const WASM_BROTLI = 40_000;

for (const { entry, uses, ...budget } of BUDGETS) {
  test(`pennon/${entry} with ${uses}: at most ${budget.first} bytes at first, ${budget.all} in all`, async (context) => {
    const path = fileURLToPath(new URL(`../dist/entrypoints/${entry}.js`, import.meta.url));
    const bundle = (options) =>
      build({
        stdin: { contents: `import { ${uses} } from ${JSON.stringify(path)}; console.log(${uses});`, resolveDir: '.' },
        bundle: true, minify: true, format: 'esm', target: 'es2022', external: ['react'], outdir: '/', entryNames: 'page', metafile: true, write: false, ...options,
      });
    const size = ({ contents }) => gzipSync(contents, { level: 9 }).length;
    // What is loaded later is not part of the page that it starts with.
    const later = { name: 'later', setup: (set) => set.onResolve({ filter: /./ }, ({ kind }) => (kind === 'dynamic-import' ? { external: true } : undefined)) };
    const page = await bundle({ plugins: [later] });
    const first = size(page.outputFiles[0]);
    for (const [name, { bytesInOutput }] of Object.entries(Object.values(page.metafile.outputs)[0].inputs).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)) {
      if (bytesInOutput > 0) context.diagnostic(`${String(bytesInOutput).padStart(6)} ${basename(name)}`);
    }
    const split = await bundle({ splitting: true });
    const sum = (files) => files.reduce((total, file) => total + size(file), 0);
    const all = sum(split.outputFiles);
    const usual = sum(split.outputFiles.filter(({ path }) => !RARE.test(path)));
    const found = { first, usual, all };
    context.diagnostic(`bytes of gzip: ${JSON.stringify(found)}`);
    for (const [what, most] of Object.entries(budget)) assert.ok(found[what] <= most, `${what}: ${found[what]} bytes`);
    // Should what is loaded later end up in the first file, this shows.
    assert.equal(all > first * 1.2, budget.all > budget.first);
  });
}

test(`the WebAssembly file: at most ${WASM_BROTLI} bytes of brotli`, (context) => {
  const size = brotliCompressSync(readFileSync(new URL('../dist/generated/pennon_wasm_bg.wasm', import.meta.url))).length;
  context.diagnostic(`${size} bytes of brotli`);
  assert.ok(size <= WASM_BROTLI, `${size} bytes`);
});
