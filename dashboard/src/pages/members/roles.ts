import type { Role } from '../../api/types.ts';

/** What each role may do, from the least to the most. */
export const ROLES: Record<Role, { label: string; may: string }> = {
  viewer: { label: 'Viewer', may: 'sees everything' },
  editor: { label: 'Editor', may: 'changes environments that are not protected' },
  publisher: { label: 'Publisher', may: 'changes protected ones too' },
  admin: { label: 'Admin', may: 'manages environments, members, tokens and webhooks' },
  owner: { label: 'Owner', may: 'makes other owners' },
};

export const ROLE_NAMES = Object.keys(ROLES) as Role[];
