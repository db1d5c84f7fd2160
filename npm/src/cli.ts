#!/usr/bin/env node
// `npx pennon types`: the project's flags as TypeScript types.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { createClient } from './entrypoints/node.js';
import type { FlagType } from './outcome.js';

const USAGE = `npx pennon types FILE [--out flags.d.ts]
npx pennon types --connection CONNECTION_STRING [--out flags.d.ts]

Writes the flags and their types for TypeScript, so that a wrong key or a wrong type does not compile. FILE is a
configuration or a project as the control plane exports it. With a connection string (better given in the environment
variable PENNON_CONNECTION) the flags are those of the snapshot that it gives. Without --out the types go to the standard output.`;

const TYPES: { readonly [Type in FlagType]: string } = { boolean: 'boolean', string: 'string', number: 'number', json: 'JsonValue' };

function refuse(why: string): never {
  console.error(`pennon types: ${why}`);
  process.exit(2);
}

/** What comes of it; what it throws ends the program with a sentence. */
async function orRefuse<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    refuse(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Flags by key from `{ flags: { KEY: { type } } }`, wherever the definition stands in it, or `{ flags: [{ key, type }] }`. */
function flagsIn(file: unknown): Map<string, FlagType> {
  const flags = typeof file === 'object' && file !== null && 'flags' in file ? file.flags : undefined;
  if (typeof flags !== 'object' || flags === null) refuse('the file has no `flags`: give a configuration (CONFIG.json) or an exported project');
  const entries: [unknown, unknown][] = Array.isArray(flags)
    ? flags.map((flag: { key?: unknown } | null) => [flag?.key, flag])
    : Object.entries(flags);
  const found = new Map<string, FlagType>();
  for (const [key, flag] of entries) {
    const { type, definition } = (flag ?? {}) as { type?: unknown; definition?: { type?: unknown } };
    const known = Object.keys(TYPES).find((name) => name === (type ?? definition?.type));
    if (typeof key !== 'string' || !known) refuse(`the flag ${JSON.stringify(key)} has no type that this package knows`);
    found.set(key, known as FlagType);
  }
  return found;
}

async function flagsOf(connection: string): Promise<Map<string, FlagType>> {
  const client = createClient(connection);
  try {
    const { version, lastError } = await client.ready();
    if (version === undefined) refuse(lastError?.message ?? 'no snapshot arrived in time');
    return new Map(client.keys().flatMap((key) => {
      const { type } = client.outcome(key);
      return type ? [[key, type] as const] : [];
    }));
  } finally {
    client.close();
  }
}

function declarations(flags: Map<string, FlagType>): string {
  const keys = [...flags.keys()].sort();
  const lines = keys.map((key) => `    ${JSON.stringify(key)}: ${TYPES[flags.get(key) as FlagType]};`);
  return `// Written by \`npx pennon types\`; run it again instead of editing.
${[...flags.values()].includes('json') ? "import type { JsonValue } from 'pennon';" : "import 'pennon';"}

declare module 'pennon' {
  interface FlagTypes {
${lines.join('\n')}
  }
}
`;
}

const { values, positionals } = await orRefuse(() =>
  parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string' }, connection: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  }),
);
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const [command, path, ...more] = positionals;
const connection = values.connection ?? process.env['PENNON_CONNECTION'];
if (command !== 'types' || more.length > 0 || (path === undefined && connection === undefined)) {
  console.error(USAGE);
  process.exit(2);
}
const flags = await orRefuse(async () => (path === undefined ? flagsOf(connection as string) : flagsIn(JSON.parse(await readFile(path, 'utf8')))));
if (flags.size === 0) refuse('there is no flag, and so there are no types to write');
const text = declarations(flags);
if (values.out === undefined) process.stdout.write(text);
else {
  const { out } = values;
  await orRefuse(() => writeFile(out, text));
}
