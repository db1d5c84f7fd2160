import { useEffect, useState } from 'react';

import { same } from '../../flag/same.ts';
import { Field } from '../../ui/Field.tsx';

interface Props {
  label: string;
  value: unknown;
  rows?: number;
  disabled?: boolean;
  hint?: string;
  error?: string | undefined;
  onChange: (value: unknown) => void;
}

/** JSON that is typed; it is taken whenever it can be read. */
export function JsonEditor({ label, value, rows = 4, disabled = false, hint, error, onChange }: Props) {
  const [typed, setTyped] = useState(() => pretty(value));
  const [wrong, setWrong] = useState<string>();
  useEffect(() => {
    setTyped((text) => (reads(text, value) ? text : pretty(value)));
  }, [value]);
  const type = (text: string) => {
    setTyped(text);
    try {
      onChange(JSON.parse(text));
      setWrong(undefined);
    } catch (thrown) {
      setWrong(thrown instanceof Error ? thrown.message : String(thrown));
    }
  };
  return (
    <Field label={label} hint={hint} error={wrong ?? error}>
      {(wired) => <textarea {...wired} className="input code" rows={rows} spellCheck={false} disabled={disabled} value={typed} onChange={(event) => type(event.target.value)} />}
    </Field>
  );
}

const pretty = (value: unknown): string => JSON.stringify(value, null, 2);

function reads(text: string, value: unknown): boolean {
  try {
    return same(JSON.parse(text), value);
  } catch {
    return false;
  }
}
