// What is read, under the names by which it is kept and thrown away: everything of a project begins with ['project', key].
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';

import { client, data } from './client.ts';
import { Problem } from './problem.ts';
import type { Me, ValueType } from './types.ts';

/** Items of one page of a long list. */
const PAGE = 200;
/** Of lists that are read at once: the server's most. */
const WHOLE = 1000;

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async (): Promise<Me | null> => {
    try {
      return await data(client.GET('/auth/me'));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
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
      data(client.GET('/admin/projects/{project}/segments', { params: { path: { project }, query: { limit: WHOLE } } })),
  });

export const attributesQuery = (project: string) =>
  queryOptions({
    queryKey: ['project', project, 'attributes'],
    queryFn: () =>
      data(client.GET('/admin/projects/{project}/attributes', { params: { path: { project }, query: { limit: WHOLE } } })),
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
  queryOptions({
    queryKey: ['project', project, 'members'],
    queryFn: () => data(client.GET('/admin/projects/{project}/members', { params: { path: { project }, query: { limit: PAGE } } })),
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
      data(client.GET('/admin/projects/{project}/holdouts', { params: { path: { project }, query: { limit: WHOLE } } })),
    staleTime: 30_000,
  });

export const deliveryQuery = (project: string, environment: string) =>
  queryOptions({
    queryKey: ['project', project, 'delivery', environment],
    queryFn: () => data(client.GET('/admin/projects/{project}/environments/{environment}/delivery', { params: { path: { project, environment } } })),
  });
