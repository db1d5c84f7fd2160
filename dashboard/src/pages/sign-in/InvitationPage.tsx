import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { client, data } from '../../api/client.ts';
import { keeper } from '../../api/keeper.ts';
import { sentence } from '../../api/problem.ts';
import { meQuery } from '../../api/queries.ts';
import { Field } from '../../ui/Field.tsx';
import { Entry } from './Entry.tsx';

/** An invitation, or a way back in: whoever has it chooses a password. It may come behind the # of a link, which no server is sent. */
export function InvitationPage() {
  const navigate = useNavigate();
  const [invitation, setInvitation] = useState(() => decodeURIComponent(location.hash.slice(1)));
  const [password, setPassword] = useState('');
  const accept = useMutation({
    mutationFn: () => data(client.POST('/auth/invitation', { body: { invitation: invitation.trim(), password } })),
    onSuccess: async (me) => {
      keeper.setQueryData(meQuery.queryKey, me);
      await navigate({ to: '/', replace: true });
    },
  });
  return (
    <Entry title="Choose a password" intro="Somebody has invited you to steer feature flags with them.">
      <form onSubmit={(event) => { event.preventDefault(); accept.mutate(); }}>
        <Field label="Invitation" hint="As it was sent to you: pni_…">{(wired) => <input {...wired} className="input code" required autoComplete="off" spellCheck={false} value={invitation} onChange={(event) => setInvitation(event.target.value)} />}</Field>
        <Field label="Password" hint="At least 12 characters.">{(wired) => <input {...wired} className="input" type="password" autoComplete="new-password" minLength={12} required value={password} onChange={(event) => setPassword(event.target.value)} />}</Field>
        {accept.isError ? <p className="notice bad" role="alert">{sentence(accept.error)}</p> : null}
        <button type="submit" className="button primary" disabled={accept.isPending}>Come in</button>
      </form>
    </Entry>
  );
}
