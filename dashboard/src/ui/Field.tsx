import { type ReactNode, useId } from 'react';

export interface Wired {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': boolean | undefined;
}

interface Props {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  /** The label is read, not shown. */
  hidden?: boolean;
  children: (wired: Wired) => ReactNode;
}

/** A control with its label, its advice and what is wrong with it, tied together for screen readers. */
export function Field({ label, hint, error, hidden = false, children }: Props) {
  const id = useId();
  const described = [hint ? `${id}-hint` : '', error ? `${id}-wrong` : ''].filter(Boolean).join(' ');
  return (
    <div className="field">
      <label htmlFor={id} className={hidden ? 'only-read' : undefined}>{label}</label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': error ? true : undefined })}
      {hint ? <span id={`${id}-hint`} className="hint">{hint}</span> : null}
      {error ? <span id={`${id}-wrong`} className="wrong" role="alert">{error}</span> : null}
    </div>
  );
}
