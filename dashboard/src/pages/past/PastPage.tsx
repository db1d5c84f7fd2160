import '../../history/history.css';

import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';

import { client, data } from '../../api/client.ts';
import { environmentsQuery } from '../../api/queries.ts';
import type { Environment } from '../../api/types.ts';
import type { components } from '../../generated/schema.ts';
import { rulePieces, servePieces } from '../../flag/sentence.ts';
import { Empty, Loaded } from '../../ui/Loaded.tsx';
import { fromLocal, toLocal } from '../../ui/local.ts';
import { exactly } from '../../ui/time.tsx';
import { Sentence } from '../flag/Sentence.tsx';

type PastFlag = components['schemas']['Flag'];

const AGO: [string, number][] = [['1 hour ago', 3_600_000], ['1 day ago', 86_400_000], ['1 week ago', 604_800_000]];

/** The project as it was at a time: what every flag did then. */
export function PastPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const environments = useQuery(environmentsQuery(project));
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Back in time</h1><p>What every flag did at any moment.</p></div></div>
      <Loaded query={environments} what="the environments">
        {(all) => (all[0] ? <Past project={project} environments={all} first={all[0]} /> : <Empty title="No environment yet" />)}
      </Loaded>
    </>
  );
}

function Past({ project, environments, first }: { project: string; environments: Environment[]; first: Environment }) {
  const search = useSearch({ from: '/inside/projects/$project/past' });
  const navigate = useNavigate();
  const environment = environments.find(({ key }) => key === search.env) ?? first;
  const go = (change: { env?: string; at?: number | undefined }) => void navigate({ to: '/projects/$project/past', params: { project }, search: { ...search, ...change }, replace: true });
  const past = useQuery({
    queryKey: ['project', project, 'past', environment.key, search.at],
    queryFn: () => data(client.GET('/admin/projects/{project}/environments/{environment}/config', { params: { path: { project, environment: environment.key }, query: { at: search.at ?? 0 } } })),
    enabled: search.at !== undefined,
  });
  return (
    <div className="stack">
      <div className="row">
        <select className="input" aria-label="Environment" value={environment.key} onChange={(event) => go({ env: event.target.value })}>{environments.map(({ key, name }) => <option key={key} value={key}>{name}</option>)}</select>
        <input type="datetime-local" className="input past-at" aria-label="When" value={search.at === undefined ? '' : toLocal(search.at)} onChange={(event) => go({ at: fromLocal(event.target.value) })} />
        {AGO.map(([label, before]) => <button key={label} type="button" className="button" onClick={() => go({ at: Date.now() - before })}>{label}</button>)}
      </div>
      {search.at === undefined ? <Empty title="Choose a moment">Or open a change in the audit log: from there the whole project is one click away as it was then.</Empty> : (
        <Loaded query={past} what="the project as it was">
          {({ flags = {} }) => <PastFlags project={project} flags={flags} environment={environment.key} at={search.at ?? 0} />}
        </Loaded>
      )}
    </div>
  );
}

/** Flags that are shown at first, and with each further press. */
const SHOWN = 200;

function PastFlags({ project, flags, environment, at }: { project: string; flags: Record<string, PastFlag>; environment: string; at: number }) {
  const [text, setText] = useState('');
  const [most, setMost] = useState(SHOWN);
  const found = Object.entries(flags).filter(([key]) => key.toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <section className="stack" aria-label="As it was">
      <input type="search" className="input" aria-label="Search flags" placeholder="Search flags" value={text} onChange={(event) => setText(event.target.value)} />
      <p className="soft" role="status">{found.length} {found.length === 1 ? 'flag' : 'flags'} on {exactly(at)}</p>
      <ul className="stack-small">{found.slice(0, most).map(([key, flag]) => <PastFlagRow key={key} project={project} name={key} flag={flag} environment={environment} at={at} />)}</ul>
      {found.length > most ? <div><button type="button" className="button" onClick={() => setMost(most + SHOWN)}>More: {(found.length - most).toLocaleString('en')} are left</button></div> : null}
    </section>
  );
}

function PastFlagRow({ project, name, flag, environment, at }: { project: string; name: string; flag: PastFlag; environment: string; at: number }) {
  return (
    <li className="card stack-small">
      <div className="row">
        <Link to="/projects/$project/flags/$flag" params={{ project, flag: name }} search={{ env: environment, tab: 'history' }} className="given grow"><strong>{name}</strong></Link>
        {flag.enabled ? <span className="tag on">on</span> : <span className="tag">off</span>}
      </div>
      {flag.enabled ? (
        <ul className="stack-small small">
          {(flag.rules ?? []).map((rule) => <li key={rule.id}><Sentence pieces={rulePieces(rule, at)} /></li>)}
          <li><Sentence pieces={[{ kind: 'word', text: flag.rules?.length ? 'everybody else gets' : 'everybody gets' }, ...servePieces(flag.fallthrough, at)]} /></li>
        </ul>
      ) : null}
    </li>
  );
}
