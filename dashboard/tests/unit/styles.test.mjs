import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { expect, test } from 'vitest';

const source = resolve(import.meta.dirname, '../../src');
const text = (file) => readFileSync(file, 'utf8');

/** What this file loads, and what that loads: files of the dashboard alone, and no types. */
function loaded(file, all = new Set()) {
  if (all.has(file)) return all;
  all.add(file);
  if (file.endsWith('.css')) return all;
  for (const [, path = ''] of text(file).matchAll(/^import (?!type )(?:.* from )?'(\.[^']+)';$/gm)) {
    const found = resolve(dirname(file), path);
    if (existsSync(found)) loaded(found, all);
  }
  return all;
}

const styledBy = (files) => new Set([...files].filter((file) => file.endsWith('.css')).flatMap((file) => [...text(file).matchAll(/\.(-?[a-z][\w-]*)/g)].map(([, name]) => name)));

/** The class names that a component writes: whole attributes, and the texts within computed ones. */
function classes(file) {
  return [...text(file).matchAll(/className="([^"]+)"|className=\{([^}]*)\}/g)].flatMap(([, plain, computed]) =>
    plain ? plain.split(' ') : [...(computed ?? '').matchAll(/['`]([^'`]+)['`]/g)].flatMap(([, names = '']) => names.split(/\s+/)));
}

const everywhere = styledBy(loaded(join(source, 'main.tsx')));
const anywhere = styledBy(readdirSync(source, { recursive: true, encoding: 'utf8' }).map((file) => join(source, file)).filter((file) => file.endsWith('.css')));
const pages = [...text(join(source, 'routes.tsx')).matchAll(/import\('\.\/(pages\/[^']+)'\)/g)].map(([, page = '']) => page);

test('the routes name the pages', () => expect(pages.length).toBeGreaterThan(15));

// Each page loads its own styles: what another page loads may not be there yet.
test.each(pages)('%s loads the styles of everything in it', (page) => {
  const files = loaded(join(source, page));
  const styled = styledBy(files);
  const used = [...files].filter((file) => file.endsWith('.tsx')).flatMap(classes);
  expect(used.length).toBeGreaterThan(0);
  expect([...new Set(used)].filter((name) => anywhere.has(name) && !styled.has(name) && !everywhere.has(name))).toEqual([]);
});
