import './condition.css';

import type { Condition } from '../../../api/types.ts';
import { conditionOf, emptyLeaf, leafOf } from '../../../flag/leaf.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { JsonEditor } from '../JsonEditor.tsx';
import { type Known, LeafEditor } from './LeafEditor.tsx';

/** Groups within groups that are offered; the server allows more, and JSON reaches them. */
const DEEPEST = 4;

interface Props {
  condition: Condition;
  known: Known;
  depth?: number;
  onChange: (condition: Condition) => void;
}

type Group = { join: 'all' | 'any'; negated: boolean; parts: Condition[] };

function groupOf(condition: Condition): Group | undefined {
  if ('all' in condition) return { join: 'all', negated: false, parts: condition.all };
  if ('any' in condition) return { join: 'any', negated: false, parts: condition.any };
  if (!('not' in condition)) return undefined;
  const inner = groupOf(condition.not);
  return inner && !inner.negated ? { ...inner, negated: true } : undefined;
}

function fromGroup({ join, negated, parts }: Group): Condition {
  const group: Condition = join === 'all' ? { all: parts } : { any: parts };
  return negated ? { not: group } : group;
}

/** A condition as a tree: groups joined by and / or, each part an attribute, an operator and values. */
export function ConditionEditor({ condition, known, depth = 0, onChange }: Props) {
  const group = groupOf(condition) ?? (depth === 0 ? { join: 'all' as const, negated: false, parts: [condition] } : undefined);
  if (group) return <GroupEditor group={group} known={known} depth={depth} onChange={(next) => onChange(fromGroup(next))} />;
  const leaf = leafOf(condition);
  if (leaf) return <LeafEditor leaf={leaf} known={known} onChange={(next) => onChange(conditionOf(next))} />;
  return <JsonEditor label="Condition as JSON" value={condition} onChange={(value) => onChange(value as Condition)} />;
}

function GroupEditor({ group, known, depth, onChange }: { group: Group; known: Known; depth: number; onChange: (group: Group) => void }) {
  const put = (index: number, part: Condition | null) =>
    onChange({ ...group, parts: part === null ? group.parts.filter((_, place) => place !== index) : group.parts.map((one, place) => (place === index ? part : one)) });
  const add = (part: Condition) => onChange({ ...group, parts: [...group.parts, part] });
  const [segment] = Object.keys(known.segments);
  const words = `${group.negated ? 'not ' : ''}${group.join}`;
  return (
    <div className={depth > 0 ? 'group inner' : 'group'}>
      {group.parts.length > 1 || depth > 0 || group.negated ? (
        <label className="row small soft">
          Holds when
          <select
            className="input group-join" value={words} aria-label="How the conditions are joined"
            onChange={({ target: { value } }) => onChange({ ...group, negated: value.startsWith('not '), join: value.endsWith('any') ? 'any' : 'all' })}
          >
            <option value="all">all of these hold (and)</option>
            <option value="any">any of these holds (or)</option>
            <option value="not all">not all of these hold</option>
            <option value="not any">none of these holds</option>
          </select>
        </label>
      ) : null}
      {group.parts.length === 0 ? <p className="small soft">{group.join === 'all' ? 'No condition: it holds for everybody.' : 'No condition: it holds for nobody.'}</p> : null}
      {group.parts.map((part, index) => (
        <div key={index} className="part">
          <div className="grow"><ConditionEditor condition={part} known={known} depth={depth + 1} onChange={(next) => put(index, next)} /></div>
          <button type="button" className="button quiet icon" aria-label={`Remove condition ${index + 1}`} onClick={() => put(index, null)}><Icon name="trash" size={16} /></button>
        </div>
      ))}
      <div className="row">
        <button type="button" className="button quiet" onClick={() => add(conditionOf(emptyLeaf()))}><Icon name="plus" size={16} />Condition</button>
        {segment !== undefined ? <button type="button" className="button quiet" onClick={() => add({ segment })}><Icon name="plus" size={16} />Segment</button> : null}
        {depth < DEEPEST ? <button type="button" className="button quiet" onClick={() => add({ any: [conditionOf(emptyLeaf())] })}><Icon name="plus" size={16} />Group</button> : null}
      </div>
    </div>
  );
}
