import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { client, data } from '../../api/client.ts';
import { sentence } from '../../api/problem.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { useToasts } from '../../ui/toasts.tsx';
import { keyFrom } from '../flags/newFlag.ts';

export function NewEnvironment({ project, existing, onClose }: { project: string; existing: { key: string; name: string }[]; onClose: () => void }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const [name, setName] = useState('');
  const [guarded, setGuarded] = useState(false);
  const [like, setLike] = useState('');
  const key = keyFrom(name);
  const make = useMutation({
    mutationFn: () => {
      const body = { key, name: name.trim(), protected: guarded };
      return like
        ? data(client.POST('/admin/projects/{project}/environments/{environment}/clone', { params: { path: { project, environment: like } }, body }))
        : data(client.POST('/admin/projects/{project}/environments', { params: { path: { project } }, body }));
    },
    onSuccess: (made) => {
      toasts.say(`${made.name} is there`);
      void queries.invalidateQueries({ queryKey: ['project', project] });
      onClose();
    },
  });
  return (
    <Dialog
      title="New environment" onClose={onClose} onSubmit={() => key && make.mutate()}
      action="Create environment" disabled={!key || make.isPending}
    >
      <Field label="Name" hint={key ? <>Key: <code>{key}</code></> : undefined} error={make.isError ? sentence(make.error) : undefined}>
        {(wired) => <input {...wired} className="input" data-autofocus maxLength={200} placeholder="Staging" value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label="Begins" hint="A copy gives everybody the bucket that they have there.">
        {(wired) => (
          <select {...wired} className="input" value={like} onChange={(event) => setLike(event.target.value)}>
            <option value="">with every flag off</option>
            {existing.map((one) => <option key={one.key} value={one.key}>as a copy of {one.name}</option>)}
          </select>
        )}
      </Field>
      <label className="check">
        <input type="checkbox" checked={guarded} onChange={(event) => setGuarded(event.target.checked)} />
        <span>Protected<br /><span className="small soft">Only publishers change it, and the dashboard asks first.</span></span>
      </label>
    </Dialog>
  );
}
