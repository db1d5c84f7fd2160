import { expect, test } from 'vitest';

import type { Finding } from '../../src/api/types.ts';
import { findingsAt, sectionOf } from '../../src/flag/findings.ts';

test.each([
  ['/flags/x/rules/2/when/in/values', { section: 'rule', index: 2 }],
  ['/flags/x/rules', { section: 'flag' }],
  ['/flags/x/fallthrough/split', { section: 'fallthrough' }],
  ['/flags/a~1b/targets/0/keys/1', { section: 'targets' }],
  ['/flags/x/prerequisites/0', { section: 'prerequisites' }],
  ['/flags/x/variants/1', { section: 'flag' }],
  ['/flags/x', { section: 'flag' }],
])('%s stands at %j', (place, section) => expect(sectionOf({ place, flag: 'x' })).toEqual(section));

test('the worst comes first, and each stands by its own rule', () => {
  const finding = (severity: Finding['severity'], place: string): Finding => ({ code: 'rules-overlap', severity, place, message: severity, exact: true });
  const all = [finding('note', '/flags/x/rules/0'), finding('error', '/flags/x/rules/0/serve'), finding('warning', '/flags/x/rules/1')];
  expect(findingsAt(all, { section: 'rule', index: 0 }).map(({ severity }) => severity)).toEqual(['error', 'note']);
  expect(findingsAt(all, { section: 'rule', index: 1 }).map(({ severity }) => severity)).toEqual(['warning']);
  expect(findingsAt(all, { section: 'fallthrough' })).toEqual([]);
});
