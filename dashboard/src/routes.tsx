// The map of the pages. Each page is a file of its own, loaded when it is first opened.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, Outlet, redirect } from '@tanstack/react-router';

import { keeper } from './api/keeper.ts';
import { type FlagFilters, meQuery, setUpQuery } from './api/queries.ts';
import type { AuditFilters } from './pages/audit/AuditPage.tsx';
import { Guard } from './shell/Guard.tsx';
import { Home } from './shell/Home.tsx';
import { Shell } from './shell/Shell.tsx';
import { Empty, Failed, Loading } from './ui/Loaded.tsx';

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined);

const NotFound = () => <Empty whole title="There is no such page" action={<Link to="/" className="button">To the flags</Link>} />;

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: () => <main><NotFound /></main>,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search): { to?: string } => {
    const to = text(search['to']);
    // Only a path of this dashboard: never an address elsewhere.
    return to?.startsWith('/') && !/^\/[/\\]/.test(to) ? { to } : {};
  },
  beforeLoad: async () => {
    if ((await keeper.fetchQuery(setUpQuery)).needed) throw redirect({ to: '/setup' });
  },
  component: lazyRouteComponent(() => import('./pages/sign-in/SignInPage.tsx'), 'SignInPage'),
});

const setUp = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  beforeLoad: async () => {
    if (!(await keeper.fetchQuery(setUpQuery)).needed) throw redirect({ to: '/' });
  },
  component: lazyRouteComponent(() => import('./pages/sign-in/SetUpPage.tsx'), 'SetUpPage'),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: '/invitation',
  component: lazyRouteComponent(() => import('./pages/sign-in/InvitationPage.tsx'), 'InvitationPage'),
});

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: async ({ location }) => {
    const me = await keeper.ensureQueryData(meQuery);
    if (me === null) throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { to: location.href } });
  },
  component: Guard,
});

const home = createRoute({ getParentRoute: () => inside, path: '/', component: Home });

const project = createRoute({
  getParentRoute: () => inside,
  path: '/projects/$project',
  component: Shell,
});

const projectHome = createRoute({
  getParentRoute: () => project,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/projects/$project/flags', params });
  },
});

const VALUE_TYPES = ['boolean', 'string', 'number', 'json'] as const;

const flags = createRoute({
  getParentRoute: () => project,
  path: 'flags',
  validateSearch: (search): FlagFilters & { create?: boolean } => {
    const type = VALUE_TYPES.find((known) => known === search['type']);
    const filters: FlagFilters & { create?: boolean } = {
      search: text(search['search']), tag: text(search['tag']), owner: text(search['owner']), type,
      enabledIn: text(search['enabledIn']), disabledIn: text(search['disabledIn']), sort: text(search['sort']),
    };
    if (search['expired'] === true) filters.expired = true;
    if (search['archived'] === true) filters.archived = true;
    if (search['create'] === true) filters.create = true;
    return filters;
  },
  component: lazyRouteComponent(() => import('./pages/flags/FlagsPage.tsx'), 'FlagsPage'),
});

const FLAG_TABS = ['history', 'details'] as const;
type FlagTab = (typeof FLAG_TABS)[number];

const flag = createRoute({
  getParentRoute: () => project,
  path: 'flags/$flag',
  validateSearch: (search): { env?: string; tab?: FlagTab } => {
    const env = text(search['env']);
    const tab = FLAG_TABS.find((known) => known === search['tab']);
    return { ...(env ? { env } : {}), ...(tab ? { tab } : {}) };
  },
  component: lazyRouteComponent(() => import('./pages/flag/FlagPage.tsx'), 'FlagPage'),
});

const number = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);

const segments = createRoute({
  getParentRoute: () => project,
  path: 'segments',
  component: lazyRouteComponent(() => import('./pages/segments/SegmentsPage.tsx'), 'SegmentsPage'),
});

const segment = createRoute({
  getParentRoute: () => project,
  path: 'segments/$segment',
  component: lazyRouteComponent(() => import('./pages/segments/SegmentPage.tsx'), 'SegmentPage'),
});

const attributes = createRoute({
  getParentRoute: () => project,
  path: 'attributes',
  component: lazyRouteComponent(() => import('./pages/attributes/AttributesPage.tsx'), 'AttributesPage'),
});

