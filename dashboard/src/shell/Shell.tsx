import './shell.css';

import { useQuery } from '@tanstack/react-query';
import { Outlet, useLocation, useParams } from '@tanstack/react-router';
import { Suspense, useEffect, useRef, useState } from 'react';

import { keeper, sessionEnded } from '../api/keeper.ts';
import { useLive } from '../api/live.ts';
import { meQuery, projectsQuery } from '../api/queries.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Loading } from '../ui/Loaded.tsx';
import { useToasts } from '../ui/toasts.tsx';
import { told } from './heard.ts';
import { Keyboard } from './Keyboard.tsx';
import { rememberProject } from './lastProject.ts';
import { Navigation } from './Navigation.tsx';
import { OfflineBanner } from './OfflineBanner.tsx';

/** A project's frame: navigation on the left, on a phone behind a button; the page on the right. */
export function Shell() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const { pathname } = useLocation();
  const projects = useQuery(projectsQuery);
  const toasts = useToasts();
  const ended = useQuery(sessionEnded);
  useLive(project, !ended.data, (change) => {
    const words = told(change, keeper.getQueryData(meQuery.queryKey), location.pathname);
    if (words) toasts.say(words);
  });
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const shown = useRef(pathname);
  useEffect(() => rememberProject(project), [project]);
  useEffect(() => {
    setOpen(false);
    if (shown.current === pathname) return;
    shown.current = pathname;
    // A new page is read from its beginning, unless it has a field that waits for the first word.
    if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
  }, [pathname]);
  const name = projects.data?.items.find((one) => one.key === project)?.name ?? project;
  return (
    <div className="shell">
      <Keyboard project={project} />
      <a className="skip" href="#main">Skip to the page</a>
      <header className="shell-top">
        <button type="button" className="button quiet icon" aria-label="Menu" onClick={() => setOpen(true)}><Icon name="menu" /></button>
        <span className="cut"><bdi>{name}</bdi></span>
      </header>
      <div className="shell-side"><Navigation project={project} projects={projects.data?.items ?? []} /></div>
      <main id="main" ref={main} className="shell-main" tabIndex={-1}>
        <OfflineBanner />
        <Suspense fallback={<Loading what="the page" />}>
          <Outlet />
        </Suspense>
      </main>
      {open ? (
        <Dialog title="Menu" onClose={() => setOpen(false)}>
          <Navigation project={project} projects={projects.data?.items ?? []} />
        </Dialog>
      ) : null}
    </div>
  );
}
