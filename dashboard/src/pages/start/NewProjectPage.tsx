import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { client, data } from '../../api/client.ts';
import { sentence } from '../../api/problem.ts';
import { projectsQuery } from '../../api/queries.ts';
import { Field } from '../../ui/Field.tsx';
import { keyFrom } from '../flags/newFlag.ts';
import { Entry } from '../sign-in/Entry.tsx';

/** Environments of a new project: the first to try things in, the second for everybody, and guarded. */
const FIRST = [{ key: 'development', name: 'Development', protected: false }, { key: 'production', name: 'Production', protected: true }];

export function NewProjectPage() {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const key = keyFrom(name);
  const make = useMutation({
    mutationFn: async () => {
      const project = await data(client.POST('/admin/projects', { body: { key, name: name.trim() } }));
      const there = await data(client.GET('/admin/projects/{project}/environments', { params: { path: { project: key } } }));
      for (const environment of FIRST) {
        if (there.items.some((one) => one.key === environment.key)) continue;
        await data(client.POST('/admin/projects/{project}/environments', { params: { path: { project: key } }, body: environment }));
      }
      return project;
    },
    onSuccess: async (project) => {
      await queries.invalidateQueries({ queryKey: projectsQuery.queryKey });
      await navigate({ to: '/projects/$project/start', params: { project: project.key } });
    },
  });
  return (
    <Entry title="New project" intro="A project holds the flags of one product, in its environments.">
      <form onSubmit={(event) => { event.preventDefault(); if (key) make.mutate(); }}>
        <Field label="Name" hint={key ? <>Key: <code>{key}</code></> : 'With the environments development and production.'} error={make.isError ? sentence(make.error) : undefined}>
          {(wired) => <input {...wired} className="input" autoFocus maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
        <button type="submit" className="button primary" disabled={!key || make.isPending}>Create project</button>
        <Link to="/" className="button quiet">Cancel</Link>
      </form>
    </Entry>
  );
}
