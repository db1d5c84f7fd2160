import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type SubmitEvent, useState } from 'react';

import { client, data } from '../../api/client.ts';
import { keeper } from '../../api/keeper.ts';
import { about, sentence } from '../../api/problem.ts';
import { meQuery, setUpQuery } from '../../api/queries.ts';
import { Field } from '../../ui/Field.tsx';
import { Entry } from './Entry.tsx';

/** The first person becomes the owner of the instance. */
export function SetUpPage() {
  const navigate = useNavigate();
  const [form, setForm] = useState({ token: '', email: '', name: '', password: '' });
  const make = useMutation({
    mutationFn: () => data(client.POST('/auth/setup', { body: { ...form, name: form.name || null } })),
    onSuccess: async (me) => {
      keeper.setQueryData(setUpQuery.queryKey, { needed: false });
      keeper.setQueryData(meQuery.queryKey, me);
      await navigate({ to: '/' });
    },
  });
  const send = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    make.mutate();
  };
  const text = (field: keyof typeof form) => ({
    className: 'input',
    value: form[field],
    onChange: (event: { target: { value: string } }) => setForm({ ...form, [field]: event.target.value }),
  });
  const wrong = (field: keyof typeof form) => about(make.error, field);
  const placed = (['token', 'email', 'name', 'password'] as const).some((field) => wrong(field));
  return (
    <Entry title="Welcome to Pennon" intro="Nobody has come in yet: make yourself the owner.">
      <form onSubmit={send}>
        <Field label="Admin token" hint="Printed at the first start (PENNON ADMIN TOKEN). Lost it? pennon token makes another." error={wrong('token')}>
          {(wired) => <input {...wired} {...text('token')} autoComplete="off" autoFocus required spellCheck={false} />}
        </Field>
        <Field label="Email" error={wrong('email')}>{(wired) => <input {...wired} {...text('email')} type="email" autoComplete="username" required />}</Field>
        <Field label="Name" hint="As others see it; may stay empty." error={wrong('name')}>{(wired) => <input {...wired} {...text('name')} autoComplete="name" />}</Field>
        <Field label="Password" hint="At least 12 characters." error={wrong('password')}>
          {(wired) => <input {...wired} {...text('password')} type="password" autoComplete="new-password" minLength={12} required />}
        </Field>
        {make.isError && !placed ? <p className="notice bad" role="alert">{sentence(make.error)}</p> : null}
        <button type="submit" className="button primary" disabled={make.isPending}>{make.isPending ? 'One moment…' : 'Become the owner'}</button>
      </form>
    </Entry>
  );
}
