import './environments.css';

import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { environmentsQuery } from '../../api/queries.ts';
import type { Environment } from '../../api/types.ts';
import { Copy } from '../../ui/Copy.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Loaded } from '../../ui/Loaded.tsx';
import { DeleteEnvironment } from './DeleteEnvironment.tsx';
import { NewEnvironment } from './NewEnvironment.tsx';
import { Settings } from './Settings.tsx';

export function EnvironmentsPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const access = useAccess(project);
  const environments = useQuery(environmentsQuery(project));
  const [making, setMaking] = useState(false);
  const [deleting, setDeleting] = useState<Environment | null>(null);
  const [editing, setEditing] = useState<Environment | null>(null);
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
                    <span className="environment-dot" style={{ background: environment.colour ?? undefined }} />
                    <h2 className="given">{environment.name}</h2>
                    {environment.protected ? <span className="tag warn">protected</span> : null}
                    {environment.publishError ? <span className="tag bad">not published</span> : null}
                    <span className="grow" />
                    {access.admin ? <button type="button" className="button quiet" onClick={() => setEditing(environment)}>Edit<span className="only-read"> {environment.name}</span></button> : null}
                    {access.admin ? <button type="button" className="button quiet" onClick={() => setDeleting(environment)}>Delete<span className="only-read"> {environment.name}</span></button> : null}
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
      {editing ? <Settings project={project} environment={editing} count={environments.data?.length ?? 1} onClose={() => setEditing(null)} /> : null}
      {deleting ? <DeleteEnvironment project={project} environment={deleting} onClose={() => setDeleting(null)} /> : null}
      {making ? <NewEnvironment project={project} existing={(environments.data ?? []).map(({ key, name }) => ({ key, name }))} onClose={() => setMaking(false)} /> : null}
    </>
  );
}
