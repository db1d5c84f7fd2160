// Compiles src/ into dist/ and puts the WebAssembly module, made by `cargo xtask build`, next to it.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const generated = join(root, 'src', 'generated');
const files = ['pennon_wasm.js', 'pennon_wasm.d.ts', 'pennon_wasm_bg.wasm'];

for (const file of files) {
  if (!existsSync(join(generated, file))) {
    console.error(`npm/src/generated/${file} is missing: run \`cargo xtask build\`, which makes it and then runs this script.`);
    process.exit(1);
  }
}

// Beside dist/, which is in use until the new one is whole.
const [dist, made, old] = ['dist', 'dist.made', 'dist.old'].map((name) => join(root, name));
rmSync(made, { recursive: true, force: true });
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [tsc, '--project', root, '--outDir', made], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
for (const file of files) cpSync(join(generated, file), join(made, 'generated', file));
rmSync(old, { recursive: true, force: true });
if (existsSync(dist)) renameSync(dist, old);
renameSync(made, dist);
rmSync(old, { recursive: true, force: true });
