import type { Finding, Target, Variant } from '../../api/types.ts';
import { targetPieces } from '../../flag/sentence.ts';
import { Chips } from '../../ui/Chips.tsx';
import { Field } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { fromLocal, toLocal } from '../../ui/local.ts';
import { Findings } from './Findings.tsx';
import { Sentence } from './Sentence.tsx';

interface Props {
  targets: Target[];
  variants: Variant[];
  findings: Finding[];
  disabled: boolean;
  onChange: (targets: Target[]) => void;
}

/** Individuals who get a variant whatever the rules say. */
export function Targets({ targets, variants, findings, disabled, onChange }: Props) {
  const put = (index: number, change: Partial<Target>) => onChange(targets.map((target, place) => (place === index ? { ...target, ...change } : target)));
  const add = () => onChange([...targets, { variant: variants[0]?.key ?? '', keys: [], unit: 'targetingKey' }]);
  return (
    <section className="stack-small" aria-labelledby="targets-title">
      <div className="row">
        <h2 id="targets-title">Individuals</h2>
        <span className="grow soft small">{targets.length === 0 ? 'nobody by name; they come before every rule' : null}</span>
        {disabled ? null : <button type="button" className="button quiet" onClick={add}><Icon name="plus" size={16} />Individuals</button>}
      </div>
      <Findings findings={findings} />
      {targets.map((target, index) =>
        disabled ? (
          <p key={index} className="card"><Sentence pieces={targetPieces(target)} /></p>
        ) : (
          <div key={index} className="card target">
            <label className="row small">
              Serve
              <select className="input" value={target.variant} aria-label={`Variant of group ${index + 1}`} onChange={(event) => put(index, { variant: event.target.value })}>
                {variants.map(({ key }) => <option key={key} value={key}>{key}</option>)}
              </select>
            </label>
            <div className="grow target-keys">
              <Chips values={target.keys} label={`Keys of group ${index + 1}`} placeholder="Keys of users; paste a list" onChange={(keys) => put(index, { keys: keys.map(String) })} />
              <details>
                <summary className="small">By {target.unit ?? 'targetingKey'}{target.expires == null ? '' : ', with an end'}</summary>
                <div className="rule-more">
                  <Field label="Attribute that the keys are of">{(wired) => <input {...wired} className="input" list="attributes" value={target.unit ?? 'targetingKey'} onChange={(event) => put(index, { unit: event.target.value })} />}</Field>
                  <Field label="Until">{(wired) => <input {...wired} type="datetime-local" className="input" value={target.expires == null ? '' : toLocal(target.expires)} onChange={(event) => put(index, { expires: fromLocal(event.target.value) ?? null })} />}</Field>
                </div>
              </details>
            </div>
            <button type="button" className="button quiet icon" aria-label={`Remove group ${index + 1}`} onClick={() => onChange(targets.filter((_, place) => place !== index))}><Icon name="trash" size={16} /></button>
          </div>
        ),
      )}
    </section>
  );
}
