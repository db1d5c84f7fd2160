// Slots of a layer: parts of its hundred percent, of which each person is in one. Rules that take different ones never share a person.
import { percent, WHOLE } from './shares.ts';

/** Thousandths of a percent: the first, and, not included, the last. */
export interface Slot {
  from: number;
  to: number;
}

/** Whether a person can be in both. */
export const overlap = (a: Slot, b: Slot): boolean => a.from < b.to && b.from < a.to;

/** The parts that nobody takes, in their order. */
export function freeSlots(taken: readonly Slot[]): Slot[] {
  const free: Slot[] = [];
  let from = 0;
  for (const slot of taken.toSorted((a, b) => a.from - b.from)) {
    if (slot.from > from) free.push({ from, to: slot.from });
    from = Math.max(from, slot.to);
  }
  if (from < WHOLE) free.push({ from, to: WHOLE });
  return free;
}

/** "0 % to 50 %" */
export const slotInWords = ({ from, to }: Slot): string => `${percent(from)} to ${percent(to)}`;
