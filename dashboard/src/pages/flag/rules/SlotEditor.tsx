import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import { layersQuery, layerUsesQuery } from '../../../api/queries.ts';
import type { Rule } from '../../../api/types.ts';
import { WHOLE } from '../../../flag/shares.ts';
import { freeSlots } from '../../../flag/slots.ts';
import { ruleName } from '../../../flag/words.ts';
import { SlotFields } from '../../layers/SlotFields.tsx';

/** Where a rule stands: what others take of a layer is read of there. */
export interface Place {
  project: string;
  environment: string;
  flag: string;
  /** The flag's rules as they are being edited. */
  rules: Rule[];
}

interface Props {
  rule: Rule;
  place: Place;
  onChange: (rule: Rule) => void;
}

/** The slot of a layer that the rule keeps to. */
export function SlotEditor({ rule, place, onChange }: Props) {
  const layers = useQuery(layersQuery(place.project));
  const known = layers.data?.items.map(({ key }) => key) ?? [];
  const chosen = rule.layer?.layer ?? '';
  const uses = useQuery({ ...layerUsesQuery(place.project, chosen), enabled: chosen !== '' });
  // Of this flag what is being edited counts; of the others what is saved.
  const own = place.rules.flatMap((one) => (one.id !== rule.id && one.layer?.layer === chosen ? [{ ...one.layer, name: `rule ${ruleName(one)}` }] : []));
  const others = (uses.data?.items ?? []).filter((use) => use.environment === place.environment && use.flag !== place.flag).map((use) => ({ ...use, name: `${use.flag}, ${use.name || use.rule}` }));
  const taken = [...own, ...others];
  const choose = (layer: string) => {
    const { layer: before, ...rest } = rule;
    if (layer === '') return onChange(rest);
    onChange({ ...rest, layer: { from: before?.from ?? 0, to: before?.to ?? WHOLE, layer } });
  };
  if (known.length === 0 && !chosen) {
    return <p className="small soft">Experiments that must not meet in one person take slots of a layer: <Link to="/projects/$project/layers" params={{ project: place.project }}>make one first</Link>.</p>;
  }
  return (
    <div className="stack-small">
      <select className="input" aria-label="Layer" value={chosen} onChange={(event) => choose(event.target.value)}>
        <option value="">No layer: everybody whom the rule fits</option>
        {[...new Set([...known, ...(chosen ? [chosen] : [])])].map((key) => <option key={key} value={key}>Only a slot of {key}</option>)}
      </select>
      {rule.layer ? <SlotFields slot={rule.layer} taken={taken} onChange={({ from, to }) => onChange({ ...rule, layer: { layer: chosen, from, to } })} /> : null}
      {rule.layer && freeSlots(taken).length > 0 ? <p className="small soft">Rules that take different slots of one layer never share a person.</p> : null}
    </div>
  );
}
