import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { client, data, writing } from '../../api/client.ts';
import { Problem } from '../../api/problem.ts';
import { configurationQuery } from '../../api/queries.ts';
import type { FlagConfiguration, KeptConfiguration } from '../../api/types.ts';
import { type Conflict, differs, merge, type Side } from '../../flag/merge.ts';
import { operationsBetween } from '../../flag/operations.ts';
import { changesInWords } from '../../flag/words.ts';
import { useToasts } from '../../ui/toasts.tsx';

/** What is typed and not saved, of one environment. */
interface Stored {
  base: KeptConfiguration;
  configuration: FlagConfiguration;
}

export type Drafts = Record<string, Stored>;

export interface Collision {
  theirs: KeptConfiguration;
  conflicts: Conflict[];
}

/** How often a save is tried again when somebody else saves in between. */
const TRIES = 3;

/** The configuration of a flag in one environment with what was changed and is not saved yet. */
export function useDraft(project: string, flag: string, environment: string, drafts: Drafts, setDrafts: (change: (drafts: Drafts) => Drafts) => void) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const query = useQuery(configurationQuery(project, environment, flag));
  const [collision, setCollision] = useState<Collision | null>(null);
  const stored = drafts[environment];
  const base = stored?.base ?? query.data;
  const configuration = stored?.configuration ?? query.data?.configuration;
  const dirty = stored !== undefined && differs(stored.base.configuration, stored.configuration);

  const put = (next: Stored | undefined) =>
    setDrafts((all) => {
      const { [environment]: _, ...others } = all;
      return next ? { ...others, [environment]: next } : others;
    });
  const set = (next: FlagConfiguration) => base && put({ base, configuration: next });
  const path = { project, environment, flag };

  const save = useMutation({
    mutationFn: async ({ comment, from }: { comment: string; from: Stored }) => {
      let { base: seen, configuration: wanted } = from;
      for (let tries = 1; ; tries += 1) {
        const operations = operationsBetween(seen.configuration, wanted);
        if (operations.length === 0) return { kept: seen, before: seen };
        try {
          const body = { operations, comment: comment.trim() || null };
          const request = { params: { path }, body, ...writing(seen.version) };
          return { kept: await data(client.POST('/admin/projects/{project}/environments/{environment}/flags/{flag}/operations', request)), before: seen };
        } catch (error) {
          const late = error instanceof Problem && (error.status === 412 || error.status === 409);
          if (!late || tries >= TRIES) throw error;
          // What others did meanwhile is taken in, unless both did something else with the same part.
          const theirs = await queries.fetchQuery({ ...configurationQuery(project, environment, flag), staleTime: 0 });
          if (theirs.version === seen.version) throw error;
          const merged = merge(seen.configuration, wanted, theirs.configuration);
          if (merged.conflicts.length > 0) return { collision: { theirs, conflicts: merged.conflicts } };
          seen = theirs;
          wanted = merged.configuration;
        }
      }
    },
    onSuccess: (outcome) => {
      if (outcome.collision) return setCollision(outcome.collision);
      const { kept, before } = outcome;
      queries.setQueryData(configurationQuery(project, environment, flag).queryKey, kept);
      put(undefined);
      setCollision(null);
      void queries.invalidateQueries({ queryKey: ['project', project] });
      toasts.say(`Saved: ${flag} in ${environment}`, kept.version === before.version ? undefined : () => undo.mutate({ to: before.version, from: kept.version }));
    },
  });
  const undo = useMutation({
    mutationFn: ({ to, from }: { to: number; from: number }) =>
      data(client.POST('/admin/projects/{project}/environments/{environment}/flags/{flag}/versions/{version}/rollback', { params: { path: { ...path, version: to } }, ...writing(from, 'Undone') })),
    onSuccess: () => {
      toasts.say('Undone');
      return queries.invalidateQueries({ queryKey: ['project', project] });
    },
    onError: toasts.fail,
  });

  /** Saves on top of what the others saved, with the side that was chosen of each part. */
  const settle = (chosen: Record<string, Side>, comment: string) => {
    if (!stored || !collision) return;
    const { configuration: merged } = merge(stored.base.configuration, stored.configuration, collision.theirs.configuration, chosen);
    const next = { base: collision.theirs, configuration: merged };
    put(next);
    setCollision(null);
    save.mutate({ comment, from: next });
  };

  return {
    query, base, configuration, dirty, set, collision,
    operations: stored ? operationsBetween(stored.base.configuration, stored.configuration) : [],
    changes: stored ? changesInWords(stored.base.configuration, stored.configuration, Date.now()) : [],
    /** Somebody else saved since this draft was begun. */
    behind: stored !== undefined && query.data !== undefined && query.data.version > stored.base.version,
    discard: () => put(undefined),
    save: (comment: string) => stored && save.mutate({ comment, from: stored }),
    saving: save.isPending,
    /** Why it was not saved; that the session has ended is told by the dialog that asks for the password. */
    problem: save.error instanceof Problem && save.error.status === 401 ? null : save.error,
    settle,
    forgetCollision: () => setCollision(null),
  };
}

export type Draft = ReturnType<typeof useDraft>;
