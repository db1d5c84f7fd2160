import '../../preview/preview.css';
import '../flags/flags.css';
import './matrix.css';

import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';

import { sentence } from '../../api/problem.ts';
import { environmentsQuery } from '../../api/queries.ts';
import type { Environment } from '../../api/types.ts';
import { ContextEditor } from '../../preview/ContextEditor.tsx';
import { readContext, savedContexts } from '../../preview/contexts.ts';
import { matrix, type MatrixRow } from '../../preview/matrix.ts';
import { useCompiledEach } from '../../preview/useCompiledEach.ts';
import { Empty, Loaded, Loading } from '../../ui/Loaded.tsx';
import { useKnown } from '../flag/useKnown.ts';
import { Matrix } from './Matrix.tsx';

/** What every flag serves to somebody, in every environment. */
export function PreviewPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const { env } = useSearch({ from: '/inside/projects/$project/preview' });
  const environments = useQuery(environmentsQuery(project));
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Preview</h1><p>What every flag serves to somebody, and why: evaluated in this page.</p></div></div>
      <Loaded query={environments} what="the environments">
        {(all) => {
          if (all.length === 0) return <Empty title="No environment yet" />;
          const wanted = all.filter(({ key }) => key === env);
          return <Preview project={project} all={all} environments={wanted.length > 0 ? wanted : all} />;
        }}
      </Loaded>
    </>
  );
}

interface Props {
  project: string;
  all: Environment[];
  /** Those that are shown. */
  environments: Environment[];
}

function Preview({ project, all, environments }: Props) {
  const known = useKnown(project);
  const navigate = useNavigate();
  const [text, setText] = useState('targetingKey = user-1');
  const [saved, setSaved] = useState(() => savedContexts(project));
  const [search, setSearch] = useState('');
  const [differing, setDiffering] = useState(false);
  const each = useCompiledEach(project, environments);
  const read = readContext(text, known.attributes);
  const context = 'context' in read ? JSON.stringify(read.context) : undefined;
  const drafts = environments.map(({ key }) => each[key]?.compiled?.draft);
  const result = useMemo(
    (): { rows: MatrixRow[] } | { wrong: string } | undefined => {
      if (context === undefined) return undefined;
      try {
        return { rows: matrix(drafts, JSON.parse(context)) };
      } catch (error) {
        return { wrong: sentence(error) };
      }
    },
    // The drafts one by one: their list is a new one each time.
    [context, drafts.length, ...drafts],
  );
  const wanted = search.trim().toLowerCase();
  const rows = result && 'rows' in result ? result.rows : [];
  const shown = rows.filter((row) => row.flag.toLowerCase().includes(wanted) && (!differing || row.differs));
  const waiting = environments.some(({ key }) => each[key] === undefined);
  return (
    <div className="preview-page">
      <div className="card preview-who"><ContextEditor project={project} text={text} types={known.attributes} saved={saved} onChange={setText} onSaved={setSaved} /></div>
      <div className="stack-small">
        <div className="row">
          <input type="search" className="input preview-search" aria-label="Search flags" placeholder="Search flags" value={search} onChange={(event) => setSearch(event.target.value)} />
          <select className="input" aria-label="Environments" value={environments.length === all.length ? '' : environments[0]?.key} onChange={(event) => void navigate({ to: '/projects/$project/preview', params: { project }, search: { env: event.target.value || undefined }, replace: true })}>
            <option value="">All environments</option>
            {all.map(({ key, name }) => <option key={key} value={key}>{name}</option>)}
          </select>
          {environments.length > 1 ? <label className="check small"><input type="checkbox" checked={differing} onChange={(event) => setDiffering(event.target.checked)} />Only where they differ</label> : null}
        </div>
        {environments.map(({ key, name }) => {
          const wrong = each[key]?.error ?? each[key]?.compiled?.problem;
          return wrong ? <p key={key} className="notice bad given" role="alert">{name}: {sentence(wrong)}</p> : null;
        })}
        {result && 'wrong' in result ? <p className="notice bad given" role="alert">{result.wrong}</p> : null}
        {waiting && rows.length === 0 ? <Loading what="the flags" lines={8} /> : null}
        {rows.length > 0 ? <p className="small soft" role="status">{shown.length.toLocaleString('en')} {shown.length === 1 ? 'flag' : 'flags'}{shown.length < rows.length ? ` of ${rows.length.toLocaleString('en')}` : ''}</p> : null}
        {shown.length > 0 && 'context' in read ? <Matrix project={project} environments={environments} drafts={drafts} rows={shown} context={read.context} /> : null}
        {!waiting && result && 'rows' in result && rows.length === 0 ? <Empty title="No flag yet" /> : null}
        {rows.length > 0 && shown.length === 0 ? <Empty title={differing ? 'They all serve the same' : 'No flag matches'} /> : null}
      </div>
    </div>
  );
}
