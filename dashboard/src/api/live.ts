// What others change shows by itself: each change of the project throws away what was read of what it touches.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';

/** A change as the server tells it (`GET /admin/projects/{project}/events`). */
export interface LiveChange {
  version: number;
  at: number;
  author: string;
  action: string;
  target: string;
  environment?: string;
  comment?: string;
}

/** Changes within this time are one reason to read again. */
const MERGE_MS = 150;
/** The first wait before asking for the stream again after the server refused it; each further one is twice as long. */
const FIRST_RETRY_MS = 2_000;
const LAST_RETRY_MS = 60_000;

/** Keeps everything that is shown of a project true, for as long as `listening`. `heard` is called for each change. */
export function useLive(project: string, listening: boolean, heard?: (change: LiveChange) => void): void {
  const queries = useQueryClient();
  useEffect(
    () => {
      if (!listening) return undefined;
      let pending: ReturnType<typeof setTimeout> | undefined;
      const refresh = () => {
        pending ??= setTimeout(() => {
          pending = undefined;
          void queries.invalidateQueries({ queryKey: ['project', project] });
        }, MERGE_MS);
      };
      const stop = watchProject(project, {
        // What changed before the stream was open, or while it was away, is read again.
        reconnected: refresh,
        changed: (change) => {
          refresh();
          heard?.(change);
        },
      });
      return () => {
        stop();
        clearTimeout(pending);
      };
    },
    // A listener that changes with every render must not open a stream with every render.
    [project, listening, queries],
  );
}

interface Listener {
  changed(change: LiveChange): void;
  /** The stream is open again after a break. */
  reconnected(): void;
}

/**
 * Listens until the function that it answers is called. Only while the page is in view: a browser has few connections to one server, which
 * all its tabs share.
 */
export function watchProject(project: string, listener: Listener): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let refusals = 0;
  let opened = false;
  const close = () => {
    clearTimeout(retry);
    source?.close();
    source = undefined;
  };
  const open = () => {
    close();
    const stream = new EventSource(`/admin/projects/${encodeURIComponent(project)}/events`);
    source = stream;
    stream.addEventListener('ready', () => {
      refusals = 0;
      if (opened) listener.reconnected();
      opened = true;
    });
    stream.addEventListener('change', (event: MessageEvent<string>) => listener.changed(JSON.parse(event.data) as LiveChange));
    stream.addEventListener('error', () => {
      // A break is mended by the browser itself; a refusal (signed out, too many watchers) is final to it.
      if (stream.readyState !== EventSource.CLOSED || stream !== source) return;
      retry = setTimeout(open, Math.min(FIRST_RETRY_MS * 2 ** refusals, LAST_RETRY_MS));
      refusals += 1;
    });
  };
  const look = () => {
    if (document.visibilityState === 'hidden') close();
    else if (!source) open();
  };
  document.addEventListener('visibilitychange', look);
  look();
  return () => {
    document.removeEventListener('visibilitychange', look);
    close();
  };
}
