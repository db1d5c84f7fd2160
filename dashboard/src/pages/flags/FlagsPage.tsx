import './flags.css';

import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useDeferredValue } from 'react';

import { useAccess } from '../../access.ts';
import { environmentsQuery, flagsQuery } from '../../api/queries.ts';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Failed, Loading } from '../../ui/Loaded.tsx';
import { Filters } from './Filters.tsx';
import { FlagTable } from './FlagTable.tsx';
import { matching } from './matching.ts';
import { NewFlagDialog } from './NewFlagDialog.tsx';

export function FlagsPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const { create, ...filters } = useSearch({ from: '/inside/projects/$project/flags' });
  const navigate = useNavigate({ from: '/projects/$project/flags' });
  const access = useAccess(project);
  const environments = useQuery(environmentsQuery(project));
  const list = useInfiniteQuery(flagsQuery(project, filters));
  const open = (wanted: boolean) => void navigate({ search: (before) => ({ ...before, create: wanted || undefined }), replace: true });

  const pages = list.data?.pages ?? [];
  const loaded = pages.flatMap((page) => page.items);
  // What is there already is narrowed at once; the server's answer replaces it when it comes.
  const shown = useDeferredValue(list.isPlaceholderData ? matching(loaded, filters.search) : loaded);
  const total = list.isPlaceholderData ? undefined : (pages[0]?.total ?? undefined);
  const narrowed = Object.entries(filters).some(([name, value]) => name !== 'sort' && value !== undefined);

  return (
    <>
      <div className="page-head">
        <div className="grow"><h1>Flags</h1></div>
        {access.edit ? (
          <button type="button" className="button primary" onClick={() => open(true)}><Icon name="plus" size={16} />New flag</button>
        ) : null}
      </div>
      <Filters project={project} filters={filters} environments={environments.data ?? []} />
      <p className="soft small flags-count" role="status">
        {total === undefined ? ' ' : `${total.toLocaleString('en')} ${total === 1 ? 'flag' : 'flags'}${narrowed ? ' found' : ''}`}
      </p>
      {list.isError && loaded.length === 0 ? <Failed error={list.error} retry={() => void list.refetch()} /> : null}
      {list.isPending || environments.isPending ? <Loading what="flags" lines={8} /> : null}
      {list.data && environments.data && shown.length > 0 ? (
        <FlagTable
          project={project} flags={shown} environments={environments.data} total={total ?? shown.length}
          more={list.hasNextPage && !list.isFetchingNextPage && !list.isPlaceholderData ? () => void list.fetchNextPage() : undefined}
        />
      ) : null}
      {list.data && loaded.length === 0 && !list.isPlaceholderData ? (
        narrowed ? (
          <Empty title="No flag matches" action={<button type="button" className="button" onClick={() => void navigate({ search: {}, replace: true })}>Clear the filters</button>}>
            Other words or fewer filters may find it. Archived flags have a filter of their own.
          </Empty>
        ) : (
          <Empty title="No flag yet" action={access.edit ? <Link to="/projects/$project/start" params={{ project }} className="button primary">Make the first flag, and watch it flip</Link> : undefined}>
            A flag decides who sees what, in every environment by itself, without a deployment.
          </Empty>
        )
      ) : null}
      {create && access.edit ? <NewFlagDialog project={project} onClose={() => open(false)} /> : null}
    </>
  );
}
