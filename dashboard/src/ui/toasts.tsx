// Short messages that a screen reader reads and that go by themselves; one of them may undo what it tells of.
import './toasts.css';

import { createContext, type ReactNode, use, useCallback, useMemo, useRef, useState } from 'react';

import { sentence } from '../api/problem.ts';
import { Icon } from './Icon.tsx';

interface Toast {
  id: number;
  text: string;
  bad: boolean;
  undo: (() => void) | undefined;
}

interface Toasts {
  say: (text: string, undo?: () => void) => void;
  fail: (error: unknown) => void;
}

/** How long a message stays; one that undoes something stays longer. */
const SHOWN_MS = 4_000;
const UNDO_MS = 10_000;
/** Messages at once; the oldest goes. */
const MOST = 3;

const Context = createContext<Toasts>({ say: () => {}, fail: () => {} });

export const useToasts = (): Toasts => use(Context);

/** Messages lie over whatever else is shown. */
function showOnTop(region: HTMLElement | null): void {
  if (region && !region.matches(':popover-open')) region.showPopover();
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const next = useRef(0);
  const close = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const show = useCallback(
    (text: string, bad: boolean, undo?: () => void) => {
      const id = next.current++;
      setToasts((all) => [...all, { id, text, bad, undo }].slice(-MOST));
      setTimeout(() => close(id), undo || bad ? UNDO_MS : SHOWN_MS);
    },
    [close],
  );
  const value = useMemo<Toasts>(
    () => ({ say: (text, undo) => show(text, false, undo), fail: (error) => show(sentence(error), true) }),
    [show],
  );
  return (
    <Context value={value}>
      {children}
      <div className="toasts" role="status" aria-live="polite" aria-relevant="additions" popover="manual" ref={showOnTop}>
        {toasts.map((toast) => (
          <div key={toast.id} className={`toast${toast.bad ? ' bad' : ''}`}>
            <span className="given grow">{toast.text}</span>
            {toast.undo ? (
              <button type="button" className="button quiet" onClick={() => { toast.undo?.(); close(toast.id); }}><Icon name="undo" size={16} />Undo</button>
            ) : null}
            <button type="button" className="button quiet icon" aria-label="Dismiss" onClick={() => close(toast.id)}><Icon name="close" size={16} /></button>
          </div>
        ))}
      </div>
    </Context>
  );
}
