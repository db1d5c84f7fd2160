import { execFileSync } from 'node:child_process';

import { expect, test } from 'vitest';

import { saveByCurl } from '../../src/pages/flag/saveByCurl.ts';

test('a shell reads back what saving sends, whatever is in it', () => {
  const operations = [{ op: 'setMetadata' as const, name: `it's "$HOME" \`id\``, value: 1 }];
  const line = saveByCurl('http://h', { project: 'p', environment: 'e', flag: 'a/b' }, operations, "don't");
  const read = execFileSync('sh', ['-c', `curl() { printf '%s\\n' "$@"; }; ${line}`], { encoding: 'utf8', env: { PENNON_TOKEN: 't' } }).trimEnd().split('\n');
  expect(read).toEqual([
    '-X', 'POST', '-H', 'Authorization: Bearer t', '-H', 'Content-Type: application/json',
    '-d', JSON.stringify({ operations, comment: "don't" }),
    'http://h/admin/projects/p/environments/e/flags/a%2Fb/operations',
  ]);
});
