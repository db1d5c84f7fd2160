// What is read, under the names by which it is kept and thrown away: everything of a project begins with ['project', key].
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';

import { client, data } from './client.ts';
import { everything } from './everything.ts';
import { Problem } from './problem.ts';
import type { Me, ValueType } from './types.ts';

/** Items of one page of a long list. */
const PAGE = 200;
/** Members of one page. */
const MEMBERS = 100;
/** Of a list that is read whole, the server's most: fewer questions. */
const LARGEST = 1_000;

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ client: keeper }): Promise<Me | null> => {
    try {
      return await data(client.GET('/auth/me'));
    } catch (error) {
      // Whoever was signed in is asked for the password where they are (keeper.ts); who never was is led to the sign-in.
      if (error instanceof Problem && error.status === 401 && !keeper.getQueryData(['me'])) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

export const setUpQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: () => data(client.GET('/auth/setup')),
});

export const projectsQuery = queryOptions({
  queryKey: ['projects'],
  queryFn: () => data(client.GET('/admin/projects')),
});

export const environmentsQuery = (project: string) =>
  queryOptions({
    queryKey: ['project', project, 'environments'],
    queryFn: async () => {
      const page = await data(client.GET('/admin/projects/{project}/environments', { params: { path: { project } } }));
      return page.items.toSorted((a, b) => a.position - b.position);
    },
    staleTime: 30_000,
  });

export interface FlagFilters {
  search?: string | undefined;
  tag?: string | undefined;
  owner?: string | undefined;
  type?: ValueType | undefined;
  enabledIn?: string | undefined;
  disabledIn?: string | undefined;
  expired?: boolean | undefined;
  archived?: boolean | undefined;
  sort?: string | undefined;
}

export const flagsQuery = (project: string, filters: FlagFilters, limit = PAGE) =>
  infiniteQueryOptions({
    queryKey: ['project', project, 'flags', filters, limit],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...filters, limit, ...(pageParam === '' ? {} : { cursor: pageParam }) };
      return data(client.GET('/admin/projects/{project}/flags', { params: { path: { project }, query }, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });

export const flagQuery = (project: string, flag: string) =>
  queryOptions({
    queryKey: ['project', project, 'flag', flag],
    queryFn: () => data(client.GET('/admin/projects/{project}/flags/{flag}', { params: { path: { project, flag } } })),
  });

export const configurationQuery = (project: string, environment: string, flag: string) =>
  queryOptions({
    queryKey: ['project', project, 'flag', flag, 'in', environment],
    queryFn: () =>
      data(
        client.GET('/admin/projects/{project}/environments/{environment}/flags/{flag}', {
          params: { path: { project, environment, flag } },
        }),
      ),
  });

export const segmentsQuery = (project: string) =>
  queryOptions({
    queryKey: ['project', project, 'segments'],
    queryFn: () =>
      everything((cursor) => data(client.GET('/admin/projects/{project}/segments', { params: { path: { project }, query: { limit: LARGEST, cursor } } }))),
  });

export const attributesQuery = (project: string) =>
  queryOptions({
    queryKey: ['project', project, 'attributes'],
    queryFn: () =>
      everything((cursor) => data(client.GET('/admin/projects/{project}/attributes', { params: { path: { project }, query: { limit: LARGEST, cursor } } }))),
    staleTime: 30_000,
  });

export const segmentQuery = (project: string, segment: string) =>
  queryOptions({
    queryKey: ['project', project, 'segment', segment],
    queryFn: () => data(client.GET('/admin/projects/{project}/segments/{segment}', { params: { path: { project, segment } } })),
  });

export const sdkKeysQuery = (project: string, environment: string) =>
  queryOptions({
    queryKey: ['project', project, 'keys', environment],
    queryFn: () => data(client.GET('/admin/projects/{project}/environments/{environment}/sdk-keys', { params: { path: { project, environment } } })),
  });

export const membersQuery = (project: string) =>
  infiniteQueryOptions({
    queryKey: ['project', project, 'members'],
    queryFn: ({ pageParam, signal }) =>
      data(client.GET('/admin/projects/{project}/members', { params: { path: { project }, query: { limit: MEMBERS, ...(pageParam === '' ? {} : { cursor: pageParam }) } }, signal })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const tokensQuery = (project: string) =>
  queryOptions({
    queryKey: ['project', project, 'tokens'],
    queryFn: () => data(client.GET('/admin/projects/{project}/tokens', { params: { path: { project } } })),
  });

export const webhooksQuery = (project: string) =>
  queryOptions({
    queryKey: ['project', project, 'webhooks'],
    queryFn: () => data(client.GET('/admin/projects/{project}/webhooks', { params: { path: { project } } })),
  });

export const holdoutsQuery = (project: string) =>
  queryOptions({
    queryKey: ['project', project, 'holdouts'],
    queryFn: () =>
      everything((cursor) => data(client.GET('/admin/projects/{project}/holdouts', { params: { path: { project }, query: { limit: LARGEST, cursor } } }))),
    staleTime: 30_000,
  });

export const layersQuery = (project: string) =>
  queryOptions({
    queryKey: ['project', project, 'layers'],
    queryFn: () =>
      everything((cursor) => data(client.GET('/admin/projects/{project}/layers', { params: { path: { project }, query: { limit: LARGEST, cursor } } }))),
    staleTime: 30_000,
  });

/** The rules that take slots of a layer. */
export const layerUsesQuery = (project: string, layer: string) =>
  queryOptions({
    queryKey: ['project', project, 'layers', layer, 'uses'],
    queryFn: () => data(client.GET('/admin/projects/{project}/layers/{layer}/uses', { params: { path: { project, layer } } })),
  });

/** The flags with a holdout. */
export const holdoutUsesQuery = (project: string, holdout: string) =>
  queryOptions({
    queryKey: ['project', project, 'holdouts', holdout, 'uses'],
    queryFn: () => data(client.GET('/admin/projects/{project}/holdouts/{holdout}/uses', { params: { path: { project, holdout } } })),
  });

export const deliveryQuery = (project: string, environment: string) =>
  queryOptions({
    queryKey: ['project', project, 'delivery', environment],
    queryFn: () => data(client.GET('/admin/projects/{project}/environments/{environment}/delivery', { params: { path: { project, environment } } })),
  });
