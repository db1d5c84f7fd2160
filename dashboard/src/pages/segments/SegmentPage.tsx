import '../flag/flag.css';
import '../flag/rules/rules.css';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { client, data, writing } from '../../api/client.ts';
import { Problem, sentence } from '../../api/problem.ts';
import { segmentQuery } from '../../api/queries.ts';
import { tooLate } from '../../api/taken.ts';
import type { KeptSegment, Segment } from '../../api/types.ts';
import { same } from '../../flag/same.ts';
import { conditionPieces } from '../../flag/sentence.ts';
import { History } from '../../history/History.tsx';
import { segmentHistory } from '../../history/source.ts';
import { Chips } from '../../ui/Chips.tsx';
import { Confirm } from '../../ui/Confirm.tsx';
import { Field } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { useToasts } from '../../ui/toasts.tsx';
import { ConditionEditor } from '../flag/condition/ConditionEditor.tsx';
import { Findings } from '../flag/Findings.tsx';
import { Sentence } from '../flag/Sentence.tsx';
import { useKnown } from '../flag/useKnown.ts';

export function SegmentPage() {
  const { project, segment } = useParams({ from: '/inside/projects/$project/segments/$segment' });
  const kept = useQuery(segmentQuery(project, segment));
  return (
    <>
      <Link to="/projects/$project/segments" params={{ project }} className="row-fixed small"><Icon name="back" size={14} />Segments</Link>
      <Loaded query={kept} what="the segment" whole>{(one) => <Edit key={one.key} project={project} kept={one} />}</Loaded>
    </>
  );
}

function Edit({ project, kept }: { project: string; kept: KeptSegment }) {
  const access = useAccess(project);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toasts = useToasts();
  const known = useKnown(project);
  const [draft, setDraft] = useState<{ base: KeptSegment; segment: Segment } | null>(null);
  const [comment, setComment] = useState('');
  const [asking, setAsking] = useState(false);
  const segment = draft?.segment ?? kept.definition;
  const base = draft?.base ?? kept;
  const dirty = draft !== null && !same(draft.segment, draft.base.definition);
  const disabled = !access.edit;
  const write = (change: Partial<Segment>) => setDraft({ base, segment: { ...segment, ...change } });
  const path = { project, segment: kept.key };
  const done = () => {
    setDraft(null);
    setComment('');
    void queries.invalidateQueries({ queryKey: ['project', project] });
  };
  const save = useMutation({
    mutationFn: () => data(client.PUT('/admin/projects/{project}/segments/{segment}', { params: { path }, body: segment, ...writing(base.version, comment) })),
    onSuccess: (saved) => {
      queries.setQueryData(segmentQuery(project, kept.key).queryKey, saved);
      done();
      toasts.say('Saved');
    },
  });
  const archive = useMutation({
    mutationFn: () => data(client.POST('/admin/projects/{project}/segments/{segment}/archive', { params: { path }, ...writing(kept.version) })),
    onSuccess: async () => {
      toasts.say('Archived');
      await navigate({ to: '/projects/$project/segments', params: { project } });
      done();
    },
    onError: (error) => {
      setAsking(false);
      toasts.fail(tooLate(error));
      void queries.invalidateQueries({ queryKey: ['project', project] });
    },
  });
  const late = save.error instanceof Problem && save.error.status === 412;
  return (
    <div className="stack targeting">
      <datalist id="attributes">{['targetingKey', ...Object.keys(known.attributes)].map((name) => <option key={name} value={name} />)}</datalist>
      <div className="row"><h1 className="grow">{kept.key}</h1>{disabled || kept.archivedAt != null ? null : <button type="button" className="button quiet" onClick={() => setAsking(true)}>Archive</button>}</div>
      <Findings findings={base.findings ?? []} />
      <Field label="Description">{(wired) => <input {...wired} className="input" disabled={disabled} value={segment.description ?? ''} onChange={(event) => write({ description: event.target.value })} />}</Field>
      <section className="card stack-small" aria-labelledby="segment-condition">
        <h2 id="segment-condition">Who fulfils this</h2>
        {segment.when ? <p><Sentence pieces={conditionPieces(segment.when)} /></p> : <p className="soft small">No condition: only who is included by name.</p>}
        {disabled ? null : segment.when ? (
          <>
            <ConditionEditor condition={segment.when} known={{ ...known, segments: Object.fromEntries(Object.entries(known.segments).filter(([key]) => key !== kept.key)) }} onChange={(when) => write({ when })} />
            <div><button type="button" className="button quiet" onClick={() => write({ when: null })}>Remove the condition</button></div>
          </>
        ) : (
          <div><button type="button" className="button" onClick={() => write({ when: { all: [{ in: { attribute: '', values: [] } }] } })}><Icon name="plus" size={16} />Condition</button></div>
        )}
      </section>
      <Field label="Included by name" hint="In the segment whatever the condition says.">{(wired) => <Chips wired={wired} label="Included" placeholder="Keys; paste a list" values={segment.included ?? []} disabled={disabled} onChange={(keys) => write({ included: keys.map(String) })} />}</Field>
      <Field label="Excluded by name" hint="Never in the segment: beats everything else.">{(wired) => <Chips wired={wired} label="Excluded" placeholder="Keys; paste a list" values={segment.excluded ?? []} disabled={disabled} onChange={(keys) => write({ excluded: keys.map(String) })} />}</Field>
      <Field label="Names are values of the attribute">{(wired) => <input {...wired} className="input" list="attributes" disabled={disabled} value={segment.unit ?? 'targetingKey'} onChange={(event) => write({ unit: event.target.value })} />}</Field>
      {dirty ? (
        <div className="save-bar" role="region" aria-label="Not saved yet">
          <div className="grow">
            <strong>Not saved yet</strong>
            {save.isError ? <p className="small bad given" role="alert">{late ? 'Somebody else changed the segment meanwhile: discard to see it.' : sentence(save.error)}</p> : <p className="small soft">Every flag that uses the segment follows.</p>}
          </div>
          <input className="input save-why" aria-label="Why (optional)" placeholder="Why (optional)" maxLength={1000} value={comment} onChange={(event) => setComment(event.target.value)} />
          <button type="button" className="button" onClick={() => { save.reset(); setDraft(null); }}>Discard</button>
          <button type="button" className="button primary" disabled={save.isPending} onClick={() => save.mutate()}>Save</button>
        </div>
      ) : null}
      <h2>History</h2>
      <History project={project} source={segmentHistory(project, kept.key)} may={access.edit} />
      {asking ? <Confirm title="Archive this segment?" action="Archive" busy={archive.isPending} onClose={() => setAsking(false)} onConfirm={() => archive.mutate()}>It can be restored. While a flag uses it, it cannot be archived.</Confirm> : null}
    </div>
  );
}
