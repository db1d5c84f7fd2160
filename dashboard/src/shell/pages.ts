// The pages of a project, as the navigation and the command palette list them.
import type { IconName } from '../ui/Icon.tsx';

export const GROUPS = [
  {
    title: 'Flags',
    pages: [{ to: '/projects/$project/flags', label: 'Flags', icon: 'flag', key: 'f' }],
  },
] as const satisfies { title: string; pages: { to: string; label: string; icon: IconName; key: string }[] }[];
