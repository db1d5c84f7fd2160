// What the package's WebAssembly module can and cannot do.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const exports = (path) => WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(new URL(path, root)))).map(({ name }) => name);

test('the module opens nothing that nobody has signed; the dashboard has one of its own that does', () => {
  const dashboard = exports('dashboard/src/generated/evaluator/pennon_wasm_bg.wasm');
  assert.ok(dashboard.includes('evaluator_open_draft'), dashboard.join(' '));
  const published = exports('npm/dist/generated/pennon_wasm_bg.wasm');
  assert.ok(published.includes('evaluator_admit_body'), published.join(' '));
  assert.deepEqual(published.filter((name) => name.includes('draft')), []);
  assert.deepEqual(dashboard.filter((name) => name.startsWith('evaluator_') && !published.includes(name)), ['evaluator_open_draft']);
});
