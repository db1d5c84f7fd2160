import { expect, test } from 'vitest';

import { shell, snippets } from '../../src/pages/keys/snippets.ts';

const ground = { connection: 'https://pns_k:f@h/e', key: 'pns_k', origin: 'https://h', environment: 'production', flag: 'it\'s "new"' };

test.each([
  ['client', ['Browser', 'React', 'curl']],
  ['server', ['Node', 'Worker', 'Python', 'curl']],
  ['edge', ['curl']],
])('a %s key is shown for %j', (kind, titles) => {
  const all = snippets({ ...ground, kind });
  expect(all.map(({ title }) => title)).toEqual(titles);
  for (const { title, code } of all) expect(code, title).toContain(title === 'curl' || title === 'Python' ? 'pns_k' : ground.connection);
});

test('a name cannot end the text that it stands in', () => {
  expect(snippets({ ...ground, kind: 'server' })[0]?.code).toContain('client.boolean("it\'s \\"new\\""');
  expect(shell("it's")).toBe(`'it'\\''s'`);
});
