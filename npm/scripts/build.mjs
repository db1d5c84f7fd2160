// Compiles src/ into dist/, puts the WebAssembly module, made by `cargo xtask build`, next to it, and bundles what CommonJS
// programs load.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { buildPage } from './page.mjs';

/** Entry points that CommonJS programs can load too; each is one file, with its own copy of what it uses. */
const COMMON_JS = ['node', 'slim', 'react', 'openfeature-web', 'openfeature-server'];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const generated = join(root, 'src', 'generated');
// wasm-bindgen's own JavaScript is not among them: src/evaluator.ts calls the module as it is.
const files = ['pennon_wasm.d.ts', 'pennon_wasm_bg.wasm', 'ed25519/pennon_wasm_ed25519.d.ts', 'ed25519/pennon_wasm_ed25519_bg.wasm'];
const inlined = { inline: 'pennon_wasm_bg.wasm', 'inline-ed25519': 'ed25519/pennon_wasm_ed25519_bg.wasm' };

for (const file of files) {
  if (!existsSync(join(generated, file))) {
    console.error(`npm/src/generated/${file} is missing: run \`cargo xtask build\`, which makes it and then runs this script.`);
    process.exit(1);
  }
}
// The modules as text, for `pennon/node` and `pennon/inline`.
for (const [name, file] of Object.entries(inlined)) {
  const base64 = readFileSync(join(generated, file)).toString('base64');
  writeFileSync(join(generated, `${name}.js`), `export const base64 = '${base64}';\n`);
  writeFileSync(join(generated, `${name}.d.ts`), 'export declare const base64: string;\n');
}

// Beside dist/, which is in use until the new one is whole.
const [dist, made, old] = ['dist', 'dist.made', 'dist.old'].map((name) => join(root, name));
rmSync(made, { recursive: true, force: true });

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
function compile(folder, ...options) {
  const { status } = spawnSync(process.execPath, [tsc, '--project', root, '--outDir', folder, ...options], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
function copy(folder, names) {
  for (const name of names) cpSync(join(generated, name), join(folder, 'generated', name));
}
compile(made);
const declarations = [...files.filter((name) => name.endsWith('.d.ts')), ...Object.keys(inlined).map((name) => `${name}.d.ts`)];
copy(made, [...files, ...declarations, ...Object.keys(inlined).map((name) => `${name}.js`)]);
cpSync(join(root, '..', 'LICENSE'), join(made, 'LICENSE'));

const commonJs = join(made, 'cjs');
// The same declarations, of modules of the other kind: TypeScript goes by the nearest package.json.
compile(commonJs, '--emitDeclarationOnly');
copy(commonJs, declarations);
writeFileSync(join(commonJs, 'package.json'), '{ "type": "commonjs" }\n');
const entry = (name) => join(made, 'entrypoints', `${name}.js`);
const ownCryptography = {
  name: 'own cryptography',
  setup: ({ onResolve }) => onResolve({ filter: /\/verify\.js$/ }, ({ resolveDir }) => ({ path: join(resolveDir, 'verify-node.js') })),
};
const forNode = { bundle: true, platform: 'node', target: 'es2022', packages: 'external', plugins: [ownCryptography] };
await build({ ...forNode, entryPoints: COMMON_JS.map(entry), outdir: join(commonJs, 'entrypoints'), format: 'cjs', logOverride: { 'empty-import-meta': 'silent' } });

for (const name of ['browser', 'slim', 'service-worker', 'inline']) await buildPage(made, name);

// Two files for Node, whose loader takes its time for each, and reads all of one before anything in it runs: what a program starts with, and
// what keeps it up to date. Names stay: people log what has them.
const inNode = { ...forNode, format: 'esm', minifyWhitespace: true, minifySyntax: true };
const elsewhere = (name, filter, kind, path) => ({
  name,
  setup: ({ onResolve }) => onResolve({ filter }, (found) => (found.kind === kind ? { path, external: true } : undefined)),
});
const later = elsewhere('later', /\/following\.js$/, 'dynamic-import', './node-following.js');
// Whatever has an identity comes from the first file, whose types do not tell of what is internal; the rest are a few functions, which the
// second has once more.
const before = elsewhere('before', /\/(errors|failure)\.js$/, 'import-statement', './node.js');
const following = { entryPoints: [join(made, 'following.js')], outfile: entry('node-following') };
await build({ ...inNode, ...following, plugins: [ownCryptography, before] });
const shared = { contents: "export * from './node.js'; export { Failure } from '../failure.js';", resolveDir: join(made, 'entrypoints') };
await build({ ...inNode, stdin: shared, outfile: entry('node'), allowOverwrite: true, external: ['../generated/*'], plugins: [ownCryptography, later] });

rmSync(old, { recursive: true, force: true });
if (existsSync(dist)) renameSync(dist, old);
renameSync(made, dist);
rmSync(old, { recursive: true, force: true });
