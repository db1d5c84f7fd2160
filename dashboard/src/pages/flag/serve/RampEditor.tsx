import type { Ramp, Variant } from '../../../api/types.ts';
import { withShare } from '../../../flag/shares.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { fromLocal, toLocal } from '../../../ui/local.ts';
import { PercentInput } from './PercentInput.tsx';
import { RampCurve } from './RampCurve.tsx';

const HOUR = 3_600_000;
const LENGTHS: [string, number][] = [['1 hour', HOUR], ['1 day', 24 * HOUR], ['3 days', 72 * HOUR], ['1 week', 168 * HOUR], ['2 weeks', 336 * HOUR]];

interface Props {
  ramp: Ramp;
  variants: Variant[];
  onChange: (ramp: Ramp) => void;
}

export function RampEditor({ ramp, variants, onChange }: Props) {
  const names = ramp.variants.map((variant) => variant ?? 'nobody');
  const step = (index: number, change: Partial<Ramp['steps'][number]>) =>
    onChange({ ...ramp, steps: ramp.steps.map((one, place) => (place === index ? { ...one, ...change } : one)) });
  const weigh = (index: number, part: number, weight: number) => {
    const shares = (ramp.steps[index]?.weights ?? []).map((one) => ({ variant: null, weight: one }));
    step(index, { weights: withShare(shares, part, weight).map((share) => share.weight) });
  };
  const over = (length: number) => {
    const begin = Date.now();
    const steps = ramp.steps.map((one, index) => ({ ...one, at: begin + Math.round((length * index) / Math.max(1, ramp.steps.length - 1)) }));
    onChange({ ...ramp, steps });
  };
  const add = () => {
    const [before, last] = ramp.steps.slice(-2);
    if (!last) return;
    onChange({ ...ramp, steps: [...ramp.steps, { at: last.at + (before ? last.at - before.at : 24 * HOUR), weights: [...last.weights] }] });
  };
  const late = ramp.steps.some((one, index) => index > 0 && one.at <= (ramp.steps[index - 1]?.at ?? 0));
  return (
    <div className="stack-small">
      <RampCurve ramp={ramp} variants={variants} />
      <div className="row" role="group" aria-label="Length, from now">
        <span className="small soft">From now over</span>
        {LENGTHS.map(([label, length]) => <button key={label} type="button" className="button usual" onClick={() => over(length)}>{label}</button>)}
      </div>
      <ol className="steps">
        {ramp.steps.map((one, index) => (
          <li key={index} className="step">
            <input
              type="datetime-local" className="input step-time" aria-label={`Time of step ${index + 1}`} value={toLocal(one.at)}
              onChange={({ target: { value } }) => {
                const at = fromLocal(value);
                if (at !== undefined) step(index, { at });
              }}
            />
            {names.map((name, part) => (
              <span key={part} className="row-fixed">
                <bdi className="cut small step-name">{name}</bdi>
                <PercentInput label={`Step ${index + 1}: percentage of ${name}`} weight={one.weights[part] ?? 0} onChange={(weight) => weigh(index, part, weight)} />
              </span>
            ))}
            {ramp.steps.length > 2 ? (
              <button type="button" className="button quiet icon" aria-label={`Remove step ${index + 1}`} onClick={() => onChange({ ...ramp, steps: ramp.steps.filter((_, place) => place !== index) })}><Icon name="trash" size={16} /></button>
            ) : null}
          </li>
        ))}
      </ol>
      {late ? <p className="bad small" role="alert">Each step must be later than the one before it.</p> : null}
      <div><button type="button" className="button quiet" onClick={add}><Icon name="plus" size={16} />Step</button></div>
      <p className="small soft">Between two steps the shares move in a straight line, at every edge by itself, also when Pennon is away.</p>
    </div>
  );
}
