// What the person who is signed in may do: the pages offer nothing that the server would refuse. The server decides all the same.
import { useSuspenseQuery } from '@tanstack/react-query';

import { meQuery } from './api/queries.ts';
import type { Environment, Me, Role } from './api/types.ts';

const ORDER: Role[] = ['viewer', 'editor', 'publisher', 'admin', 'owner'];

export interface Access {
  role: Role;
  /** Whether what a flag does in this environment may be changed. */
  change: (environment: Pick<Environment, 'key' | 'protected'>) => boolean;
  /** Whether anything of the project may be changed. */
  edit: boolean;
  /** Whether environments, members, tokens and webhooks may be changed. */
  admin: boolean;
  /** Whether projects and people may be made. */
  instance: boolean;
}

const reaches = (role: Role, wanted: Role): boolean => ORDER.indexOf(role) >= ORDER.indexOf(wanted);

export function accessOf(me: Me, project: string): Access {
  const held = me.projects.find((belonging) => belonging.project === project);
  const role: Role = me.instanceOwner ? 'owner' : (held?.role ?? 'viewer');
  const narrowed = me.instanceOwner ? {} : (held?.environments ?? {});
  return {
    role,
    change: (environment) => reaches(narrowed[environment.key] ?? role, environment.protected ? 'publisher' : 'editor'),
    edit: reaches(role, 'editor'),
    admin: reaches(role, 'admin'),
    instance: me.instanceOwner,
  };
}

export function useMe(): Me {
  const { data } = useSuspenseQuery(meQuery);
  return data ?? { instanceOwner: false, projects: [] };
}

export const useAccess = (project: string): Access => accessOf(useMe(), project);
