// `npx pennon types`, and that TypeScript then refuses what does not fit.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, makeSnapshots, repository, sampleConfig, snapshot } from './support/snapshots.mjs';

const require = createRequire(import.meta.url);
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const run = (args, options) => spawnSync(process.execPath, args, { encoding: 'utf8', ...options });

const EXPECTED = `// Written by \`npx pennon types\`; run it again instead of editing.
import type { JsonValue } from 'pennon';

declare module 'pennon' {
  interface FlagTypes {
    "banner-text": string;
    "button-colour": string;
    "limit": number;
    "new-checkout": boolean;
    "theme": JsonValue;
  }
}
`;

describe('typed flags', () => {
  let folder;

  before(() => {
    // Inside of the repository, where the package is found by its name.
    folder = mkdtempSync(join(repository, 'target', 'types-'));
    writeFileSync(join(folder, 'config.json'), JSON.stringify(sampleConfig()));
    const { status, stderr } = run([cli, 'types', 'config.json', '--out', 'flags.d.ts'], { cwd: folder });
    assert.equal(status, 0, stderr);
  });
  after(() => rmSync(folder, { recursive: true }));

  test('come from a configuration', () => {
    const { stdout } = run([cli, 'types', join(folder, 'config.json')]);
    assert.equal(stdout, EXPECTED);
  });

  test('come from the snapshot of a connection', { timeout: 20_000 }, async () => {
    // Dates of the snapshot are those of the clock: this program has its own.
    const now = Date.now();
    const made = makeSnapshots({ snapshots: { one: snapshot(sampleConfig(), { created: now, refreshBy: now + 1e8, notAfter: now + 1e9 }) } });
    const server = await DeliveryServer.start(made);
    server.publish(made.snapshots.one);
    try {
      const { spawn } = await import('node:child_process');
      const child = spawn(process.execPath, [cli, 'types'], { env: { ...process.env, PENNON_CONNECTION: server.connectionString(made, { environment: ENVIRONMENT }) } });
      let text = '';
      for await (const chunk of child.stdout) text += chunk;
      assert.equal(text, EXPECTED);
    } finally {
      await server.stop();
    }
  });

  for (const [name, file, why] of [
    ['no JSON', '{', /JSON/],
    ['no flags', '{}', /has no `flags`/],
    ['an empty project', '{"flags":{}}', /there is no flag/],
    ['a type of the future', '{"flags":{"a":{"type":"blob"}}}', /"a" has no type/],
  ]) {
    test(`${name} is refused`, () => {
      writeFileSync(join(folder, 'bad.json'), file);
      const { status, stderr } = run([cli, 'types', 'bad.json'], { cwd: folder });
      assert.equal(status, 2);
      assert.match(stderr, why);
    });
  }

  test('it says how it is called', () => {
    assert.match(run([cli, '--help']).stdout, /npx pennon types/);
    const { status, stderr } = run([cli, 'typos'], { env: { PATH: process.env.PATH } });
    assert.equal(status, 2);
    assert.match(stderr, /npx pennon types/);
  });

  test('what is wrong with a call is said in a sentence', () => {
    const config = join(folder, 'one.json');
    writeFileSync(config, JSON.stringify({ flags: { a: { type: 'boolean' } } }));
    for (const [given, said] of [
      [['types', config, '--typo'], /--typo/],
      [['types', config, '--out'], /--out/],
      [['types', config, '--out', join(folder, 'no', 'such', 'folder', 'flags.d.ts')], /ENOENT/],
      [['types', join(folder, 'none.json')], /ENOENT/],
    ]) {
      const { status, stderr } = run([cli, ...given], { env: { PATH: process.env.PATH } });
      assert.equal(status, 2, stderr);
      assert.match(stderr, said);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }
  });

  /** TypeScript's complaints about a program that has the flags' types, by their codes. */
  function complaints(program) {
    writeFileSync(join(folder, 'program.ts'), `import './flags.js';\nimport { createClient } from 'pennon/node';\nimport { useFlag, useFlags } from 'pennon/react';\nexport const client = createClient('');\n${program}\n`);
    const { stdout } = run(
      [tsc, '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--skipLibCheck', '--types', 'node', 'flags.d.ts', 'program.ts'],
      { cwd: folder },
    );
    return [...stdout.matchAll(/error (TS\d+)/g)].map(([, code]) => code);
  }

  for (const [program, ...codes] of [
    [`export const all: [boolean, string, number] = [client.boolean('new-checkout', false), client.string('banner-text', ''), client.number('limit', 1)];`],
    [`export const theme = client.json('theme', { ground: '' }).ground;`],
    [`export const value: boolean = client.details('new-checkout', false).value;`],
    [`export const { value }: { value: string } = client.for({}).details('banner-text', '');`],
    [`export const Part = (): string => useFlag('banner-text', '') + useFlags({ limit: 1 }).limit.toFixed();`],
    [`client.boolean('new-chekout', false);`, 'TS2345'],
    [`client.boolean('banner-text', false);`, 'TS2345'],
    [`client.details('limit', '');`, 'TS2345'],
    [`client.subscribe('no-such-flag', () => undefined);`, 'TS2345'],
    [`export const part = () => useFlag('new-checkout', 'text');`, 'TS2345'],
    [`export const parts = () => useFlags({ 'no-such-flag': 1 });`, 'TS2322'],
  ]) {
    test(`${codes.length === 0 ? 'compiles' : codes.join()}: ${program}`, () => {
      assert.deepEqual(complaints(program), codes);
    });
  }

  test('without them every key compiles', () => {
    writeFileSync(join(folder, 'free.ts'), `import { createClient } from 'pennon/node';\ncreateClient('').boolean('anything', false);\n`);
    const { stdout, status } = run([tsc, '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--skipLibCheck', '--types', 'node', 'free.ts'], { cwd: folder });
    assert.equal(status, 0, stdout);
  });
});
