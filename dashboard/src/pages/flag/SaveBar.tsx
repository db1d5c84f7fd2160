import { useState } from 'react';

import { sentence } from '../../api/problem.ts';
import type { Environment } from '../../api/types.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import type { Draft } from './useDraft.ts';

/** What is not saved yet, in words, and the ways out: save it as one change, or drop it. */
export function SaveBar({ draft, environment, errors }: { draft: Draft; environment: Environment; errors: number }) {
  const [comment, setComment] = useState('');
  const [asking, setAsking] = useState(false);
  if (!draft.dirty) return null;
  const { changes } = draft;
  const send = () => {
    setAsking(false);
    draft.save(comment);
  };
  const why = (
    <Field label="Why (optional)" hidden={!environment.protected}>
      {(wired) => <input {...wired} className="input" placeholder="Why (optional, for the history)" maxLength={1000} value={comment} onChange={(event) => setComment(event.target.value)} />}
    </Field>
  );
  return (
    <div className="save-bar" role="region" aria-label="Not saved yet">
      <div className="grow">
        <strong>{changes.length} {changes.length === 1 ? 'change' : 'changes'} not saved</strong>
        <p className="small soft cut" title={changes.join('; ')}>{changes.join('; ')}</p>
        {draft.behind ? <p className="small">Somebody saved this flag meanwhile: saving merges with it.</p> : null}
        {errors > 0 ? <p className="small bad">{errors} {errors === 1 ? 'error' : 'errors'} above.</p> : null}
        {draft.problem ? <p className="small bad given" role="alert">{sentence(draft.problem)}</p> : null}
      </div>
      {environment.protected ? null : <div className="save-why">{why}</div>}
      <button type="button" className="button" onClick={draft.discard}>Discard</button>
      <button type="button" className="button primary" disabled={draft.saving} onClick={() => (environment.protected ? setAsking(true) : send())}>{draft.saving ? 'Saving…' : 'Save'}</button>
      {asking ? (
        <Dialog
          title={`Save to ${environment.name}?`} onClose={() => setAsking(false)} onSubmit={send}
          footer={
            <>
              <button type="button" className="button" onClick={() => setAsking(false)}>Cancel</button>
              <button type="submit" className="button primary" data-autofocus>Save to {environment.name}</button>
            </>
          }
        >
          <p className="soft">{environment.name} is protected. This goes out at once:</p>
          <ul className="change-list">{changes.map((change) => <li key={change} className="given">{change}</li>)}</ul>
          {why}
        </Dialog>
      ) : null}
    </div>
  );
}
