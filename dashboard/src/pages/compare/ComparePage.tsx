import '../../history/history.css';
import './compare.css';

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { client, data } from '../../api/client.ts';
import { sentence } from '../../api/problem.ts';
import { environmentsQuery } from '../../api/queries.ts';
import type { Environment, FlagDifference } from '../../api/types.ts';
import { Differences } from '../../history/Differences.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { Empty, Failed, Loaded, Loading } from '../../ui/Loaded.tsx';
import { More } from '../../ui/More.tsx';
import { useToasts } from '../../ui/toasts.tsx';

/** Which flags do something else in another environment, and how they are copied there. */
export function ComparePage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const environments = useQuery(environmentsQuery(project));
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Compare environments</h1><p>Flags that do something else in one than in the other.</p></div></div>
      <Loaded query={environments} what="the environments">
        {(all) => (all.length < 2 ? <Empty title="One environment has nothing to compare with" /> : <Compare project={project} environments={all} />)}
      </Loaded>
    </>
  );
}

function Compare({ project, environments }: { project: string; environments: Environment[] }) {
  const search = useSearch({ from: '/inside/projects/$project/compare' });
  const navigate = useNavigate();
  const access = useAccess(project);
  const from = environments.find(({ key }) => key === search.from) ?? (environments[0] as Environment);
  const to = environments.find(({ key }) => key === search.to && key !== from.key) ?? (environments.find(({ key }) => key !== from.key) as Environment);
  const [chosen, setChosen] = useState<string[]>([]);
  const [copying, setCopying] = useState(false);
  const list = useInfiniteQuery({
    queryKey: ['project', project, 'compare', from.key, to.key],
    queryFn: ({ pageParam, signal }) => {
      const query = { with: from.key, ...(pageParam === '' ? {} : { cursor: pageParam }) };
      return data(client.GET('/admin/projects/{project}/environments/{environment}/compare', { params: { path: { project, environment: to.key }, query }, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const differing = list.data?.pages.flatMap((page) => page.items) ?? [];
  const go = (next: { from: string; to: string }) => {
    setChosen([]);
    void navigate({ to: '/projects/$project/compare', params: { project }, search: next, replace: true });
  };
  const select = (label: string, value: string, change: (key: string) => void) => (
    <label className="row-fixed small soft">
      {label}
      <select className="input" value={value} onChange={(event) => change(event.target.value)}>{environments.map(({ key, name }) => <option key={key} value={key}>{name}</option>)}</select>
    </label>
  );
  const toggle = (flag: string) => setChosen((all) => (all.includes(flag) ? all.filter((one) => one !== flag) : [...all, flag]));
  return (
    <div className="stack">
      <div className="row">
        {select('From', from.key, (key) => go({ from: key, to: key === to.key ? from.key : to.key }))}
        {select('to', to.key, (key) => go({ from: key === from.key ? to.key : from.key, to: key }))}
        <button type="button" className="button quiet" onClick={() => go({ from: to.key, to: from.key })}>Swap</button>
        <span className="grow" />
        {access.change(to) && differing.length > 0 ? (
          <button type="button" className="button primary" onClick={() => setCopying(true)}>{chosen.length > 0 ? `Copy ${chosen.length} to ${to.name}` : `Copy all to ${to.name}`}</button>
        ) : null}
      </div>
      {list.isPending ? <Loading what="the differences" /> : null}
      {list.isError ? <Failed error={list.error} retry={() => void list.refetch()} /> : null}
      {list.data && differing.length === 0 ? <Empty title="They do the same">Every flag does in {to.name} what it does in {from.name}.</Empty> : null}
      <ul className="stack-small">
        {differing.map(({ flag, differences }) => (
          <li key={flag} className="card stack-small">
            <div className="row">
              {access.change(to) ? <input type="checkbox" className="compare-check" aria-label={`Copy ${flag}`} checked={chosen.includes(flag)} onChange={() => toggle(flag)} /> : null}
              <Link to="/projects/$project/flags/$flag" params={{ project, flag }} search={{ env: to.key }} className="given grow"><strong>{flag}</strong></Link>
              <span className="small soft">{differences.length} {differences.length === 1 ? 'difference' : 'differences'}</span>
            </div>
            <details><summary className="small">What copying would change in {to.name}</summary><Differences differences={differences} /></details>
          </li>
        ))}
      </ul>
      <More list={list} />
      {copying ? <CopyDialog project={project} from={from} to={to} flags={chosen.length > 0 ? chosen : null} onClose={() => setCopying(false)} onDone={() => { setCopying(false); setChosen([]); }} /> : null}
    </div>
  );
}

interface CopyProps {
  project: string;
  from: Environment;
  to: Environment;
  flags: string[] | null;
  onClose: () => void;
  onDone: () => void;
}

/** Shows what a copy would do, and does exactly that. */
function CopyDialog({ project, from, to, flags, onClose, onDone }: CopyProps) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const [comment, setComment] = useState('');
  const path = { project, environment: to.key };
  const preview = useQuery({
    queryKey: ['project', project, 'copy', from.key, to.key, flags],
    queryFn: () => data(client.POST('/admin/projects/{project}/environments/{environment}/copy', { params: { path, query: { dryRun: true } }, body: { from: from.key, flags } })),
    staleTime: 0,
    gcTime: 0,
  });
  const copy = useMutation({
    mutationFn: (expected: string) => data(client.POST('/admin/projects/{project}/environments/{environment}/copy', { params: { path }, body: { from: from.key, flags, expected, comment: comment.trim() || null } })),
    onSuccess: ({ changes }) => {
      toasts.say(`${changes.length} ${changes.length === 1 ? 'flag' : 'flags'} copied to ${to.name}`);
      void queries.invalidateQueries({ queryKey: ['project', project] });
      onDone();
    },
  });
  const changes: FlagDifference[] = preview.data?.changes ?? [];
  return (
    <Dialog
      wide title={`Copy from ${from.name} to ${to.name}`} onClose={onClose} onSubmit={() => preview.data && copy.mutate(preview.data.preview)}
      action={`Copy to ${to.name}`} disabled={!preview.data || changes.length === 0 || copy.isPending}
    >
      <Loaded query={preview} what="what would change">
        {() => (
          <>
            <p>{changes.length} {changes.length === 1 ? 'flag changes' : 'flags change'} in {to.name}{to.protected ? ', which is protected' : ''}. Everybody keeps the bucket that {from.name} gives them.</p>
            <ul className="stack-small">{changes.map(({ flag, differences }) => <li key={flag} className="stack-small"><h3 className="given">{flag}</h3><Differences differences={differences} /></li>)}</ul>
          </>
        )}
      </Loaded>
      <Field label="Why (optional)">{(wired) => <input {...wired} className="input" maxLength={1000} value={comment} onChange={(event) => setComment(event.target.value)} />}</Field>
      {copy.isError ? <p className="notice bad" role="alert">{sentence(copy.error)}</p> : null}
    </Dialog>
  );
}
