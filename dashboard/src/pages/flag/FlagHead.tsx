import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { client, data, writing } from '../../api/client.ts';
import { tooLate } from '../../api/taken.ts';
import type { KeptFlag } from '../../api/types.ts';
import { Copy } from '../../ui/Copy.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { useToasts } from '../../ui/toasts.tsx';

export function FlagHead({ project, flag }: { project: string; flag: KeptFlag }) {
  const { name, description, tags = [], type, owner, clientVisible } = flag.definition;
  return (
    <header className="flag-head">
      <Link to="/projects/$project/flags" params={{ project }} className="row-fixed small"><Icon name="back" size={14} />Flags</Link>
      <div className="row">
        <h1>{name || flag.key}</h1>
        {flag.archivedAt == null ? null : <span className="tag warn">archived</span>}
        <span className="grow" />
        <Lifetime project={project} flag={flag} />
      </div>
      <div className="row">
        <span className="row-fixed"><code className="given">{flag.key}</code><Copy text={flag.key} label="Copy the key" quiet /></span>
        <span className="tag">{type}</span>
        {clientVisible ? <span className="tag">for browsers too</span> : <span className="tag">servers only</span>}
        {owner ? <span className="tag" title="Owner">{owner}</span> : null}
        {tags.map((tag) => <Link key={tag} className="tag" to="/projects/$project/flags" params={{ project }} search={{ tag }}>{tag}</Link>)}
      </div>
      {description ? <p className="soft given flag-description">{description}</p> : null}
    </header>
  );
}

/** Out of use and back, and gone for good. */
function Lifetime({ project, flag }: { project: string; flag: KeptFlag }) {
  const access = useAccess(project);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toasts = useToasts();
  const [asking, setAsking] = useState<'archive' | 'delete' | null>(null);
  const request = { params: { path: { project, flag: flag.key } }, ...writing(flag.version) };
  const change = useMutation({
    mutationFn: async (to: 'archive' | 'restore' | 'delete'): Promise<unknown> => {
      if (to === 'archive') return data(client.POST('/admin/projects/{project}/flags/{flag}/archive', request));
      if (to === 'restore') return data(client.POST('/admin/projects/{project}/flags/{flag}/restore', request));
      return data(client.DELETE('/admin/projects/{project}/flags/{flag}', request));
    },
    onSuccess: async (_, to) => {
      setAsking(null);
      toasts.say({ archive: 'Archived: no snapshot has it any more', restore: 'Restored', delete: 'Deleted' }[to]);
      if (to === 'delete') await navigate({ to: '/projects/$project/flags', params: { project } });
    },
    onError: (error) => {
      setAsking(null);
      toasts.fail(tooLate(error));
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: ['project', project] }),
  });
  if (!access.edit) return null;
  const archived = flag.archivedAt != null;
  return (
    <>
      {archived ? <button type="button" className="button" onClick={() => change.mutate('restore')}>Restore</button> : null}
      <button type="button" className="button quiet" onClick={() => setAsking(archived ? 'delete' : 'archive')}>{archived ? 'Delete' : 'Archive'}</button>
      {asking ? (
        <Dialog
          title={asking === 'archive' ? 'Archive this flag?' : 'Delete this flag for good?'} onClose={() => setAsking(null)} onSubmit={() => change.mutate(asking)}
          action={asking === 'archive' ? 'Archive' : 'Delete'} disabled={change.isPending} danger focusCancel
        >
          <p>{asking === 'archive' ? 'It leaves every snapshot, in every environment: programs that still ask for it get their own default. It can be restored.' : 'Its history stays, and a rollback brings it back.'}</p>
        </Dialog>
      ) : null}
    </>
  );
}
