// The few pictures there are, drawn in lines of the text's colour. They never carry meaning alone.
const PATHS = {
  flag: 'M5 21V4m0 1 13 4-13 5',
  people: 'M16 19v-1a4 4 0 0 0-8 0v1m4-8a3 3 0 1 0 0-6 3 3 0 0 0 0 6m8 8v-1a3 3 0 0 0-2-2.8M4 19v-1a3 3 0 0 1 2-2.8',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12m9.5 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6',
  layers: 'm12 4 9 4.5-9 4.5-9-4.5zM3 13l9 4.5 9-4.5',
  slots: 'M4 7h9M16 7h4M4 12h4m3 0h9M4 17h12m3 0h1',
  key: 'M14 10a4 4 0 1 0-3.5 4L12 15.5h2v2h2v2h4v-3.5L13.5 11',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
  clock: 'M12 7v5l3 2m6-2a9 9 0 1 1-18 0 9 9 0 0 1 18 0',
  globe: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0M3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18',
  hook: 'M6 15a4 4 0 1 0 5 4h6m1-4a4 4 0 1 1-3 7M9 8a4 4 0 1 1 6 3l3 5M12 8l-4 8',
  braces: 'M8 4C5 4 7 11 4 12c3 1 1 8 4 8m8-16c3 0 1 7 4 8-3 1-1 8-4 8',
  search: 'm20 20-4-4m2-5a7 7 0 1 1-14 0 7 7 0 0 1 14 0',
  plus: 'M12 5v14M5 12h14',
  close: 'm6 6 12 12M18 6 6 18',
  menu: 'M4 7h16M4 12h16M4 17h16',
  check: 'm5 12.5 4.5 4.5L19 7',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  grip: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  up: 'm6 14 6-6 6 6',
  down: 'm6 10 6 6 6-6',
  right: 'm10 6 6 6-6 6',
  back: 'm14 6-6 6 6 6',
  undo: 'M8 5 4 9l4 4M4 9h10a5 5 0 0 1 0 10h-3',
  lock: 'M6 11h12v9H6zm3 0V8a3 3 0 0 1 6 0v3',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  dots: 'M5 12h.01M12 12h.01M19 12h.01',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 3v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4',
  moon: 'M19 14.5A8 8 0 0 1 9.5 5a8 8 0 1 0 9.5 9.5',
  out: 'M14 4h6v16h-6M4 12h11m-4-4 4 4-4 4',
  warn: 'M12 4 2.5 20h19zm0 6v4m0 3v.01',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" className="icon">
      <path d={PATHS[name]} />
    </svg>
  );
}
