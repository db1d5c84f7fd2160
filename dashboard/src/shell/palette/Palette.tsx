import './palette.css';

import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useDeferredValue, useEffect, useId, useRef, useState } from 'react';

import { useAccess } from '../../access.ts';
import { flagsQuery } from '../../api/queries.ts';
import { matching } from '../../pages/flags/matching.ts';
import { Icon, type IconName } from '../../ui/Icon.tsx';
import { GROUPS } from '../pages.ts';
import { chooseTheme } from '../theme.ts';

/** Flags that are shown. */
const SHOWN = 8;

interface Entry {
  id: string;
  label: string;
  hint: string;
  icon: IconName;
  go: () => void;
}

/** Goes anywhere: flags by their name or key, pages, and a few deeds. */
export function Palette({ project, onClose }: { project: string; onClose: () => void }) {
  const navigate = useNavigate();
  const access = useAccess(project);
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const search = useDeferredValue(typed.trim());
  const found = useInfiniteQuery(flagsQuery(project, { search: search || undefined }, SHOWN));
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);

  const wanted = typed.trim().toLowerCase();
  const flags = matching(found.data?.pages[0]?.items ?? [], typed).map(({ key, definition }): Entry => ({
    id: `flag ${key}`, label: definition.name || key, hint: definition.name ? key : definition.type, icon: 'flag',
    go: () => void navigate({ to: '/projects/$project/flags/$flag', params: { project, flag: key } }),
  }));
  const pages = GROUPS.flatMap((group) => [...group.pages]).map(({ to, label, icon }): Entry => ({ id: to, label, hint: 'page', icon, go: () => void navigate({ to, params: { project } }) }));
  const deeds: Entry[] = [
    ...(access.edit ? [{ id: 'new', label: 'New flag', hint: 'make', icon: 'plus' as const, go: () => void navigate({ to: '/projects/$project/flags', params: { project }, search: { create: true } }) }] : []),
    { id: 'light', label: 'Light theme', hint: 'look', icon: 'sun', go: () => chooseTheme('light') },
    { id: 'dark', label: 'Dark theme', hint: 'look', icon: 'moon', go: () => chooseTheme('dark') },
    { id: 'system', label: 'Theme of the system', hint: 'look', icon: 'sun', go: () => chooseTheme('system') },
  ];
  const entries = [...flags, ...[...pages, ...deeds].filter(({ label }) => label.toLowerCase().includes(wanted))];
  const chosen = Math.min(at, entries.length - 1);
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.go();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter') run(entries[chosen]);
    const to = { ArrowDown: (chosen + 1) % entries.length, ArrowUp: (chosen - 1 + entries.length) % entries.length }[event.key];
    if (to === undefined || entries.length === 0) return;
    event.preventDefault();
    setAt(to);
    document.getElementById(`${id}-${to}`)?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <dialog ref={dialog} className="dialog palette" aria-label="Find a flag or a page" onCancel={(event) => { event.preventDefault(); onClose(); }} onMouseDown={(event) => event.target === event.currentTarget && onClose()}>
      <div className="palette-box">
        <div className="palette-search">
          <Icon name="search" />
          <input
            autoFocus role="combobox" aria-label="Find a flag or a page" aria-expanded="true" aria-controls={`${id}-list`} aria-activedescendant={entries.length > 0 ? `${id}-${chosen}` : undefined}
            placeholder="Find a flag or a page" maxLength={200} spellCheck={false} value={typed}
            onChange={(event) => { setTyped(event.target.value); setAt(0); }} onKeyDown={press}
          />
        </div>
        <ul role="listbox" id={`${id}-list`} aria-label="Found" className="palette-list">
          {entries.map((entry, index) => (
            <li key={entry.id} id={`${id}-${index}`} role="option" aria-selected={index === chosen} className="palette-entry" onMouseMove={() => setAt(index)} onClick={() => run(entry)}>
              <Icon name={entry.icon} /><span className="cut grow">{entry.label}</span><span className="cut small soft">{entry.hint}</span>
            </li>
          ))}
        </ul>
        <p className="palette-none soft" role="status">{entries.length === 0 ? (found.isFetching ? 'Searching…' : found.isError ? 'The search did not answer: try again.' : 'Nothing is called so.') : ''}</p>
      </div>
    </dialog>
  );
}
