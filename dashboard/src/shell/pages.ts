// The pages of a project, as the navigation and the command palette list them.
import type { IconName } from '../ui/Icon.tsx';

export const GROUPS = [
  {
    title: 'Flags',
    pages: [
      { to: '/projects/$project/flags', label: 'Flags', icon: 'flag', key: 'f' },
      { to: '/projects/$project/segments', label: 'Segments', icon: 'people', key: 's' },
      { to: '/projects/$project/preview', label: 'Preview', icon: 'eye', key: 'p' },
      { to: '/projects/$project/attributes', label: 'Attributes', icon: 'braces', key: 'a' },
      { to: '/projects/$project/layers', label: 'Layers', icon: 'slots', key: 'y' },
    ],
  },
  {
    title: 'Environments',
    pages: [
      { to: '/projects/$project/environments', label: 'Environments', icon: 'layers', key: 'e' },
      { to: '/projects/$project/keys', label: 'SDK keys', icon: 'key', key: 'k' },
      { to: '/projects/$project/compare', label: 'Compare', icon: 'copy', key: 'c' },
      { to: '/projects/$project/delivery', label: 'Delivery', icon: 'globe', key: 'd' },
    ],
  },
  {
    title: 'Record',
    pages: [
      { to: '/projects/$project/audit', label: 'Audit log', icon: 'list', key: 'l' },
      { to: '/projects/$project/past', label: 'Back in time', icon: 'clock', key: 't' },
    ],
  },
  {
    title: 'Access',
    pages: [
      { to: '/projects/$project/members', label: 'Members', icon: 'people', key: 'm' },
      { to: '/projects/$project/tokens', label: 'API tokens', icon: 'lock', key: 'o' },
      { to: '/projects/$project/webhooks', label: 'Webhooks', icon: 'hook', key: 'w' },
    ],
  },
] as const satisfies { title: string; pages: { to: string; label: string; icon: IconName; key: string }[] }[];
