import './serve.css';

import { useEffect, useState } from 'react';

import { weightFrom } from '../../../flag/shares.ts';

interface Props {
  label: string;
  weight: number;
  onChange: (weight: number) => void;
}

/** A percentage that is typed; what is no percentage is not taken. */
export function PercentInput({ label, weight, onChange }: Props) {
  const [typed, setTyped] = useState(String(weight / 1000));
  useEffect(() => {
    setTyped((text) => (weightFrom(text) === weight ? text : String(weight / 1000)));
  }, [weight]);
  const read = weightFrom(typed);
  return (
    <span className="percent">
      <input
        className="input" inputMode="decimal" aria-label={label} aria-invalid={read === undefined || undefined} value={typed}
        onFocus={(event) => event.target.select()}
        onChange={({ target: { value } }) => {
          setTyped(value);
          const next = weightFrom(value);
          if (next !== undefined) onChange(next);
        }}
        onBlur={() => setTyped(String(weight / 1000))}
      />
      <span aria-hidden="true">%</span>
    </span>
  );
}
