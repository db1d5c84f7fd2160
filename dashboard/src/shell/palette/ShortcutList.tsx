import './palette.css';

import { Dialog } from '../../ui/Dialog.tsx';
import { GROUPS } from '../pages.ts';
import { GO, SHORTCUTS } from '../shortcuts.ts';

export function ShortcutList({ onClose }: { onClose: () => void }) {
  const pages = GROUPS.flatMap((group) => [...group.pages]).map(({ key, label }) => ({ keys: `${GO} ${key}`, words: label }));
  return (
    <Dialog title="Shortcuts" onClose={onClose}>
      <dl className="shortcuts">
        {[...SHORTCUTS, ...pages].map(({ keys, words }) => (
          <div key={keys}><dt>{keys.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{words}</dd></div>
        ))}
      </dl>
    </Dialog>
  );
}
