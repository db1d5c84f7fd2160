import type { KeyboardEvent } from 'react';

import type { Finding, Rule, Variant } from '../../../api/types.ts';
import { rulePieces } from '../../../flag/sentence.ts';
import { sharesOf } from '../../../flag/shares.ts';
import { ruleName } from '../../../flag/words.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { exactly } from '../../../ui/time.tsx';
import type { Known } from '../condition/LeafEditor.tsx';
import { Findings } from '../Findings.tsx';
import { Sentence } from '../Sentence.tsx';
import { RampCurve } from '../serve/RampCurve.tsx';
import { SplitBar } from '../serve/SplitBar.tsx';
import { RuleEditor } from './RuleEditor.tsx';
import type { Place } from './SlotEditor.tsx';

interface Props {
  rule: Rule;
  index: number;
  count: number;
  variants: Variant[];
  offVariant: string | undefined;
  known: Known;
  place: Place;
  findings: Finding[];
  disabled: boolean;
  open: boolean;
  onOpen: (open: boolean) => void;
  onMove: (to: number) => void;
  onDrag: (dragging: boolean) => void;
  onChange: (rule: Rule) => void;
  onRemove: () => void;
}

/** A rule as a sentence, and under it, when it is open, its editor. */
export function RuleCard(props: Props) {
  const { rule, index, count, variants, findings, disabled, open, onMove } = props;
  const name = ruleName(rule);
  const press = (event: KeyboardEvent) => {
    const to = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: count - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    onMove(to);
  };
  return (
    <article className={open ? 'card rule open' : 'card rule'} aria-label={`Rule ${index + 1}`}>
      <div className="rule-head">
        {disabled ? null : (
          <button
            type="button" className="button quiet icon rule-grip" draggable title="Drag, or press the arrow keys" aria-label={`Move ${name}, rule ${index + 1} of ${count}, with the arrow keys`}
            onKeyDown={press} onDragStart={(event) => { event.dataTransfer.effectAllowed = 'move'; event.dataTransfer.setData('text/plain', rule.id); props.onDrag(true); }} onDragEnd={() => props.onDrag(false)}
          ><Icon name="grip" /></button>
        )}
        <span className="rule-number" aria-hidden="true">{index + 1}</span>
        <div className="grow stack-small">
          {rule.name ? <h3 className="given">{rule.name}</h3> : null}
          <p><Sentence pieces={rulePieces(rule, Date.now())} /></p>
          {'split' in rule.serve && !open ? <SplitBar shares={sharesOf(rule.serve.split)} variants={variants} /> : null}
          {'ramp' in rule.serve && !open ? <RampCurve ramp={rule.serve.ramp} variants={variants} /> : null}
          {rule.from != null || rule.to != null ? (
            <p className="small soft">{rule.from != null ? `From ${exactly(rule.from)} ` : ''}{rule.to != null ? `until ${exactly(rule.to)}` : ''}</p>
          ) : null}
          <Findings findings={findings} />
        </div>
        {disabled ? null : (
          <div className="rule-actions">
            <button type="button" className="button quiet icon rule-step" aria-label={`Move ${name} up`} disabled={index === 0} onClick={() => onMove(index - 1)}><Icon name="up" size={16} /></button>
            <button type="button" className="button quiet icon rule-step" aria-label={`Move ${name} down`} disabled={index === count - 1} onClick={() => onMove(index + 1)}><Icon name="down" size={16} /></button>
            <button type="button" className="button quiet icon" aria-label={`Remove ${name}`} onClick={props.onRemove}><Icon name="trash" size={16} /></button>
            <button type="button" className="button" aria-expanded={open} onClick={() => props.onOpen(!open)}>{open ? 'Close' : 'Edit'}<span className="only-read"> {name}</span></button>
          </div>
        )}
      </div>
      {open && !disabled ? <RuleEditor rule={rule} variants={variants} offVariant={props.offVariant} known={props.known} place={props.place} onChange={props.onChange} /> : null}
    </article>
  );
}
