// What was changed, as the server's named operations: weights move the fewest people, and the log says what was meant.
import type { components } from '../generated/schema.ts';
import type { FlagConfiguration, Prerequisite, Rule, Serve } from '../api/types.ts';
import { changedParts, type PartKey, partsOf, type TargetOf } from './parts.ts';
import { same } from './same.ts';
import { sharesOf } from './shares.ts';

export type Operation = components['schemas']['Operation'];

/** Operations that make `after` of `before`, in an order in which they can be applied. */
export function operationsBetween(before: FlagConfiguration, after: FlagConfiguration): Operation[] {
  const [from, to] = [partsOf(before), partsOf(after)];
  const operations: Operation[] = [];
  const removed: { unit: string; key: string }[] = [];
  const added = new Map<string, { target: TargetOf; keys: string[] }>();
  for (const part of changedParts(from, to)) {
    const [kind, name] = split(part);
    const [old, now] = [from.get(part), to.get(part)];
    if (kind === 'offVariant') operations.push({ op: 'setOffVariant', variant: now as string | null });
    if (kind === 'holdout') operations.push({ op: 'setHoldout', holdout: now as FlagConfiguration['holdout'] });
    if (kind === 'fallthrough') operations.push(serveOperation(undefined, old as Serve, now as Serve));
    if (kind === 'metadata') operations.push({ op: 'setMetadata', name, value: (now ?? null) as null });
    if (kind === 'prerequisite') operations.push(now ? { op: 'setPrerequisite', ...(now as Prerequisite) } : { op: 'removePrerequisite', flag: name });
    if (kind === 'rule' && old && !now) operations.push({ op: 'removeRule', id: name });
    if (kind === 'rule' && old && now) operations.push(ruleOperation(old as Rule, now as Rule));
    if (kind === 'target' && !now) removed.push(old as TargetOf);
    if (kind === 'target' && now) {
      const target = now as TargetOf;
      const group = JSON.stringify([target.unit, target.variant, target.expires]);
      const known = added.get(group) ?? { target, keys: [] };
      known.keys.push(target.key);
      added.set(group, known);
    }
  }
  for (const unit of new Set(removed.map((target) => target.unit))) {
    operations.push({ op: 'removeTargets', unit, keys: removed.filter((target) => target.unit === unit).map((target) => target.key) });
  }
  for (const { target, keys } of added.values()) {
    operations.push({ op: 'addTargets', unit: target.unit, variant: target.variant, keys, expires: target.expires ?? null });
  }
  operations.push(...orderOperations(before.rules ?? [], after.rules ?? []));
  // Last, so that nothing is on before it is as it should be.
  if (before.enabled !== after.enabled) operations.push({ op: after.enabled ? 'turnOn' : 'turnOff' });
  return operations;
}

const split = (part: PartKey): [string, string] => {
  const space = part.indexOf(' ');
  return space === -1 ? [part, ''] : [part.slice(0, space), part.slice(space + 1)];
};

function ruleOperation(old: Rule, now: Rule): Operation {
  return same({ ...old, serve: null }, { ...now, serve: null }) ? serveOperation(now.id, old.serve, now.serve) : { op: 'replaceRule', id: now.id, rule: now };
}

/** Only weights changed: the server moves the fewest people. */
function serveOperation(rule: string | undefined, old: Serve, now: Serve): Operation {
  if ('split' in old && 'split' in now && same(old.split.by, now.split.by)) {
    const weights: Record<string, number> = {};
    const shares = sharesOf(now.split);
    for (const { variant, weight } of shares) if (variant !== null) weights[variant] = weight;
    const nobody = [...shares, ...sharesOf(old.split)].some((share) => share.variant === null);
    if (!nobody) return { op: 'setWeights', weights, ...(rule === undefined ? {} : { rule }) };
  }
  return rule === undefined ? { op: 'setFallthrough', serve: now } : { op: 'setRuleServe', id: rule, serve: now };
}

/** New rules, and rules that move, from the first place to the last. */
function orderOperations(before: Rule[], after: Rule[]): Operation[] {
  const operations: Operation[] = [];
  const old = new Set(before.map((rule) => rule.id));
  const order = before.map((rule) => rule.id).filter((id) => after.some((rule) => rule.id === id));
  after.forEach((rule, position) => {
    if (!old.has(rule.id)) operations.push({ op: 'addRule', rule, position });
    else if (order[position] === rule.id) return;
    else {
      operations.push({ op: 'moveRule', id: rule.id, position });
      order.splice(order.indexOf(rule.id), 1);
    }
    order.splice(position, 0, rule.id);
  });
  return operations;
}
