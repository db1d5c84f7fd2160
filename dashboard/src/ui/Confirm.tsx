import type { ReactNode } from 'react';

import { Dialog } from './Dialog.tsx';

interface Props {
  title: string;
  /** What the button says that does it. */
  action: string;
  busy?: boolean;
  danger?: boolean;
  onConfirm: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** Asks once more; the focus is on the way out when something is lost. */
export function Confirm({ title, action, busy = false, danger = true, onConfirm, onClose, children }: Props) {
  return (
    <Dialog
      title={title} onClose={onClose} onSubmit={onConfirm}
      action={action} disabled={busy} danger={danger} focusCancel
    >
      {children}
    </Dialog>
  );
}
