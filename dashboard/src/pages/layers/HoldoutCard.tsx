import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { client, data, writing } from '../../api/client.ts';
import { holdoutUsesQuery } from '../../api/queries.ts';
import type { Environment, KeptHoldout } from '../../api/types.ts';
import { percent } from '../../flag/shares.ts';
import { holdoutHistory } from '../../history/source.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { Buckets } from './Buckets.tsx';
import { BucketsDialog } from './BucketsDialog.tsx';
import { SlotBar } from './SlotBar.tsx';

interface Props {
  project: string;
  holdout: KeptHoldout;
  environments: Environment[];
}

/** A holdout, and the flags that name it. */
export function HoldoutCard({ project, holdout, environments }: Props) {
  const uses = useQuery(holdoutUsesQuery(project, holdout.key));
  const [editing, setEditing] = useState(false);
  const { weight, by } = holdout.definition;
  const more = (uses.data?.total ?? 0) - (uses.data?.items.length ?? 0);
  const named = (key: string) => environments.find((environment) => environment.key === key)?.name ?? key;
  return (
    <Buckets
      project={project} name={holdout.key} words={`${percent(weight)} of all are held out, by ${by.unit ?? 'targetingKey'}`} history={holdoutHistory(project, holdout.key)} onEdit={() => setEditing(true)}
      users={uses.data?.items.map(({ flag, environment }) => `${flag} in ${environment}`)}
      remove={() => data(client.DELETE('/admin/projects/{project}/holdouts/{holdout}', { params: { path: { project, holdout: holdout.key } }, ...writing(holdout.version) }))}
    >
      <SlotBar slots={[{ from: 0, to: weight, name: 'held out' }]} />
      <Loaded query={uses} what="who uses it">
        {({ items }) => (
          <>
            {items.length === 0 ? <p className="soft small">No flag names it yet: choose it on a flag’s page.</p> : null}
            <ul className="slot-uses">
              {items.map((use) => (
                <li key={`${use.environment} ${use.flag}`} className="small given">
                  <Link to="/projects/$project/flags/$flag" params={{ project, flag: use.flag }} search={{ env: use.environment }}>{use.flag}</Link>
                  <span className="soft"> in {named(use.environment)}: held out people get <bdi>{use.variant}</bdi>{use.enabled ? '' : ' · the flag is off'}</span>
                </li>
              ))}
            </ul>
            {more > 0 ? <p className="soft small">and {more} more flags</p> : null}
          </>
        )}
      </Loaded>
      {editing ? <BucketsDialog kind="holdout" project={project} kept={holdout} taken={[]} onClose={() => setEditing(false)} /> : null}
    </Buckets>
  );
}
