import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { Problem, sentence } from '../api/problem.ts';
import { Icon } from './Icon.tsx';

import './states.css';

interface Props<T> {
  query: Pick<UseQueryResult<T>, 'data' | 'error' | 'isError' | 'fetchStatus'> & { refetch: () => Promise<unknown> };
  /** What is being waited for: read by screen readers. */
  what: string;
  /** It is all that the page shows: what has failed is then the page's heading. */
  whole?: boolean;
  children: (data: T) => ReactNode;
}

/** What was read, or why it is not there: loading, offline, failed. What somebody else deletes meanwhile stays, and is said to be gone. */
export function Loaded<T>({ query, what, whole = false, children }: Props<T>) {
  if (query.data !== undefined) {
    const gone = query.error instanceof Problem && query.error.status === 404;
    return (
      <>
        {gone ? <p className="notice warn gone" role="alert">Somebody has deleted this meanwhile. What you see is how it was last.</p> : null}
        {children(query.data)}
      </>
    );
  }
  if (query.isError) return <Failed error={query.error} whole={whole} retry={() => void query.refetch()} />;
  if (query.fetchStatus === 'paused') return <Failed error={Problem.unreachable()} whole={whole} retry={() => void query.refetch()} />;
  return <Loading what={what} />;
}

/** Grey lines where the content will be; shown only when it takes long enough to notice. */
export function Loading({ what, lines = 4 }: { what: string; lines?: number }) {
  return (
    <div className="loading" role="status">
      <span className="only-read">Loading {what}</span>
      {Array.from({ length: lines }, (_, line) => <span key={line} className="loading-line" />)}
    </div>
  );
}

export function Failed({ error, retry, whole = false }: { error: unknown; retry?: () => void; whole?: boolean }) {
  const away = error instanceof Problem && error.status === 0;
  const title = away ? 'You are offline' : error instanceof Problem && error.status === 404 ? 'Not found' : error instanceof Problem && error.status === 403 ? 'Not for your role' : 'This did not load';
  return (
    <div className="state" role="alert">
      <Icon name="warn" size={28} />
      {whole ? <h1>{title}</h1> : <h2>{title}</h2>}
      <p className="soft given">{sentence(error)}</p>
      {retry ? <button type="button" className="button" onClick={retry}>Try again</button> : null}
    </div>
  );
}

export function Empty({ title, children, action, whole = false }: { title: string; children?: ReactNode; action?: ReactNode; whole?: boolean }) {
  return (
    <div className="state">
      {whole ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children ? <p className="soft">{children}</p> : null}
      {action}
    </div>
  );
}
