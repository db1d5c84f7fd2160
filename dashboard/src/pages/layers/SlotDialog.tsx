import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { client, data, writing } from '../../api/client.ts';
import { Problem, sentence } from '../../api/problem.ts';
import { configurationQuery } from '../../api/queries.ts';
import type { Environment, SlotTaken } from '../../api/types.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { useToasts } from '../../ui/toasts.tsx';
import type { NamedSlot } from './SlotBar.tsx';
import { SlotFields } from './SlotFields.tsx';

interface Props {
  project: string;
  environment: Environment;
  use: SlotTaken;
  others: NamedSlot[];
  onClose: () => void;
}

/** Another slot for a rule: one change of its flag. */
export function SlotDialog({ project, environment, use, others, onClose }: Props) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const kept = useQuery(configurationQuery(project, environment.key, use.flag));
  const [slot, setSlot] = useState({ from: use.from, to: use.to });
  const rule = kept.data?.configuration.rules?.find(({ id }) => id === use.rule);
  const save = useMutation({
    mutationFn: () => {
      if (!kept.data || !rule?.layer) throw new Error('somebody else has taken the rule out of the layer meanwhile');
      const operations = [{ op: 'replaceRule' as const, id: rule.id, rule: { ...rule, layer: { ...rule.layer, ...slot } } }];
      const path = { project, environment: environment.key, flag: use.flag };
      return data(client.POST('/admin/projects/{project}/environments/{environment}/flags/{flag}/operations', { params: { path }, body: { operations }, ...writing(kept.data.version) }));
    },
    onSuccess: () => {
      toasts.say(`Saved: ${use.flag} in ${environment.name}`);
      onClose();
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: ['project', project] }),
  });
  const late = save.error instanceof Problem && (save.error.status === 412 || save.error.status === 409);
  const same = slot.from === use.from && slot.to === use.to;
  return (
    <Dialog
      title={`The slot of ${use.name || use.rule}`} onClose={onClose} onSubmit={() => save.mutate()}
      action={`Save to ${environment.name}`} disabled={same || slot.from >= slot.to || save.isPending || !kept.data}
    >
      <p className="soft small">Whoever is in the old slot and not in the new one no longer matches the rule.{environment.protected ? ` ${environment.name} is protected: this goes out at once.` : ''}</p>
      <Loaded query={kept} what="the rule">{() => <SlotFields slot={slot} taken={others} onChange={setSlot} />}</Loaded>
      {save.isError ? <p className="notice bad given" role="alert">{late ? 'Somebody else has changed the flag meanwhile: save once more to change the slot in what they saved.' : sentence(save.error)}</p> : null}
    </Dialog>
  );
}
