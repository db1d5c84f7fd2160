import './start.css';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { client, data } from '../../api/client.ts';
import { about, sentence } from '../../api/problem.ts';
import { configurationQuery, environmentsQuery } from '../../api/queries.ts';
import { turn } from '../../api/turn.ts';
import type { Environment, NewSdkKey } from '../../api/types.ts';
import { Field } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Loaded } from '../../ui/Loaded.tsx';
import { Switch } from '../../ui/Switch.tsx';
import { flagFrom, keyFrom, NOTHING_TYPED } from '../flags/newFlag.ts';
import { LivePage } from './LivePage.tsx';

/** The first flag, and a page that shows it flip: by a real key, through the real SDK. */
export function StartPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const access = useAccess(project);
  const environments = useQuery(environmentsQuery(project));
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Your first flag</h1><p>Make it, and watch a page follow it.</p></div></div>
      <Loaded query={environments} what="the environments">
        {(all) => {
          const environment = all.find((one) => access.change(one) && !one.protected) ?? all.find((one) => access.change(one));
          if (!environment) return <Empty title="No environment that you may change">Ask an admin of the project.</Empty>;
          return <First project={project} environment={environment} />;
        }}
      </Loaded>
    </>
  );
}

interface Made {
  flag: string;
  key: NewSdkKey;
}

function First({ project, environment }: { project: string; environment: Environment }) {
  const queries = useQueryClient();
  const [name, setName] = useState('New checkout');
  const [made, setMade] = useState<Made | null>(null);
  const key = keyFrom(name);
  const make = useMutation({
    mutationFn: async (): Promise<Made> => {
      const { definition } = flagFrom({ ...NOTHING_TYPED, name });
      const body = { key, definition: { ...definition, variants: [{ key: 'on', value: true }, { key: 'off', value: false }] } };
      await data(client.POST('/admin/projects/{project}/flags', { params: { path: { project } }, body }));
      const shown = await data(client.POST('/admin/projects/{project}/environments/{environment}/sdk-keys', { params: { path: { project, environment: environment.key } }, body: { kind: 'client', name: 'first look' } }));
      return { flag: key, key: shown };
    },
    onSuccess: (first) => {
      setMade(first);
      void queries.invalidateQueries({ queryKey: ['project', project] });
    },
  });
  const keyWrong = about(make.error, 'key');
  return (
    <ol className="start">
      <li className="card stack-small">
        <h2>1. Make a flag</h2>
        {made ? (
          <p className="row-fixed"><Icon name="check" /><span className="given">The flag <code>{made.flag}</code> is there: off, in every environment.</span></p>
        ) : (
          <form className="start-form" onSubmit={(event) => { event.preventDefault(); if (key) make.mutate(); }}>
            <Field label="Name" hint={<>Key: <code>{key || '…'}</code></>} error={keyWrong}>
              {(wired) => <input {...wired} className="input" autoFocus maxLength={200} value={name} onFocus={(event) => event.target.select()} onChange={(event) => setName(event.target.value)} />}
            </Field>
            <button type="submit" className="button primary" disabled={!key || make.isPending}>{make.isPending ? 'One moment…' : 'Create flag'}</button>
          </form>
        )}
        {make.isError && !keyWrong ? <p className="notice bad given" role="alert">{sentence(make.error)}</p> : null}
      </li>
      <li className="card stack-small" aria-disabled={!made || undefined}>
        <h2>2. Flip it</h2>
        {made ? <Flip project={project} environment={environment} made={made} /> : <p className="soft">A switch, and beside it a page that asks for the flag.</p>}
      </li>
      {made ? (
        <li className="card stack-small">
          <h2>3. Go on</h2>
          <div className="row">
            <Link to="/projects/$project/flags/$flag" params={{ project, flag: made.flag }} search={{ env: environment.key }} className="button primary">Serve it to some: write a rule</Link>
            <Link to="/projects/$project/keys" params={{ project }} search={{ env: environment.key }} className="button">Put it into your program</Link>
            <Link to="/projects/$project/flags" params={{ project }} className="button">All flags</Link>
          </div>
        </li>
      ) : null}
    </ol>
  );
}

function Flip({ project, environment, made }: { project: string; environment: Environment; made: Made }) {
  const queries = useQueryClient();
  const query = configurationQuery(project, environment.key, made.flag);
  const kept = useQuery(query);
  const flip = useMutation({
    mutationFn: (on: boolean) => turn({ project, environment: environment.key, flag: made.flag }, on, kept.data?.version),
    onSuccess: (next) => {
      queries.setQueryData(query.queryKey, next);
      void queries.invalidateQueries({ queryKey: ['project', project, 'flags'] });
    },
  });
  return (
    <Loaded query={kept} what="the flag">
      {({ enabled }) => (
        <div className="start-flip">
          <div className="start-switch">
            <Switch checked={enabled} disabled={flip.isPending} label={`${made.flag} in ${environment.name}`} onChange={(on) => flip.mutate(on)} />
            <span><strong>{enabled ? 'On' : 'Off'}</strong> <span className="soft">in {environment.name}</span></span>
            {flip.isError ? <p className="bad small" role="alert">{sentence(flip.error)}</p> : null}
          </div>
          <LivePage connection={made.key.connectionString} flag={made.flag} />
        </div>
      )}
    </Loaded>
  );
}
