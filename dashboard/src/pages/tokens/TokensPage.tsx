import '../keys/keys.css';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { client, data } from '../../api/client.ts';
import { sentence } from '../../api/problem.ts';
import { environmentsQuery, tokensQuery } from '../../api/queries.ts';
import { tooLate } from '../../api/taken.ts';
import type { ApiToken } from '../../api/types.ts';
import { Confirm } from '../../ui/Confirm.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Loaded } from '../../ui/Loaded.tsx';
import { fromLocal } from '../../ui/local.ts';
import { Time } from '../../ui/time.tsx';
import { useToasts } from '../../ui/toasts.tsx';
import { Shown } from '../keys/ShownKey.tsx';
import { type Held, RoleFields } from '../members/RoleFields.tsx';
import { ROLES } from '../members/roles.ts';

export function TokensPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const queries = useQueryClient();
  const toasts = useToasts();
  const tokens = useQuery(tokensQuery(project));
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<ApiToken | null>(null);
  const revoke = useMutation({
    mutationFn: (id: string) => data(client.DELETE('/admin/projects/{project}/tokens/{id}', { params: { path: { project, id } } })),
    onSuccess: () => toasts.say('Revoked'),
    onError: (error) => toasts.fail(tooLate(error)),
    onSettled: () => {
      setRevoking(null);
      void queries.invalidateQueries({ queryKey: tokensQuery(project).queryKey });
    },
  });
  const state = (token: ApiToken) => (token.revokedAt != null ? 'revoked' : token.expiresAt != null && token.expiresAt < Date.now() ? 'over' : 'live');
  const add = <button type="button" className="button primary" onClick={() => setMaking(true)}><Icon name="plus" size={16} />New token</button>;
  return (
    <>
      <div className="page-head"><div className="grow"><h1>API tokens</h1><p>For programs that change flags: pipelines, scripts. Never more than you may yourself.</p></div>{add}</div>
      <Loaded query={tokens} what="tokens">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No token yet" action={add}>Everything that this dashboard does can be done over HTTP: see <a href="/admin/docs">the API’s page</a>.</Empty>
          ) : (
            <div className="card flush scroll-x">
              <table className="table">
                <thead><tr><th scope="col">Name</th><th scope="col">Role</th><th scope="col">Last used</th><th scope="col">Ends</th><th scope="col"><span className="only-read">Actions</span></th></tr></thead>
                <tbody>
                  {items.map((token) => (
                    <tr key={token.id}>
                      <td><span className="given">{token.name}</span><br /><code className="small soft">{token.prefix}…</code></td>
                      <td>{ROLES[token.role].label}{Object.entries(token.environments ?? {}).map(([environment, role]) => <span key={environment} className="small soft"><br />{ROLES[role].label} in <bdi>{environment}</bdi></span>)}</td>
                      <td>{token.lastUsedAt == null ? <span className="soft">never</span> : <Time at={token.lastUsedAt} />}</td>
                      <td>{token.expiresAt == null ? <span className="soft">never</span> : <Time at={token.expiresAt} />}</td>
                      <td>{state(token) === 'live' ? <button type="button" className="button quiet" onClick={() => setRevoking(token)}>Revoke<span className="only-read"> {token.name}</span></button> : <span className="tag bad">{state(token)}</span>}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
      {making ? <NewToken project={project} onClose={() => setMaking(false)} /> : null}
      {revoking ? <Confirm title={`Revoke ${revoking.name}?`} action="Revoke" busy={revoke.isPending} onClose={() => setRevoking(null)} onConfirm={() => revoke.mutate(revoking.id)}>Programs that use it are refused at once. This cannot be undone.</Confirm> : null}
    </>
  );
}

function NewToken({ project, onClose }: { project: string; onClose: () => void }) {
  const queries = useQueryClient();
  const environments = useQuery(environmentsQuery(project));
  const [name, setName] = useState('');
  const [ends, setEnds] = useState('');
  const [held, setHeld] = useState<Held>({ role: 'viewer', environments: {} });
  const make = useMutation({
    mutationFn: () => data(client.POST('/admin/projects/{project}/tokens', { params: { path: { project } }, body: { name: name.trim(), expiresAt: fromLocal(ends) ?? null, ...held } })),
    onSuccess: () => void queries.invalidateQueries({ queryKey: tokensQuery(project).queryKey }),
  });
  if (make.data) {
    return (
      <Dialog title={`Token ${make.data.name}`} onClose={onClose} footer={<button type="button" className="button primary" onClick={onClose}>I have copied it</button>}>
        <p className="notice warn">It is shown this once and kept only as a hash.</p>
        <Shown label="Token" text={make.data.token} />
        <Shown label="Try it" text={`curl -H 'Authorization: Bearer ${make.data.token}' ${location.origin}/admin/projects/${project}/flags`} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title="New API token" onClose={onClose} onSubmit={() => name.trim() && make.mutate()}
      action="Create token" disabled={!name.trim() || make.isPending}
    >
      <Field label="Name" hint="What it is for, such as deploy.">{(wired) => <input {...wired} className="input" data-autofocus maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />}</Field>
      <RoleFields held={held} environments={environments.data ?? []} onChange={setHeld} />
      <Field label="Ends" hint="Empty: never.">{(wired) => <input {...wired} type="datetime-local" className="input" value={ends} onChange={(event) => setEnds(event.target.value)} />}</Field>
      {make.isError ? <p className="notice bad given" role="alert">{sentence(make.error)}</p> : null}
    </Dialog>
  );
}
