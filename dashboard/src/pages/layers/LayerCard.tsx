import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { client, data, writing } from '../../api/client.ts';
import { layerUsesQuery } from '../../api/queries.ts';
import type { Environment, KeptLayer, SlotTaken } from '../../api/types.ts';
import { percent } from '../../flag/shares.ts';
import { freeSlots, slotInWords } from '../../flag/slots.ts';
import { layerHistory } from '../../history/source.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { partColour } from '../flag/serve/colours.ts';
import { Buckets } from './Buckets.tsx';
import { BucketsDialog } from './BucketsDialog.tsx';
import { SlotBar } from './SlotBar.tsx';
import { SlotDialog } from './SlotDialog.tsx';

interface Props {
  project: string;
  layer: KeptLayer;
  environments: Environment[];
}

/** A layer, and in each environment which rule of which flag takes which slot of it. */
export function LayerCard({ project, layer, environments }: Props) {
  const uses = useQuery(layerUsesQuery(project, layer.key));
  const [editing, setEditing] = useState(false);
  const where = environments.map((environment) => ({ environment, taken: (uses.data?.items ?? []).filter((use) => use.environment === environment.key).toSorted((a, b) => a.from - b.from || a.to - b.to) }));
  const more = (uses.data?.total ?? 0) - (uses.data?.items.length ?? 0);
  return (
    <Buckets
      project={project} name={layer.key} words={`by ${layer.definition.by.unit ?? 'targetingKey'}`} history={layerHistory(project, layer.key)} onEdit={() => setEditing(true)}
      users={uses.data?.items.map(({ flag, environment }) => `${flag} in ${environment}`)}
      remove={() => data(client.DELETE('/admin/projects/{project}/layers/{layer}', { params: { path: { project, layer: layer.key } }, ...writing(layer.version) }))}
    >
      <Loaded query={uses} what="who uses it">
        {({ items }) => (
          <>
            {items.length === 0 ? <p className="soft small">No rule takes a slot of it yet: choose the layer where a rule is edited.</p> : null}
            {where.map(({ environment, taken }) => (taken.length > 0 ? <InEnvironment key={environment.key} project={project} environment={environment} layer={layer.key} taken={taken} /> : null))}
            {more > 0 ? <p className="soft small">and {more} more rules</p> : null}
          </>
        )}
      </Loaded>
      {editing ? <BucketsDialog kind="layer" project={project} kept={layer} taken={[]} onClose={() => setEditing(false)} /> : null}
    </Buckets>
  );
}

function InEnvironment({ project, environment, layer, taken }: { project: string; environment: Environment; layer: string; taken: SlotTaken[] }) {
  const access = useAccess(project);
  const [editing, setEditing] = useState<SlotTaken | null>(null);
  const named = (use: SlotTaken) => `${use.flag}, ${use.name || use.rule}`;
  const free = freeSlots(taken).reduce((sum, slot) => sum + slot.to - slot.from, 0);
  return (
    <section className="layers-environment" aria-label={`${layer} in ${environment.name}`}>
      <div className="row small"><strong className="grow given">{environment.name}</strong><span className="soft">{free === 0 ? 'all taken' : `${percent(free)} free`}</span></div>
      <SlotBar slots={taken.map((use) => ({ ...use, name: named(use) }))} />
      <ul className="slot-uses">
        {taken.map((use, index) => (
          <li key={`${use.flag} ${use.rule}`} className="slot-use small">
            <span className="share-dot" style={{ background: partColour(index) }} />
            <span className="slot-range">{slotInWords(use)}</span>
            <span className="slot-what cut">
              <Link to="/projects/$project/flags/$flag" params={{ project, flag: use.flag }} search={{ env: environment.key }}>{use.flag}</Link>
              <span className="soft"> · {use.name || use.rule}{use.enabled ? '' : ' · the flag is off'}</span>
            </span>
            {access.change(environment) ? <button type="button" className="button quiet" onClick={() => setEditing(use)}>Change<span className="only-read"> the slot of {named(use)} in {environment.name}</span></button> : <span />}
          </li>
        ))}
      </ul>
      {editing ? (
        <SlotDialog
          project={project} environment={environment} use={editing} onClose={() => setEditing(null)}
          others={taken.filter((use) => use !== editing).map((use) => ({ ...use, name: named(use) }))}
        />
      ) : null}
    </section>
  );
}
