import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { client, data } from '../../api/client.ts';
import { about, sentence } from '../../api/problem.ts';
import type { ValueType } from '../../api/types.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { flagFrom, keyFrom, NOTHING_TYPED, type Typed } from './newFlag.ts';

const TYPES: [ValueType, string][] = [['boolean', 'Boolean'], ['string', 'String'], ['number', 'Number'], ['json', 'JSON']];

export function NewFlagDialog({ project, onClose }: { project: string; onClose: () => void }) {
  const [typed, setTyped] = useState(NOTHING_TYPED);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const make = useMutation({
    mutationFn: () => {
      const { key, definition } = flagFrom(typed);
      // A boolean flag's variants are the server's, so they are left out.
      const body = { key, definition: definition.variants.length > 0 ? definition : { ...definition, variants: undefined } };
      return data(client.POST('/admin/projects/{project}/flags', { params: { path: { project } }, body: body as { key: string; definition: typeof definition } }));
    },
    onSuccess: async (made) => {
      void queries.invalidateQueries({ queryKey: ['project', project, 'flags'] });
      await navigate({ to: '/projects/$project/flags/$flag', params: { project, flag: made.key } });
    },
  });
  const write = (change: Partial<Typed>) => setTyped({ ...typed, ...change });
  const key = typed.key || keyFrom(typed.name);
  const keyWrong = about(make.error, 'key');
  const otherWrong = make.isError && !keyWrong ? sentence(make.error) : undefined;
  return (
    <Dialog
      title="New flag" onClose={onClose} onSubmit={() => key && make.mutate()}
      action={make.isPending ? 'Creating…' : 'Create flag'} disabled={!key || make.isPending}
    >
      <Field label="Name" hint={key ? <>Key: <code>{key}</code></> : 'What the team calls it; the key is made from it.'} error={typed.key ? undefined : keyWrong}>
        {(wired) => <input {...wired} className="input" data-autofocus maxLength={200} value={typed.name} onChange={(event) => write({ name: event.target.value })} placeholder="New checkout" />}
      </Field>
      <fieldset className="stack-small">
        <legend className="label">Type</legend>
        <div className="choices">
          {TYPES.map(([type, label]) => (
            <label key={type} className="choice"><input type="radio" name="type" checked={typed.type === type} onChange={() => write({ type })} />{label}</label>
          ))}
        </div>
      </fieldset>
      <label className="check">
        <input type="checkbox" checked={typed.clientVisible} onChange={(event) => write({ clientVisible: event.target.checked })} />
        <span>Browsers and apps may see it<br /><span className="soft small">Without it only servers do.</span></span>
      </label>
      <label className="check">
        <input type="checkbox" checked={typed.temporary} onChange={(event) => write({ temporary: event.target.checked })} />
        <span>Temporary<br /><span className="soft small">Meant to be removed once it is rolled out.</span></span>
      </label>
      <details>
        <summary>Key, description, owner, tags</summary>
        <div className="stack">
          <Field label="Key" hint="How code asks for it; it cannot be changed later." error={typed.key ? keyWrong : undefined}>
            {(wired) => <input {...wired} className="input code" spellCheck={false} value={typed.key} placeholder={keyFrom(typed.name)} onChange={(event) => write({ key: event.target.value })} />}
          </Field>
          <Field label="Description">{(wired) => <textarea {...wired} className="input" value={typed.description} onChange={(event) => write({ description: event.target.value })} />}</Field>
          <Field label="Owner" hint="A person or a team.">{(wired) => <input {...wired} className="input" value={typed.owner} onChange={(event) => write({ owner: event.target.value })} />}</Field>
          <Field label="Tags" hint="Separated by commas.">{(wired) => <input {...wired} className="input" value={typed.tags} onChange={(event) => write({ tags: event.target.value })} />}</Field>
        </div>
      </details>
      {otherWrong ? <p className="notice bad" role="alert">{otherWrong}</p> : null}
    </Dialog>
  );
}
