import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { client, data, writing } from '../../api/client.ts';
import { about, sentence } from '../../api/problem.ts';
import { environmentsQuery, webhooksQuery } from '../../api/queries.ts';
import type { Webhook } from '../../api/types.ts';
import { Chips } from '../../ui/Chips.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';

interface Props {
  project: string;
  webhook: Webhook | null;
  onClose: () => void;
  onMade: (made: { name: string; secret: string }) => void;
}

export function WebhookDialog({ project, webhook, onClose, onMade }: Props) {
  const queries = useQueryClient();
  const environments = useQuery(environmentsQuery(project));
  const [typed, setTyped] = useState({
    name: webhook?.name ?? '', url: webhook?.url ?? '', events: webhook?.events ?? ['*'], environments: webhook?.environments ?? [], enabled: webhook?.enabled ?? true,
  });
  const write = (change: Partial<typeof typed>) => setTyped({ ...typed, ...change });
  const save = useMutation({
    mutationFn: async () => {
      if (webhook) {
        await data(client.PUT('/admin/projects/{project}/webhooks/{id}', { params: { path: { project, id: webhook.id } }, body: typed, ...writing(webhook.version) }));
        return null;
      }
      return data(client.POST('/admin/projects/{project}/webhooks', { params: { path: { project } }, body: typed }));
    },
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: webhooksQuery(project).queryKey });
      onClose();
      if (made) onMade(made);
    },
  });
  const placed = about(save.error, 'name') ?? about(save.error, 'url');
  return (
    <Dialog
      title={webhook ? webhook.name : 'New webhook'} onClose={onClose} onSubmit={() => save.mutate()}
      action={webhook ? 'Save' : 'Create webhook'} disabled={save.isPending}
    >
      <Field label="Name" error={about(save.error, 'name')}>{(wired) => <input {...wired} className="input" data-autofocus value={typed.name} onChange={(event) => write({ name: event.target.value })} />}</Field>
      <Field label="Address" hint="https://…; private addresses are refused." error={about(save.error, 'url')}>{(wired) => <input {...wired} className="input" type="url" inputMode="url" value={typed.url} onChange={(event) => write({ url: event.target.value })} />}</Field>
      <Field label="Events" hint="flag.created, a beginning such as flag.*, or * for all.">{(wired) => <Chips wired={wired} label="Events" values={typed.events} onChange={(events) => write({ events: events.map(String) })} />}</Field>
      <fieldset className="stack-small">
        <legend className="label">Environments (none chosen: all)</legend>
        {(environments.data ?? []).map(({ key, name }) => (
          <label key={key} className="check"><input type="checkbox" checked={typed.environments.includes(key)} onChange={(event) => write({ environments: event.target.checked ? [...typed.environments, key] : typed.environments.filter((one) => one !== key) })} /><span className="given">{name}</span></label>
        ))}
      </fieldset>
      <label className="check"><input type="checkbox" checked={typed.enabled} onChange={(event) => write({ enabled: event.target.checked })} />On</label>
      {save.isError && !placed ? <p className="notice bad given" role="alert">{sentence(save.error)}</p> : null}
    </Dialog>
  );
}
