import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { useAccess } from '../../access.ts';
import { tooLate } from '../../api/taken.ts';
import { History } from '../../history/History.tsx';
import type { Source } from '../../history/source.ts';
import { Confirm } from '../../ui/Confirm.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { useToasts } from '../../ui/toasts.tsx';

interface Props {
  project: string;
  name: string;
  /** What it is, in a line. */
  words: ReactNode;
  /** Who uses it, in words; undefined while that is not known. */
  users: string[] | undefined;
  history: Source;
  remove: () => Promise<unknown>;
  onEdit: () => void;
  children: ReactNode;
}

/** Names that the refusal to delete says. */
const NAMED = 10;

/** The card of a layer or a holdout: what may be done with it, and where it is used. */
export function Buckets({ project, name, words, users, history, remove, onEdit, children }: Props) {
  const access = useAccess(project);
  const queries = useQueryClient();
  const toasts = useToasts();
  const [asking, setAsking] = useState(false);
  const [shown, setShown] = useState(false);
  const removing = useMutation({
    mutationFn: remove,
    onSuccess: () => toasts.say('Deleted'),
    onError: (error) => toasts.fail(tooLate(error)),
    onSettled: () => {
      setAsking(false);
      void queries.invalidateQueries({ queryKey: ['project', project] });
    },
  });
  return (
    <article className="card stack-small" aria-label={name}>
      <div className="row">
        <div className="grow"><h3 className="given">{name}</h3><p className="small soft given">{words}</p></div>
        <button type="button" className="button quiet" aria-expanded={shown} onClick={() => setShown(!shown)}>History<span className="only-read"> of {name}</span></button>
        {access.edit ? (
          <>
            <button type="button" className="button quiet" onClick={onEdit}>Edit<span className="only-read"> {name}</span></button>
            <button type="button" className="button quiet icon" aria-label={`Delete ${name}`} onClick={() => setAsking(true)}><Icon name="trash" size={16} /></button>
          </>
        ) : null}
      </div>
      {children}
      {shown ? <History project={project} source={history} may={access.edit} /> : null}
      {asking && users && users.length > 0 ? (
        <Dialog title={`${name} is still used`} onClose={() => setAsking(false)} footer={<button type="button" className="button primary" onClick={() => setAsking(false)}>Close</button>}>
          <p>It can be deleted once nothing names it any more:</p>
          <ul className="change-list">
            {users.slice(0, NAMED).map((user) => <li key={user} className="given">{user}</li>)}
            {users.length > NAMED ? <li>and {users.length - NAMED} more</li> : null}
          </ul>
        </Dialog>
      ) : null}
      {asking && users?.length === 0 ? <Confirm title={`Delete ${name}?`} action="Delete" busy={removing.isPending} onClose={() => setAsking(false)} onConfirm={() => removing.mutate()}>Nothing uses it.</Confirm> : null}
    </article>
  );
}
