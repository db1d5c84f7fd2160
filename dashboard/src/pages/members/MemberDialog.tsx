import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { client, data, writing } from '../../api/client.ts';
import { about, sentence } from '../../api/problem.ts';
import type { Environment, Member } from '../../api/types.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { type Held, RoleFields } from './RoleFields.tsx';

interface Props {
  project: string;
  member: Member | null;
  environments: Environment[];
  onClose: () => void;
}

export function MemberDialog({ project, member, environments, onClose }: Props) {
  const queries = useQueryClient();
  const [email, setEmail] = useState('');
  const [held, setHeld] = useState<Held>({ role: member?.role ?? 'editor', environments: { ...member?.environments } });
  const save = useMutation({
    mutationFn: () =>
      member
        ? data(client.PUT('/admin/projects/{project}/members/{user}', { params: { path: { project, user: member.user } }, body: held, ...writing(member.version) }))
        : data(client.POST('/admin/projects/{project}/members', { params: { path: { project } }, body: { email: email.trim(), ...held } })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['project', project, 'members'] });
      onClose();
    },
  });
  const emailWrong = about(save.error, 'email');
  return (
    <Dialog
      title={member ? member.email : 'Add a member'} onClose={onClose} onSubmit={() => save.mutate()}
      action={member ? 'Save' : 'Add'} disabled={save.isPending || (!member && !email.trim())}
    >
      {member ? null : <Field label="Email" hint="Of somebody who has an account here." error={emailWrong}>{(wired) => <input {...wired} className="input" type="email" data-autofocus value={email} onChange={(event) => setEmail(event.target.value)} />}</Field>}
      <RoleFields held={held} environments={environments} onChange={setHeld} />
      {save.isError && !emailWrong ? <p className="notice bad given" role="alert">{sentence(save.error)}</p> : null}
    </Dialog>
  );
}
