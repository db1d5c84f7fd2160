import '../keys/keys.css';

import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { client, data } from '../../api/client.ts';
import { sentence } from '../../api/problem.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { exactly } from '../../ui/time.tsx';
import { Shown } from '../keys/ShownKey.tsx';

/** Makes an account; the link chooses its password. */
export function InviteDialog({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const invite = useMutation({ mutationFn: () => data(client.POST('/admin/users', { body: { email: email.trim(), name: name.trim() || null } })) });
  const made = invite.data;
  if (made) {
    return (
      <Dialog title={`${made.user.email} is invited`} onClose={onClose} footer={<button type="button" className="button primary" onClick={onClose}>Done</button>}>
        <p>Send them this link. It is good once, until {exactly(made.expiresAt)}. Then add them as a member.</p>
        <Shown label="Link" text={`${location.origin}/invitation#${encodeURIComponent(made.invitation)}`} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title="Invite a person" onClose={onClose} onSubmit={() => email.trim() && invite.mutate()}
      action="Invite" disabled={!email.trim() || invite.isPending}
    >
      <Field label="Email" error={invite.isError ? sentence(invite.error) : undefined}>{(wired) => <input {...wired} className="input" type="email" data-autofocus value={email} onChange={(event) => setEmail(event.target.value)} />}</Field>
      <Field label="Name">{(wired) => <input {...wired} className="input" value={name} onChange={(event) => setName(event.target.value)} />}</Field>
    </Dialog>
  );
}
