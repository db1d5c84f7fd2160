import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { client, data, writing } from '../../api/client.ts';
import { sentence } from '../../api/problem.ts';
import type { Environment } from '../../api/types.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { useToasts } from '../../ui/toasts.tsx';

/** Deletes an environment, once its key is typed: whoever is connected to it gets nothing any more. */
export function DeleteEnvironment({ project, environment, onClose }: { project: string; environment: Environment; onClose: () => void }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const [typed, setTyped] = useState('');
  const { key, name, version } = environment;
  const remove = useMutation({
    mutationFn: () => data(client.DELETE('/admin/projects/{project}/environments/{environment}', { params: { path: { project, environment: key }, query: { confirm: key } }, ...writing(version) })),
    onSuccess: () => {
      toasts.say(`${name} is deleted`);
      void queries.invalidateQueries({ queryKey: ['project', project] });
      onClose();
    },
  });
  return (
    <Dialog
      title={`Delete ${name}?`} onClose={onClose} onSubmit={() => typed === key && remove.mutate()}
      action="Delete environment" disabled={typed !== key || remove.isPending} danger
    >
      <p>Its SDK keys are revoked, its streams and snapshots end, and what its flags do here is gone. Programs that use it go on with what they have, and then with their defaults.</p>
      <Field label="The environment's key" hint={<>Type <code>{key}</code>.</>} error={remove.isError ? sentence(remove.error) : undefined}>
        {(wired) => <input {...wired} className="input" data-autofocus autoComplete="off" spellCheck={false} value={typed} onChange={(event) => setTyped(event.target.value)} />}
      </Field>
    </Dialog>
  );
}
