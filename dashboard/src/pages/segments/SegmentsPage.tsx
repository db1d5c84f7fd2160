import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { client, data } from '../../api/client.ts';
import { sentence } from '../../api/problem.ts';
import { segmentsQuery } from '../../api/queries.ts';
import { conditionPieces } from '../../flag/sentence.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Loaded } from '../../ui/Loaded.tsx';
import { Time } from '../../ui/time.tsx';
import { Sentence } from '../flag/Sentence.tsx';
import { keyFrom } from '../flags/newFlag.ts';

export function SegmentsPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const access = useAccess(project);
  const segments = useQuery(segmentsQuery(project));
  const [making, setMaking] = useState(false);
  const [search, setSearch] = useState('');
  const make = access.edit ? <button type="button" className="button primary" onClick={() => setMaking(true)}><Icon name="plus" size={16} />New segment</button> : null;
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Segments</h1><p>Audiences with a name, to use in the rules of any flag.</p></div>{make}</div>
      <Loaded query={segments} what="segments">
        {({ items }) => {
          if (items.length === 0) return <Empty title="No segment yet" action={make}>A segment is said once, such as “beta testers”, and used in many rules.</Empty>;
          const wanted = search.toLowerCase();
          const shown = items.filter(({ key, definition }) => key.toLowerCase().includes(wanted) || definition.description?.toLowerCase().includes(wanted));
          return (
            <div className="stack">
              <input type="search" className="input" aria-label="Search segments" placeholder="Search segments" value={search} onChange={(event) => setSearch(event.target.value)} />
              <ul className="stack-small">
                {shown.map(({ key, definition, updatedAt, findings }) => (
                  <li key={key} className="card stack-small">
                    <div className="row">
                      <Link to="/projects/$project/segments/$segment" params={{ project, segment: key }} className="given grow"><strong>{key}</strong></Link>
                      {findings?.some(({ severity }) => severity !== 'note') ? <span className="tag warn">findings</span> : null}
                      <span className="small soft"><Time at={updatedAt} /></span>
                    </div>
                    {definition.description ? <p className="given">{definition.description}</p> : null}
                    <p className="small">
                      {definition.when ? <Sentence pieces={conditionPieces(definition.when)} /> : <span className="soft">no condition</span>}
                      <span className="soft"> · {definition.included?.length ?? 0} included, {definition.excluded?.length ?? 0} excluded</span>
                    </p>
                  </li>
                ))}
              </ul>
              {shown.length === 0 ? <Empty title="No segment matches" /> : null}
            </div>
          );
        }}
      </Loaded>
      {making ? <NewSegment project={project} taken={(segments.data?.items ?? []).map(({ key }) => key)} onClose={() => setMaking(false)} /> : null}
    </>
  );
}

function NewSegment({ project, taken, onClose }: { project: string; taken: string[]; onClose: () => void }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const key = keyFrom(name);
  // A segment is written as a whole: one that is there must not be written over.
  const there = taken.includes(key);
  const make = useMutation({
    mutationFn: () => data(client.PUT('/admin/projects/{project}/segments/{segment}', { params: { path: { project, segment: key } }, body: name.trim() === key ? {} : { description: name.trim() } })),
    onSuccess: async () => {
      void queries.invalidateQueries({ queryKey: ['project', project, 'segments'] });
      await navigate({ to: '/projects/$project/segments/$segment', params: { project, segment: key } });
    },
  });
  return (
    <Dialog
      title="New segment" onClose={onClose} onSubmit={() => key && !there && make.mutate()}
      action="Create segment" disabled={!key || there || make.isPending}
    >
      <Field label="Name" hint={key ? <>Key: <code>{key}</code></> : 'Who it is, such as “Beta testers”.'} error={there ? 'There is a segment with this key already.' : make.isError ? sentence(make.error) : undefined}>
        {(wired) => <input {...wired} className="input" data-autofocus maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
    </Dialog>
  );
}
