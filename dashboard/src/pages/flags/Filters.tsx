import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';

import type { FlagFilters } from '../../api/queries.ts';
import type { Environment, ValueType } from '../../api/types.ts';
import { Foldable } from '../../ui/Foldable.tsx';

/** Long enough that a word is one question, short enough not to be noticed. */
const TYPING_MS = 150;

interface Props {
  project: string;
  filters: FlagFilters;
  environments: Environment[];
}

/** What narrows the list; all of it is in the address, so that a link shows the same. */
export function Filters({ project, filters, environments }: Props) {
  const navigate = useNavigate({ from: '/projects/$project/flags' });
  const narrow = (change: FlagFilters) => void navigate({ params: { project }, search: (before) => ({ ...before, ...change }), replace: true });
  const state = filters.enabledIn ? `+${filters.enabledIn}` : filters.disabledIn ? `-${filters.disabledIn}` : '';
  const life = filters.archived ? 'archived' : filters.expired ? 'expired' : '';
  return (
    <search className="flags-filters">
      <Search text={filters.search ?? ''} narrow={(search) => narrow({ search })} />
      <Foldable label="Filters" count={[filters.tag, filters.owner, filters.type, state, life].filter(Boolean).length}>
        <Typed label="Tag" text={filters.tag ?? ''} narrow={(tag) => narrow({ tag })} />
        <Typed label="Owner" text={filters.owner ?? ''} narrow={(owner) => narrow({ owner })} />
        <select className="input" aria-label="Type" value={filters.type ?? ''} onChange={(event) => narrow({ type: (event.target.value || undefined) as ValueType | undefined })}>
          <option value="">Any type</option>
          <option value="boolean">Boolean</option>
          <option value="string">String</option>
          <option value="number">Number</option>
          <option value="json">JSON</option>
        </select>
        <select
          className="input" aria-label="State" value={state}
          onChange={({ target: { value } }) =>
            narrow({ enabledIn: value.startsWith('+') ? value.slice(1) : undefined, disabledIn: value.startsWith('-') ? value.slice(1) : undefined })
          }
        >
          <option value="">Any state</option>
          {environments.map(({ key, name }) => (
            <optgroup key={key} label={name}>
              <option value={`+${key}`}>on in {name}</option>
              <option value={`-${key}`}>off in {name}</option>
            </optgroup>
          ))}
        </select>
        <select
          className="input" aria-label="Lifetime" value={life}
          onChange={({ target: { value } }) => narrow({ archived: value === 'archived' || undefined, expired: value === 'expired' || undefined })}
        >
          <option value="">In use</option>
          <option value="expired">Past their end</option>
          <option value="archived">Archived</option>
        </select>
        <select className="input" aria-label="Order" value={filters.sort ?? ''} onChange={(event) => narrow({ sort: event.target.value || undefined })}>
          <option value="">By key</option>
          <option value="-updatedAt">Changed last</option>
          <option value="-createdAt">Newest</option>
          <option value="name">By name</option>
        </select>
      </Foldable>
    </search>
  );
}

/** A text that is put into the address when the typing pauses. */
function useTyped(text: string, narrow: (text: string | undefined) => void) {
  const [typed, setTyped] = useState(text);
  const latest = useRef(narrow);
  latest.current = narrow;
  const sent = useRef(text);
  useEffect(() => {
    if (text === sent.current) return;
    sent.current = text;
    setTyped(text);
  }, [text]);
  useEffect(() => {
    if (typed === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = typed;
      latest.current(typed || undefined);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return [typed, setTyped] as const;
}

function Search({ text, narrow }: { text: string; narrow: (text: string | undefined) => void }) {
  const [typed, setTyped] = useTyped(text, narrow);
  return <input type="search" className="input flags-search" aria-label="Search flags" placeholder="Search key, name, tag, owner…" maxLength={200} value={typed} onChange={(event) => setTyped(event.target.value)} />;
}

function Typed({ label, text, narrow }: { label: string; text: string; narrow: (text: string | undefined) => void }) {
  const [typed, setTyped] = useTyped(text, narrow);
  return <input className="input flags-typed" aria-label={label} placeholder={label} value={typed} onChange={(event) => setTyped(event.target.value)} />;
}
