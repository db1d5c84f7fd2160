import { expect, test } from 'vitest';

import type { LiveChange } from '../../src/api/live.ts';
import type { Me } from '../../src/api/types.ts';
import { told } from '../../src/shell/heard.ts';

const me = { instanceOwner: false, projects: [], user: { id: '1', email: 'ada@example.com', name: '', instanceOwner: false, createdAt: 0 } } satisfies Me;
const change: LiveChange = { version: 1, at: 0, author: 'user:bob@example.com', action: 'flag-configuration.turned-on', target: 'x', environment: 'production' };

test.each([
  ['somebody else, the flag shown', change, '/projects/p/flags/x', 'bob@example.com turned on x in production'],
  ['oneself', { ...change, author: 'user:ada@example.com' }, '/projects/p/flags/x', undefined],
  ['another flag', change, '/projects/p/flags/xx', undefined],
  ['the list', change, '/projects/p/flags', undefined],
] as const)('%s', (_, one, path, words) => expect(told(one, me, path)).toBe(words));
