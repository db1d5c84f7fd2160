import './foldable.css';

import { type ReactNode, useId, useState } from 'react';

import { Icon } from './Icon.tsx';

/** Filters that stand there where there is room, and on a phone behind a button. `count` says how many of them narrow. */
export function Foldable({ label, count, children }: { label: string; count: number; children: ReactNode }) {
  const id = useId();
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="button foldable-button" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
        {label}{count > 0 ? ` (${count})` : ''}<Icon name={open ? 'up' : 'down'} size={16} />
      </button>
      <div id={id} className={open ? 'foldable open' : 'foldable'}>{children}</div>
    </>
  );
}
