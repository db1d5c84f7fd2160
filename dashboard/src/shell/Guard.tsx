import { useQuery } from '@tanstack/react-query';
import { Navigate, Outlet } from '@tanstack/react-router';
import { Suspense } from 'react';

import { meQuery } from '../api/queries.ts';
import { Loading } from '../ui/Loaded.tsx';

/** Shows what is inside to whoever is signed in, and the way in to who no longer is. */
export function Guard() {
  const me = useQuery(meQuery);
  if (me.data === null) return <Navigate to="/sign-in" search={{ to: `${location.pathname}${location.search}` }} />;
  return (
    <Suspense fallback={<Loading what="the page" />}>
      <Outlet />
    </Suspense>
  );
}
