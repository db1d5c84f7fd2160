import { useQuery } from '@tanstack/react-query';

import { holdoutsQuery } from '../../api/queries.ts';
import type { Finding, FlagConfiguration, Variant } from '../../api/types.ts';
import { percent } from '../../flag/shares.ts';
import { Findings } from './Findings.tsx';

type HeldOut = FlagConfiguration['holdout'];

interface Props {
  project: string;
  holdout: HeldOut;
  variants: Variant[];
  offVariant: string | undefined;
  findings: Finding[];
  disabled: boolean;
  onChange: (holdout: HeldOut) => void;
}

/** A share of the users that no rule reaches, the same for every flag with this holdout. Shown where the project has any. */
export function Holdout({ project, holdout, variants, offVariant, findings, disabled, onChange }: Props) {
  const holdouts = useQuery(holdoutsQuery(project));
  const known = holdouts.data?.items ?? [];
  if (known.length === 0 && !holdout) return null;
  const choose = (key: string) => onChange(key === '' ? null : { holdout: key, variant: holdout?.variant ?? offVariant ?? variants[0]?.key ?? '' });
  return (
    <section className="stack-small" aria-labelledby="holdout-title">
      <h2 id="holdout-title">Holdout</h2>
      <Findings findings={findings} />
      <div className="card row">
        <select className="input" aria-label="Holdout" disabled={disabled} value={holdout?.holdout ?? ''} onChange={(event) => choose(event.target.value)}>
          <option value="">Nobody is held out</option>
          {holdout && !known.some(({ key }) => key === holdout.holdout) ? <option value={holdout.holdout}>{holdout.holdout}</option> : null}
          {known.map(({ key, definition }) => <option key={key} value={key}>{key}: {percent(definition.weight)} of all</option>)}
        </select>
        {holdout ? (
          <label className="row small soft">
            who get
            <select className="input" disabled={disabled} value={holdout.variant} onChange={(event) => onChange({ ...holdout, variant: event.target.value })}>
              {variants.map(({ key }) => <option key={key} value={key}>{key}</option>)}
            </select>
          </label>
        ) : null}
      </div>
    </section>
  );
}
