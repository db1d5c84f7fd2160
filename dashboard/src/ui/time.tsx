const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600_000],
  ['month', 2_629_800_000],
  ['week', 604_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** "3 hours ago", "in 2 days", "just now". */
export function ago(at: number, now: number): string {
  const gone = at - now;
  for (const [unit, length] of UNITS) {
    if (Math.abs(gone) >= length) return relative.format(Math.trunc(gone / length), unit);
  }
  return gone > 0 ? 'in a moment' : 'just now';
}

/** An instant in words; the exact time when pointed at. */
export function Time({ at }: { at: number }) {
  return <time dateTime={new Date(at).toISOString()} title={exact.format(at)}>{ago(at, Date.now())}</time>;
}

export const exactly = (at: number): string => exact.format(at);
