import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useAccess } from '../../../access.ts';
import { client, data, writing } from '../../../api/client.ts';
import { about, Problem, sentence } from '../../../api/problem.ts';
import { flagQuery } from '../../../api/queries.ts';
import type { FlagDefinition, KeptFlag } from '../../../api/types.ts';
import { same } from '../../../flag/same.ts';
import { Chips } from '../../../ui/Chips.tsx';
import { Field } from '../../../ui/Field.tsx';
import { fromLocal, toLocal } from '../../../ui/local.ts';
import { useToasts } from '../../../ui/toasts.tsx';
import { VariantsEditor } from './VariantsEditor.tsx';

/** What the flag is, the same in every environment. */
export function Details({ project, flag }: { project: string; flag: KeptFlag }) {
  const access = useAccess(project);
  const queries = useQueryClient();
  const toasts = useToasts();
  const [base, setBase] = useState(flag);
  const [typed, setTyped] = useState<FlagDefinition>(flag.definition);
  const disabled = !access.edit || flag.archivedAt != null;
  const write = (change: Partial<FlagDefinition>) => setTyped({ ...typed, ...change });
  const dirty = !same(typed, base.definition);
  const save = useMutation({
    mutationFn: () => data(client.PUT('/admin/projects/{project}/flags/{flag}', { params: { path: { project, flag: flag.key } }, body: typed, ...writing(base.version) })),
    onSuccess: (kept) => {
      setBase(kept);
      setTyped(kept.definition);
      queries.setQueryData(flagQuery(project, flag.key).queryKey, kept);
      void queries.invalidateQueries({ queryKey: ['project', project] });
      toasts.say('Saved');
    },
  });
  const late = save.error instanceof Problem && save.error.status === 412;
  return (
    <form className="stack details-form" onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
      <VariantsEditor type={typed.type} variants={typed.variants} disabled={disabled} onChange={(variants) => write({ variants })} />
      <Field label="Name" error={about(save.error, 'name')}>{(wired) => <input {...wired} className="input" maxLength={256} disabled={disabled} value={typed.name ?? ''} onChange={(event) => write({ name: event.target.value })} />}</Field>
      <Field label="Description" error={about(save.error, 'description')}>{(wired) => <textarea {...wired} className="input" disabled={disabled} value={typed.description ?? ''} onChange={(event) => write({ description: event.target.value })} />}</Field>
      <Field label="Owner" hint="Who answers for it: a person or a team." error={about(save.error, 'owner')}>{(wired) => <input {...wired} className="input" disabled={disabled} value={typed.owner ?? ''} onChange={(event) => write({ owner: event.target.value })} />}</Field>
      <Field label="Tags" error={about(save.error, 'tags')}>{(wired) => <Chips wired={wired} label="Tags" values={typed.tags ?? []} disabled={disabled} onChange={(tags) => write({ tags: tags.map(String) })} />}</Field>
      <label className="check">
        <input type="checkbox" disabled={disabled} checked={typed.clientVisible ?? false} onChange={(event) => write({ clientVisible: event.target.checked })} />
        <span>Browsers and apps may see it<br /><span className="small soft">Its variants and rules then travel to clients.</span></span>
      </label>
      <label className="check">
        <input type="checkbox" disabled={disabled} checked={typed.temporary ?? false} onChange={(event) => write({ temporary: event.target.checked, ...(event.target.checked ? {} : { expectedEnd: null }) })} />
        <span>Temporary<br /><span className="small soft">To be removed once it is rolled out.</span></span>
      </label>
      {typed.temporary ? (
        <Field label="Should be gone by" error={about(save.error, 'expectedEnd')}>{(wired) => <input {...wired} type="datetime-local" className="input" disabled={disabled} value={typed.expectedEnd == null ? '' : toLocal(typed.expectedEnd)} onChange={(event) => write({ expectedEnd: fromLocal(event.target.value) ?? null })} />}</Field>
      ) : null}
      {save.isError ? <p className="notice bad given" role="alert">{late ? 'Somebody else changed these details meanwhile. Load them again, then make your change once more.' : sentence(save.error)}</p> : null}
      {disabled ? null : (
        <div className="row">
          <button type="submit" className="button primary" disabled={!dirty || save.isPending}>{save.isPending ? 'Saving…' : 'Save details'}</button>
          {dirty || late ? <button type="button" className="button" onClick={() => { save.reset(); setBase(flag); setTyped(flag.definition); }}>{late ? 'Load again' : 'Discard'}</button> : null}
        </div>
      )}
    </form>
  );
}
