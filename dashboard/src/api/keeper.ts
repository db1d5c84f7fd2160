// The one cache of what was read.
import { MutationCache, QueryCache, QueryClient, queryOptions } from '@tanstack/react-query';

import { Problem } from './problem.ts';
import { meQuery } from './queries.ts';

/** Whether asking again can help: not when the server has answered that it will not. */
function again(failures: number, error: unknown): boolean {
  const refused = error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429;
  return !refused && failures < 2;
}

/** Whether the session of whoever is on the page has ended: they are asked for the password over what they were doing. */
export const sessionEnded = queryOptions({ queryKey: ['session-ended'], queryFn: () => false, staleTime: Number.POSITIVE_INFINITY, gcTime: Number.POSITIVE_INFINITY });

function onError(error: unknown): void {
  if (error instanceof Problem && error.status === 401 && keeper.getQueryData(meQuery.queryKey)) keeper.setQueryData(sessionEnded.queryKey, true);
}

export const keeper: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: { retry: again, staleTime: 5_000 },
    // A change that cannot be sent now fails now: one that went out by itself later would surprise.
    mutations: { networkMode: 'always' },
  },
});
