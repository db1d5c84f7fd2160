/** JSON with sorted names, without what is undefined: equal texts mean equal values. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  ) ?? 'undefined';
}

export const same = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);