const layers = createRoute({
  getParentRoute: () => project,
  path: 'layers',
  component: lazyRouteComponent(() => import('./pages/layers/LayersPage.tsx'), 'LayersPage'),
});

const environments = createRoute({
  getParentRoute: () => project,
  path: 'environments',
  component: lazyRouteComponent(() => import('./pages/environments/EnvironmentsPage.tsx'), 'EnvironmentsPage'),
});

const compare = createRoute({
  getParentRoute: () => project,
  path: 'compare',
  validateSearch: (search): { from?: string | undefined; to?: string | undefined } => ({ from: text(search['from']), to: text(search['to']) }),
  component: lazyRouteComponent(() => import('./pages/compare/ComparePage.tsx'), 'ComparePage'),
});

const keys = createRoute({
  getParentRoute: () => project,
  path: 'keys',
  validateSearch: (search): { env?: string | undefined } => ({ env: text(search['env']) }),
  component: lazyRouteComponent(() => import('./pages/keys/KeysPage.tsx'), 'KeysPage'),
});

const delivery = createRoute({
  getParentRoute: () => project,
  path: 'delivery',
  component: lazyRouteComponent(() => import('./pages/delivery/DeliveryPage.tsx'), 'DeliveryPage'),
});

const audit = createRoute({
  getParentRoute: () => project,
  path: 'audit',
  validateSearch: (search): AuditFilters => ({
    search: text(search['search']), author: text(search['author']), action: text(search['action']), target: text(search['target']),
    environment: text(search['environment']), from: number(search['from']), to: number(search['to']),
  }),
  component: lazyRouteComponent(() => import('./pages/audit/AuditPage.tsx'), 'AuditPage'),
});

const past = createRoute({
  getParentRoute: () => project,
  path: 'past',
  validateSearch: (search): { env?: string | undefined; at?: number | undefined } => ({ env: text(search['env']), at: number(search['at']) }),
  component: lazyRouteComponent(() => import('./pages/past/PastPage.tsx'), 'PastPage'),
});

const members = createRoute({
  getParentRoute: () => project,
  path: 'members',
  component: lazyRouteComponent(() => import('./pages/members/MembersPage.tsx'), 'MembersPage'),
});

const tokens = createRoute({
  getParentRoute: () => project,
  path: 'tokens',
  component: lazyRouteComponent(() => import('./pages/tokens/TokensPage.tsx'), 'TokensPage'),
});

const webhooks = createRoute({
  getParentRoute: () => project,
  path: 'webhooks',
  component: lazyRouteComponent(() => import('./pages/webhooks/WebhooksPage.tsx'), 'WebhooksPage'),
});

const start = createRoute({
  getParentRoute: () => project,
  path: 'start',
  component: lazyRouteComponent(() => import('./pages/start/StartPage.tsx'), 'StartPage'),
});

const newProject = createRoute({
  getParentRoute: () => inside,
  path: '/new-project',
  component: lazyRouteComponent(() => import('./pages/start/NewProjectPage.tsx'), 'NewProjectPage'),
});

const preview = createRoute({
  getParentRoute: () => project,
  path: 'preview',
  validateSearch: (search): { env?: string | undefined } => ({ env: text(search['env']) }),
  component: lazyRouteComponent(() => import('./pages/preview/PreviewPage.tsx'), 'PreviewPage'),
});

const account = createRoute({
  getParentRoute: () => project,
  path: 'account',
  component: lazyRouteComponent(() => import('./pages/account/AccountPage.tsx'), 'AccountPage'),
});

const ofProject = [projectHome, start, flags, preview, flag, segments, segment, attributes, layers, environments, compare, keys, delivery, audit, past, members, tokens, webhooks, account];
const tree = root.addChildren([signIn, setUp, invitation, inside.addChildren([home, newProject, project.addChildren(ofProject)])]);

export const router = createRouter({
  routeTree: tree,
  defaultPreload: 'intent',
  defaultPendingComponent: () => <Loading what="the page" />,
  // Within a project's frame, whose page it is.
  defaultNotFoundComponent: NotFound,
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} retry={reset} />,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
