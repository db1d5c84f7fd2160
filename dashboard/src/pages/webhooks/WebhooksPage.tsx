import '../keys/keys.css';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { client, data, writing } from '../../api/client.ts';
import { webhooksQuery } from '../../api/queries.ts';
import { tooLate } from '../../api/taken.ts';
import type { Webhook } from '../../api/types.ts';
import { Confirm } from '../../ui/Confirm.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Loaded } from '../../ui/Loaded.tsx';
import { useToasts } from '../../ui/toasts.tsx';
import { Shown } from '../keys/ShownKey.tsx';
import { Deliveries } from './Deliveries.tsx';
import { WebhookDialog } from './WebhookDialog.tsx';

export function WebhooksPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const access = useAccess(project);
  const queries = useQueryClient();
  const toasts = useToasts();
  const webhooks = useQuery({ ...webhooksQuery(project), enabled: access.admin });
  const [editing, setEditing] = useState<Webhook | 'new' | null>(null);
  const [removing, setRemoving] = useState<Webhook | null>(null);
  const [secret, setSecret] = useState<{ name: string; secret: string } | null>(null);
  const [open, setOpen] = useState<string | null>(null);
  const changed = () => void queries.invalidateQueries({ queryKey: webhooksQuery(project).queryKey });
  const remove = useMutation({
    mutationFn: (hook: Webhook) => data(client.DELETE('/admin/projects/{project}/webhooks/{id}', { params: { path: { project, id: hook.id } }, ...writing(hook.version) })),
    onSuccess: () => toasts.say('Deleted'),
    onError: (error) => toasts.fail(tooLate(error)),
    onSettled: () => {
      setRemoving(null);
      changed();
    },
  });
  const rotate = useMutation({
    mutationFn: (hook: Webhook) => data(client.POST('/admin/projects/{project}/webhooks/{id}/secret', { params: { path: { project, id: hook.id } } })),
    onSuccess: (hook) => {
      setSecret(hook);
      changed();
    },
    onError: toasts.fail,
  });
  const add = access.admin ? <button type="button" className="button primary" onClick={() => setEditing('new')}><Icon name="plus" size={16} />New webhook</button> : null;
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Webhooks</h1><p>Tell another program of every change: signed, retried, logged.</p></div>{add}</div>
      {access.admin ? (
        <Loaded query={webhooks} what="webhooks">
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No webhook yet" action={add}>A chat, a pipeline, a log: whatever takes a POST.</Empty>
            ) : (
              <ul className="stack-small">
                {items.map((hook) => (
                  <li key={hook.id} className="card stack-small">
                    <div className="row">
                      <h2 className="given grow">{hook.name}</h2>
                      {hook.enabled ? <span className="tag on">on</span> : <span className="tag">off</span>}
                      <button type="button" className="button quiet" onClick={() => setEditing(hook)}>Edit<span className="only-read"> {hook.name}</span></button>
                      <button type="button" className="button quiet" onClick={() => rotate.mutate(hook)}>New secret<span className="only-read"> for {hook.name}</span></button>
                      <button type="button" className="button quiet icon" aria-label={`Delete ${hook.name}`} onClick={() => setRemoving(hook)}><Icon name="trash" size={16} /></button>
                    </div>
                    <p className="small given"><code>{hook.url}</code></p>
                    <p className="small soft given">{hook.events.join(', ')} · {hook.environments.length > 0 ? `in ${hook.environments.join(', ')}` : 'everywhere'}</p>
                    <div><button type="button" className="button" aria-expanded={open === hook.id} onClick={() => setOpen(open === hook.id ? null : hook.id)}>Deliveries<span className="only-read"> of {hook.name}</span></button></div>
                    {open === hook.id ? <Deliveries project={project} webhook={hook.id} /> : null}
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      ) : (
        <Empty title="For admins">Admins of the project see and change its webhooks.</Empty>
      )}
      {editing ? <WebhookDialog project={project} webhook={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onMade={setSecret} /> : null}
      {secret ? (
        <Dialog title={`Secret of ${secret.name}`} onClose={() => setSecret(null)} footer={<button type="button" className="button primary" onClick={() => setSecret(null)}>I have copied it</button>}>
          <p className="notice warn">It is shown this once. The receiver checks the signature by it (Standard Webhooks).</p>
          <Shown label="Secret" text={secret.secret} />
        </Dialog>
      ) : null}
      {removing ? <Confirm title={`Delete ${removing.name}?`} action="Delete" busy={remove.isPending} onClose={() => setRemoving(null)} onConfirm={() => remove.mutate(removing)}>Nothing more is sent to it.</Confirm> : null}
    </>
  );
}
