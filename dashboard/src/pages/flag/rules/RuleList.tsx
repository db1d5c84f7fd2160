import './rules.css';

import { type DragEvent, useRef, useState } from 'react';

import type { Finding, Rule, Variant } from '../../../api/types.ts';
import { findingsAt } from '../../../flag/findings.ts';
import { ruleName } from '../../../flag/words.ts';
import { Icon } from '../../../ui/Icon.tsx';
import type { Known } from '../condition/LeafEditor.tsx';
import { RuleCard } from './RuleCard.tsx';
import { newRuleId } from './ruleId.ts';
import type { Place } from './SlotEditor.tsx';

interface Props {
  rules: Rule[];
  variants: Variant[];
  offVariant: string | undefined;
  known: Known;
  place: Omit<Place, 'rules'>;
  findings: Finding[];
  disabled: boolean;
  onChange: (rules: Rule[]) => void;
}

/** The rules in their order: the first that matches decides. They are moved by dragging, or by the arrow keys on their handle. */
export function RuleList({ rules, variants, offVariant, known, place, findings, disabled, onChange }: Props) {
  const [open, setOpen] = useState<string | null>(null);
  const [told, setTold] = useState('');
  const dragged = useRef<string | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const list = useRef<HTMLOListElement>(null);

  const move = (id: string, to: number) => {
    const from = rules.findIndex((rule) => rule.id === id);
    const rule = rules[from];
    if (!rule || to < 0 || to >= rules.length || to === from) return;
    onChange(rules.toSpliced(from, 1).toSpliced(to, 0, rule));
    setTold(`${ruleName(rule)} is now rule ${to + 1} of ${rules.length}`);
    // The handle that was pressed goes with its rule.
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-rule="${CSS.escape(id)}"] .rule-grip`)?.focus());
  };
  const add = () => {
    const id = newRuleId(rules.map((rule) => rule.id));
    const first = variants.find(({ key }) => key !== offVariant) ?? variants[0];
    onChange([...rules, { id, when: { all: [] }, serve: { variant: first?.key ?? '' } }]);
    setOpen(id);
  };
  const drop = (event: DragEvent, index: number) => {
    event.preventDefault();
    if (dragged.current) move(dragged.current, index);
    dragged.current = null;
    setOver(null);
  };
  return (
    <section className="stack-small" aria-labelledby="rules-title">
      <div className="row">
        <h2 id="rules-title" className="grow">Rules</h2>
        {disabled ? null : <button type="button" className="button" onClick={add}><Icon name="plus" size={16} />Add rule</button>}
      </div>
      {rules.length === 0 ? <p className="soft">No rule yet: everybody is served what stands below under “Otherwise”.</p> : null}
      <ol className="rules" ref={list}>
        {rules.map((rule, index) => (
          <li
            key={rule.id} data-rule={rule.id} className={over === index ? 'rule-place over' : 'rule-place'}
            onDragOver={(event) => {
              if (dragged.current === null) return;
              event.preventDefault();
              setOver(index);
            }}
            onDrop={(event) => drop(event, index)}
          >
            <RuleCard
              rule={rule} index={index} count={rules.length} variants={variants} offVariant={offVariant} known={known} place={{ ...place, rules }} disabled={disabled}
              findings={findingsAt(findings, { section: 'rule', index })} open={open === rule.id}
              onOpen={(wanted) => setOpen(wanted ? rule.id : null)}
              onMove={(to) => move(rule.id, to)}
              onDrag={(dragging) => {
                dragged.current = dragging ? rule.id : null;
                if (!dragging) setOver(null);
              }}
              onChange={(next) => onChange(rules.map((one) => (one.id === rule.id ? next : one)))}
              onRemove={() => onChange(rules.filter((one) => one.id !== rule.id))}
            />
          </li>
        ))}
      </ol>
      <span className="only-read" role="status">{told}</span>
    </section>
  );
}
