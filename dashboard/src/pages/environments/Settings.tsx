import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { client, data, writing } from '../../api/client.ts';
import { about, sentence } from '../../api/problem.ts';
import type { Environment } from '../../api/types.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';

interface SettingsProps {
  project: string;
  environment: Environment;
  count: number;
  onClose: () => void;
}

/** What people say about an environment: its name, colour, place, whether it is guarded, and who may ask it. */
export function Settings({ project, environment, count, onClose }: SettingsProps) {
  const queries = useQueryClient();
  const [typed, setTyped] = useState({ name: environment.name, colour: environment.colour ?? null, position: environment.position, protected: environment.protected, requestsPerMinute: environment.requestsPerMinute ?? null });
  const [origins, setOrigins] = useState(environment.origins.join('\n'));
  const save = useMutation({
    mutationFn: () => data(client.PUT('/admin/projects/{project}/environments/{environment}', { params: { path: { project, environment: environment.key } }, body: { ...typed, origins: origins.split(/\s+/).filter(Boolean) }, ...writing(environment.version) })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['project', project] });
      onClose();
    },
  });
  return (
    <Dialog
      title={environment.name} onClose={onClose} onSubmit={() => save.mutate()}
      action="Save" disabled={!typed.name.trim() || save.isPending}
    >
      <Field label="Name" error={about(save.error, 'name')}>{(wired) => <input {...wired} className="input" data-autofocus maxLength={200} value={typed.name} onChange={(event) => setTyped({ ...typed, name: event.target.value })} />}</Field>
      <Field label="Colour">{(wired) => <input {...wired} type="color" className="input environment-colour" value={typed.colour ?? '#64748b'} onChange={(event) => setTyped({ ...typed, colour: event.target.value })} />}</Field>
      <Field label="Place in lists">
        {(wired) => <select {...wired} className="input" value={typed.position} onChange={(event) => setTyped({ ...typed, position: Number(event.target.value) })}>{Array.from({ length: count }, (_, place) => <option key={place} value={place}>{place + 1}</option>)}</select>}
      </Field>
      <Field label="Origins whose pages may ask" hint="One on each line, such as https://shop.example; none: all of them.">
        {(wired) => <textarea {...wired} className="input" rows={2} value={origins} onChange={(event) => setOrigins(event.target.value)} />}
      </Field>
      <Field label="Requests per minute of one key" hint="A client key's are counted for each address; empty: no limit.">
        {(wired) => <input {...wired} type="number" className="input" min={1} max={10_000_000} value={typed.requestsPerMinute ?? ''} onChange={(event) => setTyped({ ...typed, requestsPerMinute: event.target.value === '' ? null : Number(event.target.value) })} />}
      </Field>
      <label className="check">
        <input type="checkbox" checked={typed.protected} onChange={(event) => setTyped({ ...typed, protected: event.target.checked })} />
        <span>Protected<br /><span className="small soft">Only publishers change it, and the dashboard asks first.</span></span>
      </label>
      {save.isError && !about(save.error, 'name') ? <p className="notice bad given" role="alert">{sentence(save.error)}</p> : null}
    </Dialog>
  );
}
