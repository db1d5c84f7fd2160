import { useMutation } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { type SubmitEvent, useState } from 'react';

import { client, data } from '../../api/client.ts';
import { keeper } from '../../api/keeper.ts';
import { sentence } from '../../api/problem.ts';
import { meQuery } from '../../api/queries.ts';
import { Field } from '../../ui/Field.tsx';
import { Entry } from './Entry.tsx';

export function SignInPage() {
  const { to } = useSearch({ from: '/sign-in' });
  const router = useRouter();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const enter = useMutation({
    mutationFn: () => data(client.POST('/auth/sign-in', { body: { email, password } })),
    onSuccess: (me) => {
      keeper.setQueryData(meQuery.queryKey, me);
      router.history.push(to ?? '/');
    },
  });
  const send = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    enter.mutate();
  };
  return (
    <Entry title="Sign in" intro="to steer your feature flags.">
      <form onSubmit={send}>
        <Field label="Email">
          {(wired) => <input {...wired} className="input" type="email" autoComplete="username" autoFocus required value={email} onChange={(event) => setEmail(event.target.value)} />}
        </Field>
        <Field label="Password">
          {(wired) => <input {...wired} className="input" type="password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />}
        </Field>
        {enter.isError ? <p className="notice bad" role="alert">{sentence(enter.error)}</p> : null}
        <button type="submit" className="button primary" disabled={enter.isPending}>{enter.isPending ? 'Signing in…' : 'Sign in'}</button>
      </form>
      <p className="soft small">No account? An admin invites you. Nobody can get in? <code>pennon user reset-password</code> works on the server itself.</p>
    </Entry>
  );
}
