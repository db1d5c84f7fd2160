import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { client, data } from '../api/client.ts';
import { keeper, sessionEnded } from '../api/keeper.ts';
import { sentence } from '../api/problem.ts';
import { meQuery } from '../api/queries.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Field } from '../ui/Field.tsx';

/** Asks for the password over whatever is being done, so that nothing of it is lost when a session ends. */
export function SignInAgain({ email }: { email: string }) {
  const [password, setPassword] = useState('');
  const enter = useMutation({
    mutationFn: () => data(client.POST('/auth/sign-in', { body: { email, password } })),
    onSuccess: (me) => {
      keeper.setQueryData(meQuery.queryKey, me);
      keeper.setQueryData(sessionEnded.queryKey, false);
      // What was refused meanwhile is asked for again.
      void keeper.invalidateQueries();
    },
  });
  // Whoever closes it may go on reading; the next thing that the server refuses asks again.
  const later = () => keeper.setQueryData(sessionEnded.queryKey, false);
  return (
    <Dialog
      title="Your session has ended" onClose={later} onSubmit={() => password && enter.mutate()}
      footer={
        <>
          <button type="button" className="button quiet" onClick={() => location.assign('/sign-in')}>I am somebody else</button>
          <button type="submit" className="button primary" disabled={!password || enter.isPending}>{enter.isPending ? 'Signing in…' : 'Sign in and go on'}</button>
        </>
      }
    >
      <p>Nothing that you have typed is lost. Sign in again, and go on where you were.</p>
      <input type="hidden" name="username" autoComplete="username" value={email} />
      <Field label={`Password of ${email}`} error={enter.isError ? sentence(enter.error) : undefined}>
        {(wired) => <input {...wired} className="input" type="password" autoComplete="current-password" data-autofocus value={password} onChange={(event) => setPassword(event.target.value)} />}
      </Field>
    </Dialog>
  );
}
