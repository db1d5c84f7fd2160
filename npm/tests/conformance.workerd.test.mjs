import { fileURLToPath } from 'node:url';

import { Miniflare } from 'miniflare';

import { loadVectors, testResults } from './support/vectors.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const vectors = loadVectors();

const workerd = new Miniflare({
  modules: true,
  modulesRoot: root,
  rootPath: root,
  scriptPath: 'tests/support/conformance-worker.mjs',
  modulesRules: [
    { type: 'ESModule', include: ['**/*.js', '**/*.mjs'] },
    { type: 'CompiledWasm', include: ['**/*.wasm'] },
  ],
  compatibilityDate: '2026-07-01',
});
let results;
try {
  const response = await workerd.dispatchFetch('http://worker/', { method: 'POST', body: JSON.stringify(vectors) });
  if (!response.ok) throw new Error(`workerd answered ${response.status}: ${await response.text()}`);
  results = await response.json();
} finally {
  await workerd.dispose();
}
testResults('workerd', vectors, results);
