// Keys that work on every page; `?` lists them. They are not taken while somebody types.
export interface Shortcut {
  keys: string;
  words: string;
}

export const SHORTCUTS: Shortcut[] = [
  { keys: 'Ctrl K', words: 'Find a flag or a page' },
  { keys: '/', words: 'Search on this page' },
  { keys: 'n', words: 'New flag' },
  { keys: '?', words: 'These shortcuts' },
];

/** The first key of two: `g f` goes to the flags. */
export const GO = 'g';
/** The second key counts within this time. */
export const SEQUENCE_MS = 1_200;

/** Whether keys belong to what has the focus, or to a dialog that is open. */
export function taken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || document.querySelector('dialog[open]')) return true;
  const target = event.target;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export const opensPalette = (event: KeyboardEvent): boolean => (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k';
