import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useMe } from '../../access.ts';
import { client, data } from '../../api/client.ts';
import { about, sentence } from '../../api/problem.ts';
import { Field } from '../../ui/Field.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Time } from '../../ui/time.tsx';
import { useToasts } from '../../ui/toasts.tsx';

export function AccountPage() {
  const me = useMe();
  return (
    <>
      <div className="page-head"><div className="grow"><h1>{me.user?.name || me.user?.email || 'Account'}</h1><p className="given">{me.user?.email}</p></div></div>
      <div className="stack">
        <Password />
        <Sessions />
      </div>
    </>
  );
}

function Password() {
  const toasts = useToasts();
  const [typed, setTyped] = useState({ current: '', new: '' });
  const change = useMutation({
    mutationFn: () => data(client.POST('/auth/password', { body: typed })),
    onSuccess: () => {
      setTyped({ current: '', new: '' });
      toasts.say('The password is changed');
    },
  });
  const placed = about(change.error, 'current') ?? about(change.error, 'new');
  return (
    <form className="card stack" aria-labelledby="password-title" onSubmit={(event) => { event.preventDefault(); change.mutate(); }}>
      <h2 id="password-title">Password</h2>
      <Field label="Current password" error={about(change.error, 'current')}>{(wired) => <input {...wired} className="input" type="password" autoComplete="current-password" required value={typed.current} onChange={(event) => setTyped({ ...typed, current: event.target.value })} />}</Field>
      <Field label="New password" hint="At least 12 characters." error={about(change.error, 'new')}>{(wired) => <input {...wired} className="input" type="password" autoComplete="new-password" minLength={12} required value={typed.new} onChange={(event) => setTyped({ ...typed, new: event.target.value })} />}</Field>
      {change.isError && !placed ? <p className="notice bad" role="alert">{sentence(change.error)}</p> : null}
      <div><button type="submit" className="button" disabled={change.isPending}>Change the password</button></div>
    </form>
  );
}

/** Where somebody is signed in, and the way to end it there. */
function Sessions() {
  const queries = useQueryClient();
  const toasts = useToasts();
  const sessions = useQuery({ queryKey: ['sessions'], queryFn: () => data(client.GET('/auth/sessions')) });
  const end = useMutation({
    mutationFn: (id: string) => data(client.DELETE('/auth/sessions/{id}', { params: { path: { id } } })),
    onSuccess: () => {
      toasts.say('Signed out there');
      void queries.invalidateQueries({ queryKey: ['sessions'] });
    },
    onError: toasts.fail,
  });
  return (
    <section className="stack-small" aria-labelledby="sessions-title">
      <h2 id="sessions-title">Signed in</h2>
      <Loaded query={sessions} what="where you are signed in">
        {({ items }) => (
          <ul className="stack-small">
            {items.map((session) => (
              <li key={session.id} className="card row">
                <span className="grow given">{session.userAgent ?? 'Unknown browser'}<br /><span className="small soft">{session.address ? `${session.address} · ` : ''}last seen <Time at={session.lastSeenAt} /></span></span>
                {session.current ? <span className="tag on">this one</span> : <button type="button" className="button" onClick={() => end.mutate(session.id)}>Sign out there</button>}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </section>
  );
}
