import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { flagQuery, flagsQuery } from '../../api/queries.ts';
import type { Finding, Prerequisite } from '../../api/types.ts';
import { Icon } from '../../ui/Icon.tsx';
import { Findings } from './Findings.tsx';

/** Flags that are offered while typing. */
const OFFERED = 20;

interface Props {
  project: string;
  flag: string;
  prerequisites: Prerequisite[];
  findings: Finding[];
  disabled: boolean;
  onChange: (prerequisites: Prerequisite[]) => void;
}

/** Other flags that must serve one of these variants; else this one serves its off variant. */
export function Prerequisites({ project, flag, prerequisites, findings, disabled, onChange }: Props) {
  const [typed, setTyped] = useState('');
  const [adding, setAdding] = useState(false);
  const offered = useInfiniteQuery({ ...flagsQuery(project, { search: typed || undefined }, OFFERED), enabled: adding });
  const flags = (offered.data?.pages[0]?.items ?? []).filter((item) => item.key !== flag && !prerequisites.some((one) => one.flag === item.key));
  const add = (key: string) => {
    const found = flags.find((item) => item.key === key);
    const first = found?.definition.variants[0];
    if (!found || !first) return;
    onChange([...prerequisites, { flag: key, variants: [first.key] }]);
    setTyped('');
    setAdding(false);
  };
  return (
    <section className="stack-small" aria-labelledby="prerequisites-title">
      <div className="row">
        <h2 id="prerequisites-title">Prerequisites</h2>
        <span className="grow soft small">{prerequisites.length === 0 && !adding ? 'none: the flag stands by itself' : null}</span>
        {disabled || adding ? null : <button type="button" className="button quiet" onClick={() => setAdding(true)}><Icon name="plus" size={16} />Prerequisite</button>}
      </div>
      <Findings findings={findings} />
      {prerequisites.map((prerequisite) => (
        <PrerequisiteRow
          key={prerequisite.flag} project={project} prerequisite={prerequisite} disabled={disabled}
          onChange={(variants) => onChange(prerequisites.map((one) => (one.flag === prerequisite.flag ? { ...one, variants } : one)))}
          onRemove={() => onChange(prerequisites.filter((one) => one.flag !== prerequisite.flag))}
        />
      ))}
      {adding ? (
        <div className="card stack-small">
          <input className="input" autoFocus aria-label="Flag to ask for" placeholder="Search a flag" list="prerequisite-flags" value={typed} onChange={({ target: { value } }) => (flags.some((item) => item.key === value) ? add(value) : setTyped(value))} onKeyDown={(event) => event.key === 'Escape' && setAdding(false)} />
          <datalist id="prerequisite-flags">{flags.map((item) => <option key={item.key} value={item.key}>{item.definition.name}</option>)}</datalist>
          <div className="row">
            {flags.slice(0, 6).map((item) => <button key={item.key} type="button" className="button usual" onClick={() => add(item.key)}><bdi className="cut serve-variant">{item.key}</bdi></button>)}
            <button type="button" className="button quiet" onClick={() => setAdding(false)}>Cancel</button>
          </div>
        </div>
      ) : null}
    </section>
  );
}

interface RowProps {
  project: string;
  prerequisite: Prerequisite;
  disabled: boolean;
  onChange: (variants: string[]) => void;
  onRemove: () => void;
}

function PrerequisiteRow({ project, prerequisite, disabled, onChange, onRemove }: RowProps) {
  const other = useQuery(flagQuery(project, prerequisite.flag));
  const known = other.data?.definition.variants.map((variant) => variant.key) ?? [];
  const all = [...known, ...prerequisite.variants.filter((key) => !known.includes(key))];
  const toggle = (key: string) => onChange(prerequisite.variants.includes(key) ? prerequisite.variants.filter((one) => one !== key) : [...prerequisite.variants, key]);
  return (
    <div className="card row">
      <span className="grow given"><Link to="/projects/$project/flags/$flag" params={{ project, flag: prerequisite.flag }}>{prerequisite.flag}</Link> <span className="soft">serves one of</span></span>
      <span className="row" role="group" aria-label={`Variants of ${prerequisite.flag}`}>
        {all.map((key) => <button key={key} type="button" className="button usual" disabled={disabled} aria-pressed={prerequisite.variants.includes(key)} onClick={() => toggle(key)}><bdi className="cut serve-variant">{key}</bdi></button>)}
      </span>
      {disabled ? null : <button type="button" className="button quiet icon" aria-label={`No longer ask for ${prerequisite.flag}`} onClick={onRemove}><Icon name="trash" size={16} /></button>}
    </div>
  );
}
