import { Link } from '@tanstack/react-router';

import type { AttributeType, Segment } from '../../../api/types.ts';
import { type Leaf, operatorOf, operatorsFor, scalar } from '../../../flag/leaf.ts';
import { segmentPieces } from '../../../flag/sentence.ts';
import { Chips } from '../../../ui/Chips.tsx';
import { Sentence } from '../Sentence.tsx';

/** What the project knows and the editor offers. */
export interface Known {
  project: string;
  attributes: Record<string, AttributeType>;
  segments: Record<string, Segment>;
}

interface Props {
  leaf: Leaf;
  known: Known;
  onChange: (leaf: Leaf) => void;
}

export function LeafEditor({ leaf, known, onChange }: Props) {
  if (leaf.operator === 'segment') return <SegmentEditor leaf={leaf} known={known} onChange={onChange} />;
  const type = known.attributes[leaf.attribute];
  const operator = operatorOf(leaf.operator);
  const suiting = operatorsFor(type);
  const offered = suiting.some(({ id }) => id === operator.id) ? suiting : [operator, ...suiting];
  const name = (attribute: string) => {
    const first = operatorsFor(known.attributes[attribute])[0];
    const suits = operatorsFor(known.attributes[attribute]).some(({ id }) => id === leaf.operator);
    onChange({ ...leaf, attribute, operator: suits || !first ? leaf.operator : first.id, ...(suits ? {} : { values: [] }) });
  };
  const operate = (value: string) => {
    const negated = value.startsWith('not ');
    const next = operatorOf(negated ? value.slice(4) : value);
    onChange({ ...leaf, operator: next.id, negated, values: next.values === operator.values ? leaf.values : [], more: {} });
  };
  return (
    <div className="leaf">
      <input className="input leaf-attribute" list="attributes" aria-label="Attribute" placeholder="Attribute" maxLength={256} value={leaf.attribute} onChange={(event) => name(event.target.value)} />
      <select className="input" aria-label="Operator" value={`${leaf.negated ? 'not ' : ''}${operator.id}`} onChange={(event) => operate(event.target.value)}>
        {offered.flatMap((one) => [
          <option key={one.id} value={one.id}>{one.words}</option>,
          ...(one.not.startsWith('not: ') && !(leaf.negated && one.id === operator.id) ? [] : [<option key={`not ${one.id}`} value={`not ${one.id}`}>{one.not}</option>]),
        ])}
      </select>
      <ValuesEditor leaf={leaf} type={type} onChange={onChange} />
    </div>
  );
}

function ValuesEditor({ leaf, type, onChange }: { leaf: Leaf; type: AttributeType | undefined; onChange: (leaf: Leaf) => void }) {
  const operator = operatorOf(leaf.operator);
  const first = leaf.values[0];
  const one = (value: string | number | boolean) => onChange({ ...leaf, values: [value] });
  const single = { className: 'input leaf-value', 'aria-label': 'Value', value: String(first ?? '') };
  switch (operator.values) {
    case 'none':
      return null;
    case 'boolean':
      return (
        <select className="input" aria-label="Value" value={String(first ?? true)} onChange={(event) => one(event.target.value === 'true')}>
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      );
    case 'number':
      return <input {...single} type="number" step="any" value={first === undefined ? '' : String(first)} onChange={({ target: { value, valueAsNumber } }) => (value === '' ? onChange({ ...leaf, values: [] }) : Number.isFinite(valueAsNumber) && one(valueAsNumber))} />;
    case 'semver':
      return <input {...single} placeholder="2.1.0" onChange={(event) => one(event.target.value)} />;
    case 'datetime':
      return <input {...single} placeholder="2026-01-31T12:00:00Z" onChange={(event) => one(event.target.value)} />;
    case 'text':
      return <input {...single} className="input leaf-value code" placeholder="^pattern$" spellCheck={false} onChange={(event) => one(event.target.value)} />;
    default:
      return (
        <div className="leaf-values">
          <Chips values={leaf.values} label="Values" placeholder="Value, value…" read={(text) => (operator.values === 'texts' ? text : scalar(text, type, leaf.values))} onChange={(values) => onChange({ ...leaf, values })} />
          {type === undefined || type === 'string' ? (
            <label className="check small soft"><input type="checkbox" checked={leaf.ignoreCase} onChange={(event) => onChange({ ...leaf, ignoreCase: event.target.checked })} />in whatever case</label>
          ) : null}
        </div>
      );
  }
}

function SegmentEditor({ leaf, known, onChange }: Props) {
  const key = String(leaf.values[0] ?? '');
  return (
    <div className="leaf">
      <select className="input" aria-label="Operator" value={String(leaf.negated)} onChange={(event) => onChange({ ...leaf, negated: event.target.value === 'true' })}>
        <option value="false">is in segment</option>
        <option value="true">is not in segment</option>
      </select>
      <select className="input" aria-label="Segment" value={key} onChange={(event) => onChange({ ...leaf, values: [event.target.value] })}>
        {known.segments[key] ? null : <option value={key}>{key || 'Choose…'}</option>}
        {Object.keys(known.segments).map((segment) => <option key={segment} value={segment}>{segment}</option>)}
      </select>
      {known.segments[key] ? (
        <p className="small leaf-segment">
          <Sentence pieces={segmentPieces(known.segments[key])} />{' '}
          <Link to="/projects/$project/segments/$segment" params={{ project: known.project, segment: key }} target="_blank">Open<span className="only-read"> the segment {key} in another tab</span></Link>
        </p>
      ) : null}
    </div>
  );
}
