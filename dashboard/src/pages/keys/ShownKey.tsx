import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { flagsQuery, sdkKeysQuery } from '../../api/queries.ts';
import type { Environment, NewSdkKey } from '../../api/types.ts';
import { Copy } from '../../ui/Copy.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { snippets } from './snippets.ts';

interface Props {
  project: string;
  environment: Environment;
  made: NewSdkKey;
  onClose: () => void;
}

/** A new key: shown this once, with the lines to paste. */
export function ShownKey({ project, environment, made, onClose }: Props) {
  const flags = useInfiniteQuery(flagsQuery(project, {}, 20));
  const flag = flags.data?.pages[0]?.items.find(({ definition }) => definition.type === 'boolean')?.key ?? 'new-checkout';
  const all = snippets({ kind: made.kind, connection: made.connectionString, key: made.key, origin: location.origin, environment: environment.key, flag });
  const [chosen, setChosen] = useState(0);
  const shown = all[chosen] ?? all[0];
  return (
    <Dialog wide title={`New ${made.kind} key for ${environment.name}`} onClose={onClose} footer={<button type="button" className="button primary" onClick={onClose}>I have copied it</button>}>
      <p className="notice warn">It is shown this once and kept only as a hash.</p>
      <Shown label="Connection string" text={made.connectionString} />
      <Shown label="Key alone" text={made.key} />
      <div className="tabs" role="group" aria-label="For">
        {all.map(({ title }, index) => <button key={title} type="button" className={index === chosen ? 'tab chosen' : 'tab'} aria-pressed={index === chosen} onClick={() => setChosen(index)}>{title}</button>)}
      </div>
      {shown ? (
        <div className="stack-small">
          {shown.install ? <Shown label="Install" text={shown.install} /> : null}
          <div className="snippet"><pre tabIndex={0} aria-label={`${shown.title} snippet`}>{shown.code}</pre><Copy text={shown.code} label="Copy the snippet" quiet /></div>
        </div>
      ) : null}
      <FirstUse project={project} environment={environment.key} id={made.id} />
    </Dialog>
  );
}

/** How often it is asked whether the key has been used. */
const AGAIN_MS = 2_000;

/** Waits until a program comes with the key. */
function FirstUse({ project, environment, id }: { project: string; environment: string; id: string }) {
  const keys = useQuery({ ...sdkKeysQuery(project, environment), refetchInterval: AGAIN_MS });
  const used = keys.data?.items.some((key) => key.id === id && key.lastUsedAt != null);
  return <p role="status" className={used ? 'notice good' : 'notice'}>{used ? 'It works: a program has come with this key.' : 'Waiting for a program that comes with this key…'}</p>;
}

export function Shown({ label, text }: { label: string; text: string }) {
  return (
    <div className="stack-small shown">
      <span className="label">{label}</span>
      <div className="snippet"><code tabIndex={0}>{text}</code><Copy text={text} label={`Copy: ${label}`} quiet /></div>
    </div>
  );
}
