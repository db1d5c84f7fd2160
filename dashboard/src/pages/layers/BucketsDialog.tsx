import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { client, data, writing } from '../../api/client.ts';
import { Problem, sentence } from '../../api/problem.ts';
import { attributesQuery } from '../../api/queries.ts';
import type { KeptHoldout, KeptLayer } from '../../api/types.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { PercentInput } from '../flag/serve/PercentInput.tsx';
import { keyFrom } from '../flags/newFlag.ts';

/** What a new holdout holds out: enough to measure with. */
const FIRST_WEIGHT = 5_000;

type Props = { project: string; taken: string[]; onClose: () => void } & ({ kind: 'layer'; kept: KeptLayer | null } | { kind: 'holdout'; kept: KeptHoldout | null });

/** A layer or a holdout: whose value decides in which bucket somebody is, and, of a holdout, how many it takes. */
export function BucketsDialog(props: Props) {
  const { project, kind, kept, taken, onClose } = props;
  const queries = useQueryClient();
  const attributes = useQuery(attributesQuery(project));
  const [name, setName] = useState(kept?.key ?? '');
  const [unit, setUnit] = useState(kept?.definition.by.unit ?? 'targetingKey');
  const [weight, setWeight] = useState(props.kind === 'holdout' && props.kept ? props.kept.definition.weight : FIRST_WEIGHT);
  const key = kept?.key ?? keyFrom(name);
  // It is written as a whole: one that is there must not be written over.
  const there = kept === null && taken.includes(key);
  const save = useMutation({
    mutationFn: async (): Promise<unknown> => {
      // The salt stays: nobody changes buckets because of another share.
      const by = { ...kept?.definition.by, unit: unit.trim() };
      if (kind === 'layer') return data(client.PUT('/admin/projects/{project}/layers/{layer}', { params: { path: { project, layer: key } }, body: { by }, ...writing(kept?.version) }));
      return data(client.PUT('/admin/projects/{project}/holdouts/{holdout}', { params: { path: { project, holdout: key } }, body: { by, weight }, ...writing(kept?.version) }));
    },
    onSuccess: onClose,
    onSettled: () => void queries.invalidateQueries({ queryKey: ['project', project] }),
  });
  const late = save.error instanceof Problem && (save.error.status === 412 || save.error.status === 428);
  const ready = key !== '' && !there && unit.trim() !== '' && !save.isPending;
  return (
    <Dialog title={kept ? kept.key : `New ${kind}`} onClose={onClose} onSubmit={() => ready && save.mutate()} action={kept ? 'Save' : `Create ${kind}`} disabled={!ready}>
      {kept ? null : (
        <Field label="Name" hint={key ? <>Key: <code>{key}</code></> : `Such as ${kind === 'layer' ? '“Home page”' : '“2027”'}.`} error={there ? `There is a ${kind} with this key already.` : undefined}>
          {(wired) => <input {...wired} className="input" data-autofocus maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
      )}
      {kind === 'holdout' ? (
        <div className="field"><span className="label">Held out</span><PercentInput label="Share that is held out" weight={weight} onChange={setWeight} /><span className="hint">Of all people, the same ones for every flag that names it.</span></div>
      ) : null}
      <Field label="By the attribute" hint={kept ? 'Another attribute gives everybody another bucket.' : 'The same value is always in the same bucket.'}>
        {(wired) => <input {...wired} className="input" list="buckets-attributes" maxLength={256} value={unit} onChange={(event) => setUnit(event.target.value)} />}
      </Field>
      <datalist id="buckets-attributes">{['targetingKey', ...(attributes.data?.items ?? []).map((attribute) => attribute.key)].map((one) => <option key={one} value={one} />)}</datalist>
      {save.isError ? <p className="notice bad given" role="alert">{late ? `Somebody else has changed this ${kind} meanwhile: close this, and look at it again.` : sentence(save.error)}</p> : null}
    </Dialog>
  );
}
