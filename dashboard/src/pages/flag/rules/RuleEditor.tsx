import { useState } from 'react';

import type { Rule, Variant } from '../../../api/types.ts';
import { quick } from '../../../flag/quick.ts';
import { Field } from '../../../ui/Field.tsx';
import { fromLocal, toLocal } from '../../../ui/local.ts';
import { ConditionEditor } from '../condition/ConditionEditor.tsx';
import type { Known } from '../condition/LeafEditor.tsx';
import { ServeEditor } from '../serve/ServeEditor.tsx';
import { type Place, SlotEditor } from './SlotEditor.tsx';

interface Props {
  rule: Rule;
  variants: Variant[];
  offVariant: string | undefined;
  known: Known;
  place: Place;
  onChange: (rule: Rule) => void;
}

export function RuleEditor({ rule, variants, offVariant, known, place, onChange }: Props) {
  return (
    <div className="rule-editor">
      <QuickRule rule={rule} variants={variants} offVariant={offVariant} known={known} place={place} onChange={onChange} />
      <fieldset className="stack-small">
        <legend className="label">If</legend>
        <ConditionEditor condition={rule.when} known={known} onChange={(when) => onChange({ ...rule, when })} />
      </fieldset>
      <fieldset className="stack-small">
        <legend className="label">Serve</legend>
        <ServeEditor serve={rule.serve} variants={variants} label="the rule" onChange={(serve) => onChange({ ...rule, serve })} />
      </fieldset>
      <details open={rule.layer != null}>
        <summary className="small">Layer</summary>
        <SlotEditor rule={rule} place={place} onChange={onChange} />
      </details>
      <details>
        <summary className="small">Name and time</summary>
        <div className="rule-more">
          <Field label="Name">{(wired) => <input {...wired} className="input" maxLength={256} value={rule.name ?? ''} onChange={(event) => onChange(without({ ...rule, name: event.target.value }, 'name', event.target.value === ''))} />}</Field>
          <Field label="From" hint="Before it the rule is passed over.">
            {(wired) => <input {...wired} type="datetime-local" className="input" value={rule.from == null ? '' : toLocal(rule.from)} onChange={(event) => onChange(without({ ...rule, from: fromLocal(event.target.value) }, 'from', event.target.value === ''))} />}
          </Field>
          <Field label="Until" hint="From then on the rule is passed over.">
            {(wired) => <input {...wired} type="datetime-local" className="input" value={rule.to == null ? '' : toLocal(rule.to)} onChange={(event) => onChange(without({ ...rule, to: fromLocal(event.target.value) }, 'to', event.target.value === ''))} />}
          </Field>
        </div>
        <p className="small soft">Id: <code>{rule.id}</code>, which evaluations report.</p>
      </details>
    </div>
  );
}

function without(rule: Rule, field: 'name' | 'from' | 'to', gone: boolean): Rule {
  if (!gone) return rule;
  const { [field]: _, ...rest } = rule;
  return rest;
}

/** The rule in one line, for whoever types faster than they click; the controls below follow. */
function QuickRule({ rule, variants, offVariant, known, onChange }: Props) {
  const [line, setLine] = useState('');
  const read = line.trim() === '' ? undefined : quick(line, { attributes: known.attributes, variants, offVariant });
  const type = (text: string) => {
    setLine(text);
    const now = quick(text, { attributes: known.attributes, variants, offVariant });
    if ('when' in now) onChange({ ...rule, when: now.when, serve: now.serve ?? rule.serve });
  };
  const fresh = 'all' in rule.when && rule.when.all.length === 0;
  return (
    <Field
      label="In words"
      hint={read && 'wrong' in read ? <span className="doubtful">{read.wrong}</span> : read ? 'Understood: see below.' : <>For example <code>country in US, CA and plan = pro: 25%</code></>}
    >
      {(wired) => <input {...wired} className="input" autoFocus={fresh} spellCheck={false} autoComplete="off" placeholder="country in US, CA and plan = pro: 25%" value={line} onChange={(event) => type(event.target.value)} />}
    </Field>
  );
}
