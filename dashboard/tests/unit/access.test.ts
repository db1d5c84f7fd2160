import { expect, test } from 'vitest';

import { accessOf } from '../../src/access.ts';
import type { Me, Role } from '../../src/api/types.ts';

const development = { key: 'development', protected: false };
const production = { key: 'production', protected: true };
const me = (role: Role, environments: Record<string, Role> = {}): Me => ({ instanceOwner: false, projects: [{ project: 'p', role, environments }] });

test.each<[string, Me, { development: boolean; production: boolean; edit: boolean; admin: boolean }]>([
  ['a viewer', me('viewer'), { development: false, production: false, edit: false, admin: false }],
  ['an editor', me('editor'), { development: true, production: false, edit: true, admin: false }],
  ['a publisher', me('publisher'), { development: true, production: true, edit: true, admin: false }],
  ['a publisher, narrowed in production', me('publisher', { production: 'viewer' }), { development: true, production: false, edit: true, admin: false }],
  ['an admin', me('admin'), { development: true, production: true, edit: true, admin: true }],
  ['somebody of another project', { instanceOwner: false, projects: [{ project: 'q', role: 'owner' }] }, { development: false, production: false, edit: false, admin: false }],
  ['an owner of the instance', { instanceOwner: true, projects: [] }, { development: true, production: true, edit: true, admin: true }],
])('%s', (_, who, may) => {
  const access = accessOf(who, 'p');
  expect({ development: access.change(development), production: access.change(production), edit: access.edit, admin: access.admin }).toEqual(may);
});
