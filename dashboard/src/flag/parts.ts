// A configuration in parts that change independently of one another: the ground of saving, of merging, and of saying what changed.
import type { FlagConfiguration, Prerequisite, Rule, Scalar, Target } from '../api/types.ts';
import { same } from './same.ts';

export type PartKey =
  | 'enabled' | 'offVariant' | 'fallthrough' | 'holdout' | 'order'
  | `rule ${string}` | `target ${string}` | `prerequisite ${string}` | `metadata ${string}`;

/** Of one key in one unit. */
export interface TargetOf {
  unit: string;
  key: string;
  variant: string;
  expires: number | undefined;
}

export type Parts = Map<PartKey, unknown>;

const UNIT = 'targetingKey';

export function partsOf(configuration: FlagConfiguration): Parts {
  const parts: Parts = new Map();
  parts.set('enabled', configuration.enabled);
  parts.set('offVariant', configuration.offVariant ?? null);
  parts.set('fallthrough', configuration.fallthrough);
  parts.set('holdout', configuration.holdout ?? null);
  parts.set('order', (configuration.rules ?? []).map((rule) => rule.id));
  for (const rule of configuration.rules ?? []) parts.set(`rule ${rule.id}`, rule);
  for (const { unit = UNIT, keys, variant, expires } of configuration.targets ?? []) {
    for (const key of keys) parts.set(`target ${JSON.stringify([unit, key])}`, { unit, key, variant, expires: expires ?? undefined } satisfies TargetOf);
  }
  for (const prerequisite of configuration.prerequisites ?? []) parts.set(`prerequisite ${prerequisite.flag}`, prerequisite);
  for (const [name, value] of Object.entries(configuration.metadata ?? {})) parts.set(`metadata ${name}`, value);
  return parts;
}

/** Back again. Targets of one variant, unit and end stand together. */
export function configurationOf(parts: Parts): FlagConfiguration {
  const order = (parts.get('order') as string[] | undefined) ?? [];
  const rules: Rule[] = order.flatMap((id) => (parts.get(`rule ${id}`) as Rule | undefined) ?? []);
  const targets: Target[] = [];
  const prerequisites: Prerequisite[] = [];
  const metadata: Record<string, Scalar> = {};
  for (const [name, part] of parts) {
    if (name.startsWith('prerequisite ')) prerequisites.push(part as Prerequisite);
    if (name.startsWith('metadata ')) metadata[name.slice('metadata '.length)] = part as Scalar;
    if (!name.startsWith('target ')) continue;
    const { unit, key, variant, expires } = part as TargetOf;
    const known = targets.find((target) => target.unit === unit && target.variant === variant && (target.expires ?? undefined) === expires);
    if (known) known.keys.push(key);
    else targets.push({ unit, variant, keys: [key], ...(expires === undefined ? {} : { expires }) });
  }
  const offVariant = parts.get('offVariant') as string | null;
  const holdout = parts.get('holdout') as FlagConfiguration['holdout'];
  return {
    enabled: parts.get('enabled') === true,
    fallthrough: parts.get('fallthrough') as FlagConfiguration['fallthrough'],
    ...(offVariant === null ? {} : { offVariant }),
    ...(holdout ? { holdout } : {}),
    ...(prerequisites.length > 0 ? { prerequisites } : {}),
    ...(targets.length > 0 ? { targets } : {}),
    ...(rules.length > 0 ? { rules } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  };
}

/** The names of the parts that differ. */
export function changedParts(before: Parts, after: Parts): PartKey[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((name) => !same(before.get(name), after.get(name)));
}
