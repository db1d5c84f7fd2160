import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { client, data } from '../../api/client.ts';
import { sentence } from '../../api/problem.ts';
import { environmentsQuery } from '../../api/queries.ts';
import { Copy } from '../../ui/Copy.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Loaded } from '../../ui/Loaded.tsx';
import { useToasts } from '../../ui/toasts.tsx';
import { keyFrom } from '../flags/newFlag.ts';

export function EnvironmentsPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const access = useAccess(project);
  const environments = useQuery(environmentsQuery(project));
  const [making, setMaking] = useState(false);
  const make = access.admin ? <button type="button" className="button primary" onClick={() => setMaking(true)}><Icon name="plus" size={16} />New environment</button> : null;
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Environments</h1><p>In each of them every flag is steered by itself.</p></div>{make}</div>
      <Loaded query={environments} what="environments">
        {(all) =>
          all.length === 0 ? (
            <Empty title="No environment yet" action={make}>A flag does something somewhere: in development, in production.</Empty>
          ) : (
            <ul className="stack-small">
              {all.map((environment) => (
                <li key={environment.id} className="card stack-small">
                  <div className="row">
                    <h2 className="given">{environment.name}</h2>
                    {environment.protected ? <span className="tag warn">protected</span> : null}
                    {environment.publishError ? <span className="tag bad">not published</span> : null}
                    <span className="grow" />
                    <Link className="button quiet" to="/projects/$project/keys" params={{ project }} search={{ env: environment.key }}>SDK keys<span className="only-read"> of {environment.name}</span></Link>
                    <Link className="button quiet" to="/projects/$project/compare" params={{ project }} search={{ to: environment.key }}>Compare<span className="only-read"> {environment.name}</span></Link>
                  </div>
                  <p className="small soft row-fixed"><span className="cut">Key <code>{environment.key}</code> · id <code>{environment.id}</code></span><Copy text={environment.id} label={`Copy the id of ${environment.name}`} quiet /></p>
                  {environment.publishError ? <p className="notice bad given">{environment.publishError}</p> : null}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {making ? <NewEnvironment project={project} existing={(environments.data ?? []).map(({ key, name }) => ({ key, name }))} onClose={() => setMaking(false)} /> : null}
    </>
  );
}

function NewEnvironment({ project, existing, onClose }: { project: string; existing: { key: string; name: string }[]; onClose: () => void }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const [name, setName] = useState('');
  const [guarded, setGuarded] = useState(false);
  const [like, setLike] = useState('');
  const key = keyFrom(name);
  const make = useMutation({
    mutationFn: () => {
      const body = { key, name: name.trim(), protected: guarded };
      return like
        ? data(client.POST('/admin/projects/{project}/environments/{environment}/clone', { params: { path: { project, environment: like } }, body }))
        : data(client.POST('/admin/projects/{project}/environments', { params: { path: { project } }, body }));
    },
    onSuccess: (made) => {
      toasts.say(`${made.name} is there`);
      void queries.invalidateQueries({ queryKey: ['project', project] });
      onClose();
    },
  });
  return (
    <Dialog
      title="New environment" onClose={onClose} onSubmit={() => key && make.mutate()}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="button primary" disabled={!key || make.isPending}>Create environment</button>
        </>
      }
    >
      <Field label="Name" hint={key ? <>Key: <code>{key}</code></> : undefined} error={make.isError ? sentence(make.error) : undefined}>
        {(wired) => <input {...wired} className="input" data-autofocus maxLength={200} placeholder="Staging" value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label="Begins" hint="A copy gives everybody the bucket that they have there.">
        {(wired) => (
          <select {...wired} className="input" value={like} onChange={(event) => setLike(event.target.value)}>
            <option value="">with every flag off</option>
            {existing.map((one) => <option key={one.key} value={one.key}>as a copy of {one.name}</option>)}
          </select>
        )}
      </Field>
      <label className="check">
        <input type="checkbox" checked={guarded} onChange={(event) => setGuarded(event.target.checked)} />
        <span>Protected<br /><span className="small soft">Only publishers change it, and the dashboard asks first.</span></span>
      </label>
    </Dialog>
  );
}
