import './history.css';

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import type { Listed } from '../api/types.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Field } from '../ui/Field.tsx';
import { Empty, Failed, Loaded, Loading } from '../ui/Loaded.tsx';
import { More } from '../ui/More.tsx';
import { Time } from '../ui/time.tsx';
import { useToasts } from '../ui/toasts.tsx';
import { Differences } from './Differences.tsx';
import type { Source } from './source.ts';
import { who } from './words.ts';

interface Props {
  project: string;
  source: Source;
  /** Whether going back is offered. */
  may: boolean;
  /** The name of the protected environment that is asked about first. */
  ask?: string | undefined;
}

/** Every version, newest first: who, when, why, what, and the way back. */
export function History({ project, source, may, ask }: Props) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const [open, setOpen] = useState<number | null>(null);
  const [asking, setAsking] = useState<Listed | null>(null);
  const list = useInfiniteQuery({
    queryKey: source.queryKey,
    queryFn: ({ pageParam, signal }) => source.list(pageParam, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const versions = list.data?.pages.flatMap((page) => page.items) ?? [];
  const now = versions[0];
  const back = useMutation({
    mutationFn: ({ to, comment }: { to: number; from: number; comment: string; undoing?: boolean }) => source.rollBack(to, now?.version ?? to, comment),
    onSuccess: (_, { from, undoing }) => {
      setAsking(null);
      void queries.invalidateQueries({ queryKey: ['project', project] });
      toasts.say('Rolled back', undoing ? undefined : () => void undo(from));
    },
    onError: (error) => {
      setAsking(null);
      toasts.fail(error);
    },
  });
  const undo = async (to: number) => {
    const fresh = await list.refetch();
    const from = fresh.data?.pages[0]?.items[0]?.version;
    if (from === undefined) return;
    try {
      await source.rollBack(to, from, 'Undone');
      await queries.invalidateQueries({ queryKey: ['project', project] });
    } catch (error) {
      toasts.fail(error);
    }
  };
  const goBack = (version: Listed) => (ask ? setAsking(version) : now && back.mutate({ to: version.version, from: now.version, comment: '' }));
  if (list.isError) return <Failed error={list.error} retry={() => void list.refetch()} />;
  if (list.isPending) return <Loading what="the history" />;
  if (versions.length === 0) return <Empty title="Nothing has happened yet" />;
  return (
    <>
      <ol className="history">
        {versions.map((version, index) => (
          <li key={version.version} className="card history-version">
            <div className="row">
              <span className="grow given">
                <strong>{who(version.author)}</strong> <span className="soft"><Time at={version.at} /></span>
                {index === 0 ? <span className="tag on history-now">now</span> : null}
              </span>
              <button type="button" className="button quiet" aria-expanded={open === version.version} onClick={() => setOpen(open === version.version ? null : version.version)}>Details</button>
              {may && index > 0 && !version.deleted ? (
                <button type="button" className="button" disabled={back.isPending} onClick={() => goBack(version)}>Roll back to this<span className="only-read"> version {version.version}</span></button>
              ) : null}
            </div>
            {version.comment ? <p className="history-comment given">{version.comment}</p> : null}
            <ul className="history-changes">
              {version.changes.map((change) => <li key={change} className="given">{change}</li>)}
              {version.moreChanges > 0 ? <li className="soft">and {version.moreChanges} more</li> : null}
            </ul>
            {open === version.version ? <Shown source={source} version={version.version} /> : null}
          </li>
        ))}
      </ol>
      <More list={list} label="Older" />
      {asking ? (
        <AskBack environment={ask ?? ''} version={asking} busy={back.isPending} onClose={() => setAsking(null)} onConfirm={(comment) => now && back.mutate({ to: asking.version, from: now.version, comment })} />
      ) : null}
    </>
  );
}

function Shown({ source, version }: { source: Source; version: number }) {
  const shown = useQuery({ queryKey: [...source.queryKey, version], queryFn: () => source.show(version), staleTime: Number.POSITIVE_INFINITY });
  return <Loaded query={shown} what="the version">{({ differences, document }) => <><Differences differences={differences} />{document == null ? null : <details><summary className="small">As it was then</summary><pre className="history-json" tabIndex={0}>{JSON.stringify(document, null, 2)}</pre></details>}</>}</Loaded>;
}

interface AskProps {
  environment: string;
  version: Listed;
  busy: boolean;
  onConfirm: (comment: string) => void;
  onClose: () => void;
}

function AskBack({ environment, version, busy, onConfirm, onClose }: AskProps) {
  const [comment, setComment] = useState('');
  return (
    <Dialog
      title={`Roll back in ${environment}?`} onClose={onClose} onSubmit={() => onConfirm(comment)}
      action="Roll back" disabled={busy} focusAction
    >
      <p>{environment} is protected. The flag does again what it did after the change by {who(version.author)}, <Time at={version.at} />. Everybody keeps the bucket that they had then.</p>
      <Field label="Why (optional)">{(wired) => <input {...wired} className="input" maxLength={1000} value={comment} onChange={(event) => setComment(event.target.value)} />}</Field>
    </Dialog>
  );
}
