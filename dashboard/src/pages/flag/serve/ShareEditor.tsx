import type { Split, Variant } from '../../../api/types.ts';
import { type Share, sharesOf, WHOLE, withShare } from '../../../flag/shares.ts';
import { partColour } from './colours.ts';
import { PercentInput } from './PercentInput.tsx';
import { SplitBar } from './SplitBar.tsx';

/** Steps that rollouts usually take, in percent. */
const USUAL = [1, 5, 10, 25, 50, 75, 100];

interface Props {
  split: Split;
  variants: Variant[];
  onChange: (split: Split) => void;
}

export function ShareEditor({ split, variants, onChange }: Props) {
  const given = sharesOf(split);
  const shares: Share[] = [...given, ...variants.filter(({ key }) => !given.some((share) => share.variant === key)).map(({ key }) => ({ variant: key, weight: 0 }))];
  const change = (index: number, weight: number) =>
    onChange({ ...split, weights: withShare(shares, index, weight).filter((share) => share.weight > 0 || given.some((one) => one.variant === share.variant)) });
  const first = shares[0];
  return (
    <div className="stack-small">
      <SplitBar shares={shares} variants={variants} />
      <ul className="shares">
        {shares.map(({ variant, weight }, index) => (
          <li key={variant ?? ''} className="share">
            <span className="share-dot" style={{ background: variant === null ? undefined : partColour(variants.findIndex(({ key }) => key === variant)) }} />
            <bdi className="cut share-name" title={variant ?? undefined}>{variant ?? 'nobody'}</bdi>
            <input
              type="range" min={0} max={WHOLE} step={1000} value={weight} aria-label={`Share of ${variant ?? 'nobody'}`} aria-valuetext={`${weight / 1000} percent`}
              onChange={(event) => change(index, Number(event.target.value))}
            />
            <PercentInput label={`Percentage of ${variant ?? 'nobody'}`} weight={weight} onChange={(wanted) => change(index, wanted)} />
          </li>
        ))}
      </ul>
      {first ? (
        <div className="row" role="group" aria-label={`Usual shares of ${first.variant ?? 'nobody'}`}>
          {USUAL.map((share) => (
            <button key={share} type="button" className="button usual" aria-pressed={first.weight === share * 1000} onClick={() => change(0, share * 1000)}>{share} %</button>
          ))}
        </div>
      ) : null}
      <details>
        <summary className="small">Who stays together</summary>
        <label className="row small shares-unit">
          By the attribute
          <input className="input shares-unit-input" list="attributes" value={split.by.unit ?? 'targetingKey'} onChange={({ target: { value } }) => onChange({ ...split, by: { ...split.by, unit: value } })} />
        </label>
        <p className="small soft">The same value always gets the same variant. Growing a share takes it from nobody.</p>
      </details>
    </div>
  );
}
