import { useState } from 'react';

import { useAccess } from '../../access.ts';
import type { Environment, FlagItem } from '../../api/types.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { Switch } from '../../ui/Switch.tsx';
import { useSwitch } from './useSwitch.ts';

interface Props {
  project: string;
  flag: FlagItem;
  environment: Environment;
}

/** A flag's switch in one environment; a protected one asks first. */
export function FlagSwitch({ project, flag, environment }: Props) {
  const access = useAccess(project);
  const change = useSwitch(project, flag.key, environment);
  const [asking, setAsking] = useState<boolean | null>(null);
  const state = flag.environments[environment.key];
  if (!state) return <span className="soft" aria-label="not there">–</span>;
  const may = access.change(environment) && flag.archivedAt == null;
  const label = `${flag.key} in ${environment.name}`;
  return (
    <>
      <Switch
        checked={state.enabled} label={label} disabled={!may} title={may ? undefined : `Your role may not change ${environment.name}`}
        onChange={(on) => (environment.protected ? setAsking(on) : change.mutate({ on, version: state.version }))}
      />
      {asking === null ? null : (
        <ConfirmSwitch
          flag={flag.key} environment={environment.name} on={asking} onClose={() => setAsking(null)}
          onConfirm={(comment) => {
            setAsking(null);
            change.mutate({ on: asking, version: state.version, comment });
          }}
        />
      )}
    </>
  );
}

interface ConfirmProps {
  flag: string;
  environment: string;
  on: boolean;
  onConfirm: (comment: string) => void;
  onClose: () => void;
}

export function ConfirmSwitch({ flag, environment, on, onConfirm, onClose }: ConfirmProps) {
  const [comment, setComment] = useState('');
  const words = on ? 'Turn on' : 'Turn off';
  return (
    <Dialog
      title={`${words} in ${environment}?`} onClose={onClose} onSubmit={() => onConfirm(comment)}
      action={words} danger={!on} focusAction
    >
      <p><code className="given">{flag}</code> {on ? 'starts serving by its rules' : 'serves its off variant to everybody'} in {environment}, which is protected.</p>
      <Field label="Why (optional)" hint="Kept in the audit log.">
        {(wired) => <input {...wired} className="input" maxLength={1000} value={comment} onChange={(event) => setComment(event.target.value)} />}
      </Field>
    </Dialog>
  );
}
