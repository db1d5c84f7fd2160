import './layers.css';

import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { environmentsQuery, holdoutsQuery, layersQuery } from '../../api/queries.ts';
import type { Environment } from '../../api/types.ts';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Loaded } from '../../ui/Loaded.tsx';
import { BucketsDialog } from './BucketsDialog.tsx';
import { HoldoutCard } from './HoldoutCard.tsx';
import { LayerCard } from './LayerCard.tsx';

/** What keeps experiments apart: layers, of which rules take slots, and holdouts, whom no rule reaches. */
export function LayersPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const environments = useQuery(environmentsQuery(project));
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Layers and holdouts</h1><p>Experiments that never meet in one person, and people whom no experiment reaches.</p></div></div>
      <Loaded query={environments} what="the environments">
        {(all) => (
          <>
            <Layers project={project} environments={all} />
            <Holdouts project={project} environments={all} />
          </>
        )}
      </Loaded>
    </>
  );
}

interface Props {
  project: string;
  environments: Environment[];
}

function Layers({ project, environments }: Props) {
  const access = useAccess(project);
  const layers = useQuery(layersQuery(project));
  const [making, setMaking] = useState(false);
  const make = access.edit ? <button type="button" className="button" onClick={() => setMaking(true)}><Icon name="plus" size={16} />New layer</button> : null;
  return (
    <section className="stack layers-section" aria-labelledby="layers-title">
      <div className="row"><h2 id="layers-title" className="grow">Layers</h2>{layers.data?.items.length ? make : null}</div>
      <Loaded query={layers} what="layers">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No layer yet" action={make}>Rules that take different slots of one layer never share a person: for experiments that would disturb each other.</Empty>
          ) : (
            <ul className="stack">{items.map((layer) => <li key={layer.key}><LayerCard project={project} layer={layer} environments={environments} /></li>)}</ul>
          )
        }
      </Loaded>
      {making ? <BucketsDialog kind="layer" project={project} kept={null} taken={(layers.data?.items ?? []).map(({ key }) => key)} onClose={() => setMaking(false)} /> : null}
    </section>
  );
}

function Holdouts({ project, environments }: Props) {
  const access = useAccess(project);
  const holdouts = useQuery(holdoutsQuery(project));
  const [making, setMaking] = useState(false);
  const make = access.edit ? <button type="button" className="button" onClick={() => setMaking(true)}><Icon name="plus" size={16} />New holdout</button> : null;
  return (
    <section className="stack layers-section" aria-labelledby="holdouts-title">
      <div className="row"><h2 id="holdouts-title" className="grow">Holdouts</h2>{holdouts.data?.items.length ? make : null}</div>
      <Loaded query={holdouts} what="holdouts">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No holdout yet" action={make}>A share of all people stays outside of every flag that names it: to see what all changes together do.</Empty>
          ) : (
            <ul className="stack">{items.map((holdout) => <li key={holdout.key}><HoldoutCard project={project} holdout={holdout} environments={environments} /></li>)}</ul>
          )
        }
      </Loaded>
      {making ? <BucketsDialog kind="holdout" project={project} kept={null} taken={(holdouts.data?.items ?? []).map(({ key }) => key)} onClose={() => setMaking(false)} /> : null}
    </section>
  );
}
