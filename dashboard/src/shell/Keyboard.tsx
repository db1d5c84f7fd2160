import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';

// Not loaded later: what is typed right after Ctrl+K must arrive.
import { Palette } from './palette/Palette.tsx';
import { GROUPS } from './pages.ts';
import { GO, opensPalette, SEQUENCE_MS, taken } from './shortcuts.ts';

const ShortcutList = lazy(() => import('./palette/ShortcutList.tsx').then(({ ShortcutList: part }) => ({ default: part })));

export const PALETTE_EVENT = 'pennon:palette';

/** Listens to the keys that work everywhere. */
export function Keyboard({ project }: { project: string }) {
  const navigate = useNavigate();
  const [open, setOpen] = useState<'palette' | 'shortcuts' | null>(null);
  const began = useRef(0);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (opensPalette(event)) {
        event.preventDefault();
        return setOpen('palette');
      }
      if (taken(event)) return;
      if (Date.now() - began.current < SEQUENCE_MS) {
        began.current = 0;
        const page = GROUPS.flatMap((group) => [...group.pages]).find(({ key }) => key === event.key);
        if (page) {
          event.preventDefault();
          void navigate({ to: page.to, params: { project } });
        }
      } else if (event.key === GO) began.current = Date.now();
      else if (event.key === '?') setOpen('shortcuts');
      else if (event.key === 'n') void navigate({ to: '/projects/$project/flags', params: { project }, search: { create: true } });
      else if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('main input[type="search"]');
        if (!search) return setOpen('palette');
        event.preventDefault();
        search.focus();
      }
    };
    const show = () => setOpen('palette');
    addEventListener('keydown', press);
    addEventListener(PALETTE_EVENT, show);
    return () => {
      removeEventListener('keydown', press);
      removeEventListener(PALETTE_EVENT, show);
    };
  }, [navigate, project]);
  return (
    <Suspense>
      {open === 'palette' ? <Palette project={project} onClose={() => setOpen(null)} /> : null}
      {open === 'shortcuts' ? <ShortcutList onClose={() => setOpen(null)} /> : null}
    </Suspense>
  );
}
