import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { client, data } from '../../api/client.ts';
import { sentence } from '../../api/problem.ts';
import { deliveryQuery } from '../../api/queries.ts';
import type { Delivery, Environment } from '../../api/types.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { Time } from '../../ui/time.tsx';

interface Props {
  project: string;
  environment: Environment;
  delivery: Delivery;
}

/** What nearly nobody means is not published until somebody says that they mean it. */
export function Held({ project, environment, delivery: { held } }: Props) {
  const access = useAccess(project);
  const [asking, setAsking] = useState(false);
  if (!held) return null;
  return (
    <div className="notice warn stack-small" role="alert">
      <p>Held back since <Time at={held.since} />: everybody still gets what was published before.</p>
      <ul className="held-reasons">{held.reasons.map((reason) => <li key={reason} className="given">{reason}</li>)}</ul>
      {access.change(environment) ? <div><button type="button" className="button" onClick={() => setAsking(true)}>I mean it: publish<span className="only-read"> to {environment.name}</span></button></div> : null}
      {asking ? <Confirmation project={project} environment={environment} held={held} onClose={() => setAsking(false)} /> : null}
    </div>
  );
}

function Confirmation({ project, environment, held, onClose }: { project: string; environment: Environment; held: NonNullable<Delivery['held']>; onClose: () => void }) {
  const queries = useQueryClient();
  const [comment, setComment] = useState('');
  const confirm = useMutation({
    mutationFn: () =>
      data(
        client.POST('/admin/projects/{project}/environments/{environment}/delivery/confirm', {
          params: { path: { project, environment: environment.key } },
          body: { revision: held.revision, comment: comment.trim() || null },
        }),
      ),
    onSuccess: (now) => {
      queries.setQueryData(deliveryQuery(project, environment.key).queryKey, now);
      void queries.invalidateQueries({ queryKey: ['project', project] });
      onClose();
    },
  });
  return (
    <Dialog title={`Publish to ${environment.name}?`} onClose={onClose} onSubmit={() => confirm.mutate()} action="Publish" disabled={confirm.isPending} danger focusCancel>
      <ul className="held-reasons">{held.reasons.map((reason) => <li key={reason} className="given">{reason}</li>)}</ul>
      <Field label="Why (optional)">{(wired) => <input {...wired} className="input" maxLength={1000} value={comment} onChange={(event) => setComment(event.target.value)} />}</Field>
      {confirm.isError ? <p className="notice bad given" role="alert">{sentence(confirm.error)}</p> : null}
    </Dialog>
  );
}
