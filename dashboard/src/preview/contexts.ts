// Contexts to try things with: typed, and kept in this browser for the next time.
import type { AttributeType } from '../api/types.ts';
import type { EvaluationContext } from '../evaluator/draft.ts';

export interface Saved {
  name: string;
  context: EvaluationContext;
}

/** Contexts that are kept for one project. */
export const MOST_SAVED = 50;
const kept = (project: string): string => `pennon.contexts.${project}`;

export function savedContexts(project: string): Saved[] {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(kept(project)) ?? '[]');
    return Array.isArray(read) ? read.filter((one): one is Saved => typeof one?.name === 'string' && typeof one?.context === 'object' && one.context !== null).slice(0, MOST_SAVED) : [];
  } catch {
    // What another version, or a hand, has left there.
    return [];
  }
}

export function keepContexts(project: string, saved: Saved[]): void {
  localStorage.setItem(kept(project), JSON.stringify(saved.slice(0, MOST_SAVED)));
}

export type Read = { context: EvaluationContext } | { wrong: string };

/** Reads what was typed: JSON, or lines such as `country = US`. */
export function readContext(text: string, types: Record<string, AttributeType>): Read {
  const trimmed = text.trim();
  if (trimmed === '') return { context: {} };
  if (trimmed.startsWith('{')) {
    try {
      return { context: JSON.parse(trimmed) as EvaluationContext };
    } catch (error) {
      return { wrong: error instanceof Error ? error.message : String(error) };
    }
  }
  const context: Record<string, string | number | boolean | string[]> = {};
  for (const line of trimmed.split(/\n/)) {
    if (line.trim() === '') continue;
    const match = /^\s*([^=:]+?)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (!match) return { wrong: `“${line.trim()}”: write attribute = value` };
    const [, name = '', value = ''] = match;
    context[name] = typed(value, name === 'targetingKey' ? 'string' : types[name]);
  }
  return { context };
}

function typed(value: string, type: AttributeType | undefined): string | number | boolean | string[] {
  if (type === 'list') return value.split(',').map((item) => item.trim());
  if (type === 'number' || (type === undefined && /^-?\d+(\.\d+)?$/.test(value))) return Number.isFinite(Number(value)) ? Number(value) : value;
  if (type === 'boolean' || type === undefined) return value === 'true' ? true : value === 'false' ? false : value;
  return value;
}
