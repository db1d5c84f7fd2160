// A flag's metadata as rows that are typed: a name, a type, and the value as text.
import type { Scalar } from '../api/types.ts';

export interface MetadataRow {
  name: string;
  type: 'string' | 'number' | 'boolean';
  text: string;
}

const typeOf = (value: Scalar): MetadataRow['type'] => (typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'string');

export const rowsOf = (metadata: Record<string, Scalar>): MetadataRow[] => Object.entries(metadata).map(([name, value]) => ({ name, type: typeOf(value), text: String(value) }));

/** What keeps a row from being saved; undefined for one that can be. */
export function wrongWith(rows: readonly MetadataRow[], index: number): string | undefined {
  const row = rows[index];
  if (!row) return undefined;
  if (row.name.trim() === '') return 'It needs a name.';
  if (rows.findIndex((one) => one.name.trim() === row.name.trim()) < index) return 'This name is above already.';
  if (row.type === 'number' && (row.text.trim() === '' || !Number.isFinite(Number(row.text)))) return 'This is no number.';
  return undefined;
}

/** The metadata of the rows that can be saved. */
export function metadataFrom(rows: readonly MetadataRow[]): Record<string, Scalar> {
  const good = rows.filter((_, index) => wrongWith(rows, index) === undefined);
  return Object.fromEntries(good.map(({ name, type, text }) => [name.trim(), type === 'number' ? Number(text) : type === 'boolean' ? text === 'true' : text]));
}
