// A condition about one attribute, as the rule editor shows it: an attribute, an operator in words, values. What does not fit in here
// (another product's buckets, say) is edited as JSON.
import type { AttributeType, Condition, Scalar } from '../api/types.ts';

export type Values = 'none' | 'scalars' | 'texts' | 'text' | 'number' | 'semver' | 'datetime' | 'boolean' | 'segment';

export interface Operator {
  id: string;
  words: string;
  /** What it is called when turned round. */
  not: string;
  values: Values;
}

const COMPARISONS = ['<', '<=', '=', '>=', '>', '!='] as const;
type Comparison = (typeof COMPARISONS)[number];

const compared = (field: string, values: Values, words: [string, string, string, string, string, string]): Operator[] =>
  COMPARISONS.map((is, index) => ({ id: `${field} ${is}`, words: words[index] ?? is, not: `not: ${words[index] ?? is}`, values }));

export const OPERATORS: Operator[] = [
  { id: 'in', words: 'is one of', not: 'is not one of', values: 'scalars' },
  { id: 'equals', words: 'is', not: 'is not', values: 'boolean' },
  ...compared('number', 'number', ['is below', 'is at most', 'is the number', 'is at least', 'is above', 'is not the number']),
  ...compared('semver', 'semver', ['is a version before', 'is at most version', 'is version', 'is at least version', 'is a version after', 'is not version']),
  ...compared('datetime', 'datetime', ['is before', 'is at or before', 'is exactly at', 'is at or after', 'is after', 'is not at']),
  { id: 'contains', words: 'contains', not: 'does not contain', values: 'texts' },
  { id: 'starts_with', words: 'starts with', not: 'does not start with', values: 'texts' },
  { id: 'ends_with', words: 'ends with', not: 'does not end with', values: 'texts' },
  { id: 'matches', words: 'matches the pattern', not: 'does not match the pattern', values: 'text' },
  { id: 'ip_in_cidr', words: 'is in network', not: 'is not in network', values: 'texts' },
  { id: 'any_of', words: 'has any of', not: 'does not have any of', values: 'scalars' },
  { id: 'all_of', words: 'has all of', not: 'does not have all of', values: 'scalars' },
  { id: 'none_of', words: 'has none of', not: 'does not have none of', values: 'scalars' },
  ...compared('size', 'number', ['has fewer items than', 'has at most as many items as', 'has as many items as', 'has at least as many items as', 'has more items than', 'has not as many items as']),
  { id: 'exists', words: 'is present', not: 'is missing', values: 'none' },
  { id: 'segment', words: 'in segment', not: 'not in segment', values: 'segment' },
];

const BY_ID = new Map(OPERATORS.map((operator) => [operator.id, operator]));
export const operatorOf = (id: string): Operator => BY_ID.get(id) ?? (OPERATORS[0] as Operator);

export interface Leaf {
  operator: string;
  /** Empty for a segment. */
  attribute: string;
  values: Scalar[];
  negated: boolean;
  ignoreCase: boolean;
  /** Fields that the editor does not show and keeps, such as `parse`. */
  more: Record<string, unknown>;
}

/** The operators that suit an attribute of this type; of an undeclared one, all. */
export function operatorsFor(type: AttributeType | undefined): Operator[] {
  const fields: Record<AttributeType, string[]> = {
    boolean: ['equals'],
    string: ['in', 'contains', 'starts_with', 'ends_with', 'matches', 'semver', 'datetime', 'ip_in_cidr'],
    number: ['number', 'in'],
    semver: ['semver', 'in'],
    datetime: ['datetime'],
    ip: ['ip_in_cidr', 'in'],
    list: ['any_of', 'all_of', 'none_of', 'size'],
    object: [],
  };
  if (!type) return OPERATORS.filter(({ id }) => id !== 'segment');
  const suit = [...fields[type], 'exists'];
  return suit.flatMap((field) => OPERATORS.filter(({ id }) => id === field || id.startsWith(`${field} `)));
}

type Body = Record<string, unknown> & { attribute?: unknown };

/** The condition as a leaf; undefined for a group, and for what the editor has no words for. */
export function leafOf(condition: Condition): Leaf | undefined {
  if ('not' in condition) {
    const inner = leafOf(condition.not);
    return inner && !inner.negated ? { ...inner, negated: true } : undefined;
  }
  if ('segment' in condition) return { operator: 'segment', attribute: '', values: [condition.segment], negated: false, ignoreCase: false, more: {} };
  const [field, body] = Object.entries(condition)[0] as [string, Body];
  if (typeof body !== 'object' || body === null || typeof body.attribute !== 'string') return undefined;
  const { attribute, ignoreCase, is, value, values, pattern, ...more } = body;
  const operator = typeof is === 'string' ? `${field} ${is}` : field;
  const known = BY_ID.get(operator);
  if (!known || (operator === 'equals' && typeof value !== 'boolean')) {
    // One text or number that must be equal is a list of one.
    const single = operator === 'equals' && (typeof value === 'string' || typeof value === 'number');
    return single ? { operator: 'in', attribute, values: [value], negated: false, ignoreCase: ignoreCase === true, more } : undefined;
  }
  const given = Array.isArray(values) ? (values as Scalar[]) : pattern !== undefined ? [pattern as string] : value !== undefined ? [value as Scalar] : [];
  return { operator, attribute, values: given, negated: false, ignoreCase: ignoreCase === true, more };
}

export function conditionOf(leaf: Leaf): Condition {
  const condition = plain(leaf);
  return leaf.negated ? { not: condition } : condition;
}

function plain({ operator, attribute, values, ignoreCase, more }: Leaf): Condition {
  const [field = '', is] = operator.split(' ') as [string, Comparison | undefined];
  const first = values[0];
  if (field === 'segment') return { segment: String(first ?? '') };
  if (field === 'exists') return { exists: { attribute } };
  if (is) return { [field]: { ...more, attribute, is, value: first ?? (field === 'number' || field === 'size' ? 0 : '') } } as unknown as Condition;
  if (field === 'equals') return { equals: { ...more, attribute, value: first ?? true } };
  if (field === 'matches') return { matches: { attribute, pattern: String(first ?? '') } };
  const cased = ignoreCase ? { ignoreCase } : {};
  const texts = operatorOf(operator).values === 'texts' ? values.map(String) : values;
  return { [field]: { ...more, attribute, values: texts, ...cased } } as unknown as Condition;
}

export const emptyLeaf = (): Leaf => ({ operator: 'in', attribute: '', values: [], negated: false, ignoreCase: false, more: {} });

/** What was typed, as the attribute's type has it. */
export function scalar(text: string, type: AttributeType | undefined, beside: Scalar[] = []): Scalar {
  const numbers = type === 'number' || (type === undefined && beside.length > 0 && beside.every((value) => typeof value === 'number'));
  if (numbers && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}
