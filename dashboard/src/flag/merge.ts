// Two people changed one flag from the same beginning: what only one of them changed is taken, what both changed differently is asked.
import type { FlagConfiguration } from '../api/types.ts';
import { changedParts, configurationOf, type PartKey, type Parts, partsOf } from './parts.ts';
import { same } from './same.ts';

export interface Conflict {
  part: PartKey;
  base: unknown;
  mine: unknown;
  theirs: unknown;
}

export type Side = 'mine' | 'theirs';

export interface Merged {
  configuration: FlagConfiguration;
  /** What both changed, each to something else. */
  conflicts: Conflict[];
  /** What only the others changed, and is taken. */
  taken: PartKey[];
}

/** Merges by part. Of a conflict the side that `chosen` says is taken; unless said, mine. */
export function merge(base: FlagConfiguration, mine: FlagConfiguration, theirs: FlagConfiguration, chosen: Record<string, Side> = {}): Merged {
  const [from, ours, others] = [partsOf(base), partsOf(mine), partsOf(theirs)];
  const conflicts: Conflict[] = [];
  const taken: PartKey[] = [];
  const merged: Parts = new Map();
  for (const part of new Set([...ours.keys(), ...others.keys()])) {
    if (part === 'order') continue;
    const values = { base: from.get(part), mine: ours.get(part), theirs: others.get(part) };
    let side: Side = 'mine';
    if (!same(values.mine, values.theirs)) {
      if (same(values.mine, values.base)) {
        side = 'theirs';
        taken.push(part);
      } else if (!same(values.theirs, values.base)) {
        conflicts.push({ part, ...values });
        side = chosen[part] ?? 'mine';
      }
    }
    const value = values[side];
    if (value !== undefined) merged.set(part, value);
  }
  const order = mergedOrder(from.get('order') as string[], ours.get('order') as string[], others.get('order') as string[]);
  if (order.both) conflicts.push({ part: 'order', base: from.get('order'), mine: ours.get('order'), theirs: others.get('order') });
  const [leading, following] = order.lead === 'theirs' || (order.both && chosen['order'] === 'theirs') ? [others, ours] : [ours, others];
  merged.set('order', woven(leading.get('order') as string[], following.get('order') as string[]).filter((id) => merged.has(`rule ${id}`)));
  return { configuration: configurationOf(merged), conflicts, taken };
}

/** Who moved rules that all three have: that side leads. */
function mergedOrder(base: string[], mine: string[], theirs: string[]): { lead: Side; both: boolean } {
  const common = (order: string[]) => order.filter((id) => base.includes(id) && mine.includes(id) && theirs.includes(id));
  const [moved, moving] = [!same(common(mine), common(base)), !same(common(theirs), common(base))];
  return { lead: moving && !moved ? 'theirs' : 'mine', both: moved && moving && !same(common(mine), common(theirs)) };
}

/** The first order, with what only the second has behind what it follows there. */
function woven(first: string[], second: string[]): string[] {
  const order = [...first];
  second.forEach((id, index) => {
    if (order.includes(id)) return;
    const before = second[index - 1];
    order.splice(before === undefined ? 0 : order.indexOf(before) + 1, 0, id);
  });
  return order;
}

export const differs = (a: FlagConfiguration, b: FlagConfiguration): boolean => changedParts(partsOf(a), partsOf(b)).length > 0;
