import { useState } from 'react';

import { Icon } from './Icon.tsx';
import { useToasts } from './toasts.tsx';

/** Copies a text; says so. */
export function Copy({ text, label, quiet = false }: { text: string; label: string; quiet?: boolean }) {
  const toasts = useToasts();
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 1_500);
      toasts.say('Copied');
    } catch {
      toasts.fail(new Error('the browser did not allow copying: select the text and copy it'));
    }
  };
  return (
    <button type="button" className={`button${quiet ? ' quiet icon' : ''}`} aria-label={quiet ? label : undefined} title={quiet ? label : undefined} onClick={() => void copy()}>
      <Icon name={done ? 'check' : 'copy'} size={16} />{quiet ? null : label}
    </button>
  );
}
