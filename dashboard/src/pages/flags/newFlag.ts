// What somebody types when they make a flag, and the flag that it makes.
import type { FlagDefinition, ValueType, Variant } from '../../api/types.ts';

export interface Typed {
  name: string;
  /** Empty: made from the name. */
  key: string;
  type: ValueType;
  description: string;
  owner: string;
  tags: string;
  clientVisible: boolean;
  temporary: boolean;
}

export const NOTHING_TYPED: Typed = { name: '', key: '', type: 'boolean', description: '', owner: '', tags: '', clientVisible: true, temporary: false };

/** A key that the server takes (`[a-z0-9][a-z0-9._-]*`), from words. */
export function keyFrom(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.replace(/[^a-z0-9._]+/g, '-').replace(/^[-._]+|[-._]+$/g, '').slice(0, 100);
}

/** Variants to begin with; a boolean flag's are the server's own. */
const FIRST_VARIANTS: Record<ValueType, Variant[]> = {
  boolean: [],
  string: [{ key: 'new', value: 'new' }, { key: 'old', value: 'old' }],
  number: [{ key: 'new', value: 1 }, { key: 'old', value: 0 }],
  json: [{ key: 'new', value: {} }, { key: 'old', value: {} }],
};

export const tagsFrom = (text: string): string[] => [...new Set(text.split(',').map((tag) => tag.trim()).filter(Boolean))];

export function flagFrom(typed: Typed): { key: string; definition: FlagDefinition } {
  const key = typed.key || keyFrom(typed.name);
  const tags = tagsFrom(typed.tags);
  const name = typed.name.trim();
  return {
    key,
    definition: {
      type: typed.type,
      variants: FIRST_VARIANTS[typed.type],
      ...(name && name !== key ? { name } : {}),
      ...(typed.description.trim() ? { description: typed.description.trim() } : {}),
      ...(typed.owner.trim() ? { owner: typed.owner.trim() } : {}),
      ...(tags.length > 0 ? { tags } : {}),
      ...(typed.clientVisible ? { clientVisible: true } : {}),
      ...(typed.temporary ? { temporary: true } : {}),
    },
  };
}
