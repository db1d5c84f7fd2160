import '../../preview/preview.css';

import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';

import { sentence } from '../../api/problem.ts';
import { environmentsQuery } from '../../api/queries.ts';
import type { Environment } from '../../api/types.ts';
import type { Draft, EvaluationContext, Outcome } from '../../evaluator/draft.ts';
import { ContextEditor } from '../../preview/ContextEditor.tsx';
import { readContext, savedContexts } from '../../preview/contexts.ts';
import { Served } from '../../preview/Served.tsx';
import { Trace } from '../../preview/Trace.tsx';
import { useCompiled } from '../../preview/useCompiled.ts';
import { Empty, Failed, Loaded, Loading } from '../../ui/Loaded.tsx';
import { useKnown } from '../flag/Targeting.tsx';

/** Flags that are shown; a search finds the others. */
const SHOWN = 200;

/** What every flag serves to somebody. */
export function PreviewPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const { env } = useSearch({ from: '/inside/projects/$project/preview' });
  const navigate = useNavigate();
  const environments = useQuery(environmentsQuery(project));
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Preview</h1><p>What every flag serves to somebody, and why: evaluated in this page.</p></div></div>
      <Loaded query={environments} what="the environments">
        {(all) => {
          const environment = all.find(({ key }) => key === env) ?? all.at(-1);
          if (!environment) return <Empty title="No environment yet" />;
          return (
            <div className="stack">
              <label className="row small soft">
                In
                <select className="input" value={environment.key} onChange={(event) => void navigate({ to: '/projects/$project/preview', params: { project }, search: { env: event.target.value }, replace: true })}>
                  {all.map(({ key, name }) => <option key={key} value={key}>{name}</option>)}
                </select>
              </label>
              <InEnvironment key={environment.key} project={project} environment={environment} />
            </div>
          );
        }}
      </Loaded>
    </>
  );
}

const NONE = {};

function InEnvironment({ project, environment }: { project: string; environment: Environment }) {
  const known = useKnown(project);
  const [text, setText] = useState('targetingKey = user-1');
  const [saved, setSaved] = useState(() => savedContexts(project));
  const { compiled, error } = useCompiled(project, environment.key, NONE, environment.revision);
  const read = readContext(text, known.attributes);
  return (
    <div className="preview-page">
      <div className="card"><ContextEditor project={project} text={text} types={known.attributes} saved={saved} onChange={setText} onSaved={setSaved} /></div>
      <div className="stack-small">
        {error && !compiled ? <Failed error={error} /> : null}
        {compiled?.problem ? <p className="notice bad given">{compiled.problem}</p> : null}
        {!compiled && !error ? <Loading what="the flags" lines={8} /> : null}
        {compiled?.draft && 'context' in read ? <All project={project} environment={environment.key} draft={compiled.draft} context={read.context} /> : null}
      </div>
    </div>
  );
}

interface AllProps {
  project: string;
  environment: string;
  draft: Draft;
  context: EvaluationContext;
}

function All({ project, environment, draft, context }: AllProps) {
  const [search, setSearch] = useState('');
  let outcomes: Map<string, Outcome>;
  try {
    outcomes = draft.evaluateAll(context);
  } catch (error) {
    return <p className="notice bad given" role="alert">{sentence(error)}</p>;
  }
  const wanted = search.trim().toLowerCase();
  const found = [...outcomes].filter(([key]) => key.toLowerCase().includes(wanted));
  if (outcomes.size === 0) return <Empty title="No flag yet" />;
  return (
    <>
      <input type="search" className="input" aria-label="Search flags" placeholder="Search flags" value={search} onChange={(event) => setSearch(event.target.value)} />
      <p className="small soft" role="status">{found.length} {found.length === 1 ? 'flag' : 'flags'}{found.length > SHOWN ? `, of which ${SHOWN} are shown: search for the others` : ''}</p>
      <ul className="card flush">
        {found.slice(0, SHOWN).map(([key, outcome]) => <Row key={key} project={project} environment={environment} name={key} outcome={outcome} explain={() => draft.explain(key, context)} />)}
      </ul>
    </>
  );
}

interface RowProps {
  project: string;
  environment: string;
  name: string;
  outcome: Outcome;
  explain: () => ReturnType<Draft['explain']>;
}

function Row({ project, environment, name, outcome, explain }: RowProps) {
  const [open, setOpen] = useState(false);
  return (
    <li className="preview-flag">
      <div className="row">
        <Link to="/projects/$project/flags/$flag" params={{ project, flag: name }} search={{ env: environment }} className="given grow"><strong>{name}</strong></Link>
        <Served outcome={outcome} rule={outcome.rule} />
        <button type="button" className="button quiet" aria-expanded={open} onClick={() => setOpen(!open)}>Why<span className="only-read"> {name}</span></button>
      </div>
      {open ? <Trace steps={explain()} names={{}} /> : null}
    </li>
  );
}
