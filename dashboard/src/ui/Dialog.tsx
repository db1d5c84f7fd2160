import './dialog.css';

import { type ReactNode, type SubmitEvent, useEffect, useId, useRef } from 'react';

import { Icon } from './Icon.tsx';

interface Props {
  title: string;
  onClose: () => void;
  /** With it the dialog is a form, and Enter sends it. */
  onSubmit?: () => void;
  /** What the button says that does it; beside it stands the way out. */
  action?: string;
  disabled?: boolean;
  /** It takes something away. */
  danger?: boolean;
  /** Where the focus begins, unless a field has `data-autofocus`. */
  focusAction?: boolean;
  focusCancel?: boolean;
  /** Other buttons than these two. */
  footer?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

/** A modal dialog: the browser's own, which holds the focus and gives it back. */
export function Dialog({ title, onClose, onSubmit, action, disabled = false, danger = false, focusAction, focusCancel, footer, wide = false, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const shown = dialog.current;
    if (!shown || shown.open) return;
    const before = document.activeElement;
    shown.showModal();
    shown.querySelector<HTMLElement>('[data-autofocus]')?.focus();
    return () => {
      shown.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const send = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    event.stopPropagation();
    onSubmit?.();
  };
  const inside = (
    <>
      <header className="dialog-head">
        <h2 id={heading}>{title}</h2>
        <button type="button" className="button quiet icon" aria-label="Close" onClick={onClose}><Icon name="close" /></button>
      </header>
      <div className="dialog-body">{children}</div>
      {footer ? <footer className="dialog-foot">{footer}</footer> : null}
      {action ? (
        <footer className="dialog-foot">
          <button type="button" className="button" data-autofocus={focusCancel || undefined} onClick={onClose}>Cancel</button>
          <button type="submit" className={danger ? 'button danger' : 'button primary'} data-autofocus={focusAction || undefined} disabled={disabled}>{action}</button>
        </footer>
      ) : null}
    </>
  );
  return (
    <dialog
      ref={dialog}
      className={`dialog${wide ? ' wide' : ''}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === event.currentTarget && onClose()}
    >
      {onSubmit ? <form className="dialog-form" onSubmit={send} noValidate>{inside}</form> : <div className="dialog-form">{inside}</div>}
    </dialog>
  );
}
