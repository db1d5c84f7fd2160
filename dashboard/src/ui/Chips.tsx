import './chips.css';

import { type KeyboardEvent, useState } from 'react';

import type { Wired } from './Field.tsx';
import { Icon } from './Icon.tsx';

interface Props {
  values: readonly (string | number | boolean)[];
  /** Whether the text becomes a value, and which. */
  read?: (text: string) => string | number | boolean;
  onChange: (values: (string | number | boolean)[]) => void;
  label: string;
  placeholder?: string;
  wired?: Wired;
  list?: string | undefined;
  disabled?: boolean;
}

/** Several values: Enter or a comma ends one, a pasted list becomes many, Backspace takes the last back. */
export function Chips({ values, read = (text) => text, onChange, label, placeholder, wired, list, disabled = false }: Props) {
  const [typed, setTyped] = useState('');
  const add = (text: string) => {
    const fresh = text.split(/[,\n]/).map((part) => part.trim()).filter(Boolean).map(read);
    const all = [...values];
    for (const value of fresh) if (!all.includes(value)) all.push(value);
    setTyped('');
    if (all.length > values.length) onChange(all);
  };
  const press = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'Enter' && typed.trim() !== '') {
      event.preventDefault();
      add(typed);
    } else if (event.key === 'Backspace' && typed === '' && values.length > 0) onChange(values.slice(0, -1));
  };
  return (
    <div className="chips input">
      {values.map((value, index) => (
        <span key={`${typeof value} ${value}`} className="chip">
          <bdi className="given">{String(value)}</bdi>
          {disabled ? null : (
            <button type="button" aria-label={`Remove ${value}`} onClick={() => onChange(values.filter((_, place) => place !== index))}><Icon name="close" size={12} /></button>
          )}
        </span>
      ))}
      <input
        {...wired} aria-label={wired ? undefined : label} placeholder={values.length === 0 ? placeholder : undefined} list={list} disabled={disabled} value={typed}
        onChange={(event) => (event.target.value.includes(',') ? add(event.target.value) : setTyped(event.target.value))}
        onPaste={(event) => {
          const pasted = event.clipboardData.getData('text');
          if (!/[,\n]/.test(pasted)) return;
          event.preventDefault();
          add(typed + pasted);
        }}
        onKeyDown={press} onBlur={() => typed.trim() !== '' && add(typed)}
      />
    </div>
  );
}
