import { useState } from 'react';

import type { Side } from '../../flag/merge.ts';
import { partInWords, partTitle } from '../../flag/words.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import type { Draft } from './useDraft.ts';

/** Both changed the same parts: each part side by side, and one of the two to choose. */
export function ConflictDialog({ draft }: { draft: Draft }) {
  const [chosen, setChosen] = useState<Record<string, Side>>({});
  const collision = draft.collision;
  if (!collision) return null;
  const now = Date.now();
  return (
    <Dialog
      wide title="Somebody else changed the same" onClose={draft.forgetCollision} onSubmit={() => draft.settle(chosen, '')}
      footer={
        <>
          <button type="button" className="button" onClick={draft.forgetCollision}>Go on editing</button>
          <button type="submit" className="button primary">Save merged</button>
        </>
      }
    >
      <p className="soft">Everything else is merged by itself. Choose what stands of each of these:</p>
      {collision.conflicts.map(({ part, mine, theirs, base }) => (
        <fieldset key={part} className="conflict">
          <legend className="label given">{partTitle(part)}</legend>
          <p className="small soft given">Before: {partInWords(part, base, now)}</p>
          <div className="conflict-sides">
            {(['mine', 'theirs'] as const).map((side) => (
              <label key={side} className="choice conflict-side">
                <input type="radio" name={part} checked={(chosen[part] ?? 'mine') === side} onChange={() => setChosen({ ...chosen, [part]: side })} />
                <span className="given"><strong>{side === 'mine' ? 'Yours' : 'Theirs'}</strong><br />{partInWords(part, side === 'mine' ? mine : theirs, now)}</span>
              </label>
            ))}
          </div>
        </fieldset>
      ))}
    </Dialog>
  );
}
