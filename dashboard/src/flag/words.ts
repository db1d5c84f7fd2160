// What a draft changes, in words.
import type { FlagConfiguration, Rule, Serve } from '../api/types.ts';
import { changedParts, type PartKey, type Parts, partsOf, type TargetOf } from './parts.ts';
import { rulePieces, said, servePieces } from './sentence.ts';

export const ruleName = (rule: Pick<Rule, 'id' | 'name'>): string => rule.name || rule.id;

export function changesInWords(before: FlagConfiguration, after: FlagConfiguration, now: number): string[] {
  const [from, to] = [partsOf(before), partsOf(after)];
  const order = from.get('order') as string[];
  const kept = (to.get('order') as string[]).filter((id) => order.includes(id));
  const moved = kept.join('\0') !== order.filter((id) => kept.includes(id)).join('\0');
  const words = changedParts(from, to).filter((part) => part !== 'order').map((part) => partChange(part, from, to, now));
  return moved ? [...words, 'changes the order of the rules'] : words;
}

function partChange(part: PartKey, from: Parts, to: Parts, now: number): string {
  const [old, next] = [from.get(part), to.get(part)];
  if (part === 'enabled') return next ? 'turns the flag on' : 'turns the flag off';
  if (part === 'offVariant') return `serves ${next ?? 'the caller’s default'} while off`;
  if (part === 'fallthrough') return `otherwise serves ${said(servePieces(next as Serve, now))}`;
  if (part === 'holdout') return next ? 'sets the holdout' : 'takes the holdout away';
  const name = part.slice(part.indexOf(' ') + 1);
  if (part.startsWith('rule ')) {
    const rule = (next ?? old) as Rule;
    return next ? `${old ? 'changes' : 'adds'} the rule: ${said(rulePieces(rule, now))}` : `removes the rule ${ruleName(rule)}`;
  }
  if (part.startsWith('target ')) {
    const { key, variant } = (next ?? old) as TargetOf;
    return next ? `gives ${key} the variant ${variant}` : `no longer gives ${key} a variant by name`;
  }
  if (part.startsWith('prerequisite ')) return next ? `asks for the flag ${name}` : `no longer asks for the flag ${name}`;
  return next === undefined ? `removes the metadata ${name}` : `sets the metadata ${name} to ${JSON.stringify(next)}`;
}

/** A part as it stands, for setting two of them side by side. */
export function partInWords(part: PartKey, value: unknown, now: number): string {
  if (value === undefined) return 'removed';
  if (part === 'enabled') return value ? 'on' : 'off';
  if (part === 'fallthrough') return said(servePieces(value as Serve, now));
  if (part === 'order') return (value as string[]).join(' → ');
  if (part.startsWith('rule ')) return said(rulePieces(value as Rule, now));
  if (part.startsWith('target ')) return (value as TargetOf).variant;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function partTitle(part: PartKey): string {
  const titles: Record<string, string> = { enabled: 'On or off', offVariant: 'While off', fallthrough: 'Otherwise', holdout: 'Holdout', order: 'Order of the rules' };
  const [kind = '', ...rest] = part.split(' ');
  const name = kind === 'target' ? String((JSON.parse(rest.join(' ')) as string[])[1]) : rest.join(' ');
  return titles[part] ?? `${kind.charAt(0).toUpperCase()}${kind.slice(1)} ${name}`;
}
