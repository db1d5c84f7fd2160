// An entry point for pages: what they start with as one file, and what they load later on in files beside it, which take what they share
// from the first. A page without a bundler so asks for few files, and a bundler does not cut what a page starts with into pieces.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

import { build } from 'esbuild';

import { INTERNAL_NAMES } from './internal-names.mjs';

/** @param dist where the compiled modules are  @param name of the entry point */
export async function buildPage(dist, name) {
  const entry = join(dist, 'entrypoints', `${name}.js`);
  const pages = join(dist, 'pages');
  mkdirSync(pages, { recursive: true });
  // Names that are nobody else's are made short: without that, what a page starts with would be a twentieth larger.
  const common = { bundle: true, format: 'esm', target: 'es2022', external: ['*.wasm'], minifySyntax: true, write: false, metafile: true, mangleCache: {}, mangleProps: new RegExp(`^(${INTERNAL_NAMES.join('|')})$`), outdir: pages };
  const laterParts = new Map();
  const later = {
    name: 'later',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const part = `${name}-${basename(path)}`;
        laterParts.set(part, join(resolveDir, path));
        return { path: `./${part}`, external: true };
      }),
  };
  const { metafile } = await build({ ...common, entryPoints: [entry], plugins: [later] });
  const [{ inputs, exports }] = Object.values(metafile.outputs);
  const modules = new Set(Object.keys(inputs).map((path) => join(process.cwd(), path)));

  const all = [...modules].map((path) => `export * from './${relative(pages, path)}';`).join('\n');
  const first = await build({ ...common, stdin: { contents: all, resolveDir: pages, sourcefile: `${name}.js` }, plugins: [later] });
  const taken = {
    name: 'taken',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\./ }, ({ path, resolveDir, kind }) => (kind !== 'entry-point' && modules.has(join(resolveDir, path)) ? { path: `./${name}.js`, external: true } : undefined)),
  };
  writeFileSync(join(pages, `${name}.js`), first.outputFiles[0].text);
  writeFileSync(entry, `export { ${exports.join(', ')} } from '../pages/${name}.js';\n`);

  // A part may load another one.
  for (let built = 0; built < laterParts.size; ) {
    built = laterParts.size;
    const entryPoints = Object.fromEntries([...laterParts].map(([part, path]) => [part.replace(/\.js$/, ''), path]));
    const { outputFiles } = await build({ ...common, entryPoints, splitting: true, chunkNames: `${name}-[name]-[hash]`, plugins: [taken, later], mangleCache: first.mangleCache });
    for (const { path, text } of outputFiles) {
      mkdirSync(dirname(path), { recursive: true });
      // That one file is run before another matters to nobody here, and is a warning for who bundles the package.
      writeFileSync(path, text.replaceAll(/^import "[^"]+";\n/gm, ''));
    }
  }
}
