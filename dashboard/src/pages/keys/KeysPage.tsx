import './keys.css';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { client, data } from '../../api/client.ts';
import { environmentsQuery, sdkKeysQuery } from '../../api/queries.ts';
import { tooLate } from '../../api/taken.ts';
import type { Environment, NewSdkKey, SdkKey } from '../../api/types.ts';
import { Confirm } from '../../ui/Confirm.tsx';
import { Empty, Loaded } from '../../ui/Loaded.tsx';
import { Time } from '../../ui/time.tsx';
import { useToasts } from '../../ui/toasts.tsx';
import { ShownKey } from './ShownKey.tsx';

const KINDS = [
  { kind: 'client', title: 'Browser or app', words: 'Public: sees only flags marked for browsers, and evaluates in the page.' },
  { kind: 'server', title: 'Server', words: 'Secret: sees everything. Node, Python, Go, Java, and anything that speaks OFREP.' },
  { kind: 'edge', title: 'Edge', words: 'Secret: for an edge worker that serves others.' },
] as const;

export function KeysPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const { env } = useSearch({ from: '/inside/projects/$project/keys' });
  const navigate = useNavigate();
  const environments = useQuery(environmentsQuery(project));
  return (
    <>
      <div className="page-head"><div className="grow"><h1>SDK keys</h1><p>What a program needs to get its flags. One line holds address, key and trust.</p></div></div>
      <Loaded query={environments} what="the environments">
        {(all) => {
          const environment = all.find(({ key }) => key === env) ?? all[0];
          if (!environment) return <Empty title="No environment yet" />;
          return (
            <div className="stack">
              <nav className="environments" aria-label="Environment">
                {all.map(({ key, name }) => (
                  <button key={key} type="button" className={key === environment.key ? 'environment chosen' : 'environment'} aria-current={key === environment.key ? 'true' : undefined} onClick={() => void navigate({ to: '/projects/$project/keys', params: { project }, search: { env: key }, replace: true })}>{name}</button>
                ))}
              </nav>
              <KeysOf key={environment.key} project={project} environment={environment} />
            </div>
          );
        }}
      </Loaded>
    </>
  );
}

function KeysOf({ project, environment }: { project: string; environment: Environment }) {
  const access = useAccess(project);
  const queries = useQueryClient();
  const toasts = useToasts();
  const keys = useQuery(sdkKeysQuery(project, environment.key));
  const [made, setMade] = useState<NewSdkKey | null>(null);
  const [revoking, setRevoking] = useState<SdkKey | null>(null);
  const path = { project, environment: environment.key };
  const changed = () => void queries.invalidateQueries({ queryKey: sdkKeysQuery(project, environment.key).queryKey });
  const make = useMutation({
    mutationFn: (kind: (typeof KINDS)[number]['kind']) => data(client.POST('/admin/projects/{project}/environments/{environment}/sdk-keys', { params: { path }, body: { kind } })),
    onSuccess: (key) => {
      setMade(key);
      changed();
    },
    onError: toasts.fail,
  });
  const revoke = useMutation({
    mutationFn: (id: string) => data(client.DELETE('/admin/projects/{project}/environments/{environment}/sdk-keys/{id}', { params: { path: { ...path, id } } })),
    onSuccess: () => toasts.say('Revoked'),
    onError: (error) => toasts.fail(tooLate(error)),
    onSettled: () => {
      setRevoking(null);
      changed();
    },
  });
  const may = access.change(environment);
  return (
    <>
      {may ? (
        <section className="key-kinds" aria-label="Make a key">
          {KINDS.map(({ kind, title, words }) => (
            <button key={kind} type="button" className="card key-kind" disabled={make.isPending} onClick={() => make.mutate(kind)}>
              <strong>New key: {title}</strong>
              <span className="small soft">{words}</span>
            </button>
          ))}
        </section>
      ) : null}
      <Loaded query={keys} what="the keys">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={`No key for ${environment.name} yet`}>Choose above what you connect: you get its key, and the lines to paste.</Empty>
          ) : (
            <div className="card flush scroll-x">
              <table className="table">
                <thead><tr><th scope="col">Key</th><th scope="col">Kind</th><th scope="col">Name</th><th scope="col">Last used</th><th scope="col">Made</th><th scope="col"><span className="only-read">Actions</span></th></tr></thead>
                <tbody>
                  {items.map((key) => (
                    <tr key={key.id}>
                      <td><code>{key.prefix}…</code></td>
                      <td>{key.kind}</td>
                      <td className="given">{key.name}</td>
                      <td>{key.lastUsedAt == null ? <span className="soft">never</span> : <Time at={key.lastUsedAt} />}</td>
                      <td><Time at={key.createdAt} /></td>
                      <td>{key.revokedAt != null ? <span className="tag bad">revoked</span> : may ? <button type="button" className="button quiet" onClick={() => setRevoking(key)}>Revoke<span className="only-read"> {key.prefix}</span></button> : null}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
      {made ? <ShownKey project={project} environment={environment} made={made} onClose={() => setMade(null)} /> : null}
      {revoking ? (
        <Confirm title={`Revoke ${revoking.prefix}…?`} action="Revoke" busy={revoke.isPending} onClose={() => setRevoking(null)} onConfirm={() => revoke.mutate(revoking.id)}>
          Programs that use it get no more updates; what they hold goes on until it is too old. This cannot be undone.
        </Confirm>
      ) : null}
    </>
  );
}
