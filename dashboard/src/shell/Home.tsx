import { useQuery } from '@tanstack/react-query';
import { Navigate } from '@tanstack/react-router';

import { useMe } from '../access.ts';
import { projectsQuery } from '../api/queries.ts';
import { Empty, Loaded } from '../ui/Loaded.tsx';
import { lastProject } from './lastProject.ts';
import { SignOut } from './SignOut.tsx';

/** The way to the project that was open last, or to the first there is. */
export function Home() {
  const me = useMe();
  const projects = useQuery(projectsQuery);
  return (
    <Loaded query={projects} what="your projects">
      {({ items }) => {
        const last = lastProject();
        const open = items.find((project) => project.key === last) ?? items[0];
        if (open) return <Navigate to="/projects/$project/flags" params={{ project: open.key }} replace />;
        if (me.instanceOwner) return <Navigate to="/new-project" replace />;
        return (
          <main>
            <Empty title="No project yet" action={<SignOut />}>
              Nobody has made you a member of a project yet. Ask an admin of one.
            </Empty>
          </main>
        );
      }}
    </Loaded>
  );
}
