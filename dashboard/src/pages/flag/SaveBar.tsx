import { useState } from 'react';

import { sentence } from '../../api/problem.ts';
import type { Environment } from '../../api/types.ts';
import { Copy } from '../../ui/Copy.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { saveByCurl } from './saveByCurl.ts';
import type { Draft } from './useDraft.ts';

interface Props {
  draft: Draft;
  project: string;
  flag: string;
  environment: Environment;
  /** Errors that the analysis found. */
  errors: number;
}

/** What is not saved yet, in words, and the ways out: save it as one change, or drop it. */
export function SaveBar({ draft, project, flag, environment, errors }: Props) {
  const [comment, setComment] = useState('');
  const [asking, setAsking] = useState(false);
  if (!draft.dirty) return null;
  const { changes } = draft;
  const curl = saveByCurl(location.origin, { project, environment: environment.key, flag }, draft.operations, comment);
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
        <details className="save-curl">
          <summary className="small">The same by curl</summary>
          <div className="snippet"><pre tabIndex={0}>{curl}</pre><Copy text={curl} label="Copy the command" quiet /></div>
        </details>
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
          action={`Save to ${environment.name}`} focusAction
        >
          <p className="soft">{environment.name} is protected. This goes out at once:</p>
          <ul className="change-list">{changes.map((change) => <li key={change} className="given">{change}</li>)}</ul>
          {why}
        </Dialog>
      ) : null}
    </div>
  );
}
