import { useQuery } from '@tanstack/react-query';
import { Navigate, Outlet } from '@tanstack/react-router';
import { Suspense } from 'react';

import { sessionEnded } from '../api/keeper.ts';
import { meQuery } from '../api/queries.ts';
import { Loading } from '../ui/Loaded.tsx';
import { SignInAgain } from './SignInAgain.tsx';

/** Shows what is inside to whoever is signed in, and the way in to who is not. */
export function Guard() {
  const me = useQuery(meQuery);
  const ended = useQuery(sessionEnded);
  if (me.data === null) return <Navigate to="/sign-in" search={{ to: `${location.pathname}${location.search}` }} />;
  return (
    <>
      <Suspense fallback={<Loading what="the page" />}>
        <Outlet />
      </Suspense>
      {ended.data && me.data?.user ? <SignInAgain email={me.data.user.email} /> : null}
    </>
  );
}
