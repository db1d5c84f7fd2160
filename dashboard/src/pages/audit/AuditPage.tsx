import '../../history/history.css';
import './audit.css';

import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';

import { client, data } from '../../api/client.ts';
import { environmentsQuery } from '../../api/queries.ts';
import type { AuditEntry, Environment } from '../../api/types.ts';
import { ACTIONS, deed, who } from '../../history/words.ts';
import { Differences } from '../../history/Differences.tsx';
import { Foldable } from '../../ui/Foldable.tsx';
import { fromLocal, toLocal } from '../../ui/local.ts';
import { Empty, Failed, Loaded, Loading } from '../../ui/Loaded.tsx';
import { More } from '../../ui/More.tsx';
import { Time } from '../../ui/time.tsx';

export interface AuditFilters {
  search?: string | undefined;
  author?: string | undefined;
  action?: string | undefined;
  target?: string | undefined;
  environment?: string | undefined;
  from?: number | undefined;
  to?: number | undefined;
}

const PAGE = 50;

/** Who did what and when, in words. */
export function AuditPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const filters = useSearch({ from: '/inside/projects/$project/audit' });
  const environments = useQuery(environmentsQuery(project));
  const list = useInfiniteQuery({
    queryKey: ['project', project, 'audit', filters],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...filters, limit: PAGE, ...(pageParam === '' ? {} : { cursor: pageParam }) };
      return data(client.GET('/admin/projects/{project}/audit', { params: { path: { project }, query }, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const entries = list.data?.pages.flatMap((page) => page.items) ?? [];
  const named = (id: string | null | undefined) => environments.data?.find((environment) => environment.id === id);
  return (
    <>
      <div className="page-head">
        <div className="grow"><h1>Audit log</h1><p>Who did what, when and why. Entries are chained: none can be taken out unseen.</p></div>
        <a className="button" href={`/admin/projects/${encodeURIComponent(project)}/audit/export?format=csv`} download>Export</a>
      </div>
      <AuditFilter project={project} filters={filters} environments={(environments.data ?? []).map(({ key, name }) => ({ key, name }))} />
      {list.isPending ? <Loading what="the audit log" /> : null}
      {list.isError ? <Failed error={list.error} retry={() => void list.refetch()} /> : null}
      {list.data && entries.length === 0 ? <Empty title="Nothing fits">Fewer filters may show more.</Empty> : null}
      <ol className="card flush audit">
        {entries.map((entry) => <Entry key={entry.sequence} project={project} entry={entry} environment={named(entry.environmentId)} />)}
      </ol>
      <More list={list} label="Older" />
    </>
  );
}

function Entry({ project, entry, environment }: { project: string; entry: AuditEntry; environment: Environment | undefined }) {
  const [open, setOpen] = useState(false);
  return (
    <li className="audit-entry">
      <div className="row">
        <p className="grow given"><strong>{who(entry.author)}</strong> {deed(entry, environment?.name)}</p>
        <span className="small soft"><Time at={entry.at} /></span>
        <button type="button" className="button quiet" aria-expanded={open} onClick={() => setOpen(!open)}>Details<span className="only-read"> of change {entry.sequence}</span></button>
      </div>
      {entry.comment ? <p className="history-comment given">{entry.comment}</p> : null}
      {open ? <Change project={project} entry={entry} environment={environment?.key} /> : null}
    </li>
  );
}

function Change({ project, entry, environment }: { project: string; entry: AuditEntry; environment: string | undefined }) {
  const change = useQuery({
    queryKey: ['project', project, 'change', entry.sequence],
    queryFn: () => data(client.GET('/admin/projects/{project}/changes/{version}', { params: { path: { project, version: entry.sequence } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <div className="stack-small">
      <Loaded query={change} what="the change">
        {({ objects }) => (
          <>
            {objects.map((object) => (
              <section key={`${object.kind} ${object.environment ?? ''} ${object.key}`} className="stack-small">
                <h3 className="small given">{object.kind.replaceAll('-', ' ')} {object.key}{object.environment ? ` in ${object.environment}` : ''}</h3>
                <Differences differences={object.differences} />
              </section>
            ))}
            {objects.length === 0 ? <p className="small soft">No flag, segment or attribute was touched.</p> : null}
          </>
        )}
      </Loaded>
      <p className="small soft given">Change {entry.sequence}{entry.origin ? `, from ${entry.origin}` : ''} · <code>{entry.hash.slice(0, 16)}</code> · <Link to="/projects/$project/past" params={{ project }} search={{ env: environment, at: entry.at }}>The project as it was then</Link></p>
    </div>
  );
}

function AuditFilter({ project, filters, environments }: { project: string; filters: AuditFilters; environments: { key: string; name: string }[] }) {
  const navigate = useNavigate();
  const narrow = (change: AuditFilters) => void navigate({ to: '/projects/$project/audit', params: { project }, search: { ...filters, ...change }, replace: true });
  const text = (field: 'search' | 'author' | 'target', label: string) => (
    <input className="input" aria-label={label} placeholder={label} defaultValue={filters[field] ?? ''} key={`${field} ${filters[field] ?? ''}`} onBlur={(event) => event.target.value !== (filters[field] ?? '') && narrow({ [field]: event.target.value || undefined })} onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()} />
  );
  const when = (field: 'from' | 'to', label: string) => (
    <label className="row-fixed small soft">{label}<input type="datetime-local" className="input" value={filters[field] === undefined ? '' : toLocal(filters[field])} onChange={(event) => narrow({ [field]: fromLocal(event.target.value) })} /></label>
  );
  return (
    <search className="audit-filters">
      {text('search', 'Any words')}
      <Foldable label="Filters" count={Object.entries(filters).filter(([name, value]) => name !== 'search' && value !== undefined).length}>
        {text('author', 'By whom: user:ada@example.com')}
        {text('target', 'Key of what was changed')}
        <select className="input" aria-label="What was done" value={filters.action ?? ''} onChange={(event) => narrow({ action: event.target.value || undefined })}>
          <option value="">Did anything</option>
          {ACTIONS.map(([action, words]) => <option key={action} value={action}>{words}</option>)}
        </select>
        <select className="input" aria-label="Environment" value={filters.environment ?? ''} onChange={(event) => narrow({ environment: event.target.value || undefined })}>
          <option value="">Anywhere</option>
          {environments.map(({ key, name }) => <option key={key} value={key}>in {name}</option>)}
        </select>
        {when('from', 'From')}
        {when('to', 'to')}
      </Foldable>
    </search>
  );
}
