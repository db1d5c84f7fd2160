// What the package weighs in a page: bundled, minified, compressed. Each module's share is printed, so that what grew is seen.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

import { build } from 'esbuild';

/** `initial`: bytes of gzip that are loaded with the page. `later`: what is loaded on demand, for the pages that need it. */
const BUDGETS = [
  { entry: 'browser', uses: 'createClient', initial: 13_600, later: 1_400 },
  { entry: 'slim', uses: 'createClient', initial: 6_600, later: 0 },
  { entry: 'react', uses: 'PennonProvider, useFlag', initial: 1_000, later: 0 },
];
const WASM_BROTLI = 40_000;

for (const { entry, uses, initial, later } of BUDGETS) {
  test(`pennon/${entry} with ${uses}: at most ${initial} bytes at first, ${later} later`, async (context) => {
    const path = fileURLToPath(new URL(`../dist/entrypoints/${entry}.js`, import.meta.url));
    const bundle = (splitting) =>
      build({
        stdin: { contents: `import { ${uses} } from ${JSON.stringify(path)}; console.log(${uses});`, resolveDir: '.' },
        bundle: true, minify: true, splitting, format: 'esm', target: 'es2022', external: ['react'], outdir: '/', entryNames: 'page', metafile: true, write: false,
        // What is loaded later is not part of the page; where nothing is shared with it, the page is one file.
        ...(splitting ? {} : { plugins: [{ name: 'later', setup: (set) => set.onResolve({ filter: /./ }, ({ kind }) => (kind === 'dynamic-import' ? { external: true } : undefined)) }] }),
      });
    const page = await bundle(false);
    const size = ({ contents }) => gzipSync(contents, { level: 9 }).length;
    const first = size(page.outputFiles[0]);
    for (const [name, { bytesInOutput }] of Object.entries(Object.values(page.metafile.outputs)[0].inputs).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)) {
      if (bytesInOutput > 0) context.diagnostic(`${String(bytesInOutput).padStart(6)} ${basename(name)}`);
    }
    const split = await bundle(true);
    const demanded = new Set(Object.values(split.metafile.outputs).flatMap(({ imports }) => imports.filter(({ kind }) => kind === 'dynamic-import').map(({ path }) => basename(path))));
    const after = split.outputFiles.filter(({ path }) => demanded.has(basename(path))).reduce((sum, file) => sum + size(file), 0);
    context.diagnostic(`${first} bytes of gzip at first, ${after} later`);
    assert.ok(first <= initial, `${first} bytes at first`);
    assert.ok(after <= later, `${after} bytes later`);
    // Should code that is imported on demand end up in the page, or vanish from both, this shows.
    assert.equal(after > 0, later > 0);
  });
}

test(`the WebAssembly file: at most ${WASM_BROTLI} bytes of brotli`, (context) => {
  const size = brotliCompressSync(readFileSync(new URL('../dist/generated/pennon_wasm_bg.wasm', import.meta.url))).length;
  context.diagnostic(`${size} bytes of brotli`);
  assert.ok(size <= WASM_BROTLI, `${size} bytes`);
});
