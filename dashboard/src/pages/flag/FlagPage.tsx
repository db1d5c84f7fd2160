import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';

import { flagQuery } from '../../api/queries.ts';
import { Icon } from '../../ui/Icon.tsx';
import { Loaded } from '../../ui/Loaded.tsx';

export function FlagPage() {
  const { project, flag } = useParams({ from: '/inside/projects/$project/flags/$flag' });
  const kept = useQuery(flagQuery(project, flag));
  return (
    <>
      <Link to="/projects/$project/flags" params={{ project }} className="row-fixed small"><Icon name="back" size={14} />Flags</Link>
      <Loaded query={kept} what="the flag">
        {({ key, definition }) => (
          <div className="page-head">
            <div className="grow"><h1>{definition.name || key}</h1><p className="small"><code>{key}</code></p></div>
          </div>
        )}
      </Loaded>
    </>
  );
}
