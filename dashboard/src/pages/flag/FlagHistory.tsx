import { useState } from 'react';

import { useAccess } from '../../access.ts';
import type { Environment, KeptFlag } from '../../api/types.ts';
import { History } from '../../history/History.tsx';
import { configurationHistory, flagHistory } from '../../history/source.ts';

/** What the flag did in this environment, or what it was in all of them. */
export function FlagHistory({ project, flag, environment }: { project: string; flag: KeptFlag; environment: Environment }) {
  const access = useAccess(project);
  const [whole, setWhole] = useState(false);
  const source = whole ? flagHistory(project, flag.key) : configurationHistory(project, environment.key, flag.key);
  return (
    <div className="stack">
      <label className="row small soft">
        Show
        <select className="input" value={String(whole)} onChange={(event) => setWhole(event.target.value === 'true')}>
          <option value="false">what it does in {environment.name}</option>
          <option value="true">what it is: variants, name, owner, tags</option>
        </select>
      </label>
      <History
        key={source.queryKey.join(' ')} project={project} source={source} may={whole ? access.edit : access.change(environment) && flag.archivedAt == null}
        ask={!whole && environment.protected ? environment.name : undefined}
      />
    </div>
  );
}
