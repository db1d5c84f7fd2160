import { type InfiniteData, useMutation, useQueryClient } from '@tanstack/react-query';

import { Problem } from '../../api/problem.ts';
import { turn } from '../../api/turn.ts';
import type { Environment, FlagItem } from '../../api/types.ts';
import { useToasts } from '../../ui/toasts.tsx';

interface Wanted {
  on: boolean;
  version: number;
  comment?: string;
  /** The reverse of a switch that was just thrown: not offered once more. */
  undoing?: boolean;
}

interface Page {
  items: FlagItem[];
}

/** Turns a flag on or off in one environment; the row shows it at once, and a message takes it back. */
export function useSwitch(project: string, flag: string, environment: Environment) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const lists = ['project', project, 'flags'];
  const show = (state: { enabled: boolean; version: number; updatedAt: number }) =>
    queries.setQueriesData<InfiniteData<Page>>({ queryKey: lists }, (list) =>
      list?.pages ? { ...list, pages: list.pages.map((page) => ({ ...page, items: page.items.map((item) => (item.key === flag ? { ...item, environments: { ...item.environments, [environment.key]: state } } : item)) })) } : list,
    );
  const change = useMutation({
    mutationFn: ({ on, version, comment }: Wanted) => turn({ project, environment: environment.key, flag }, on, version, comment),
    onMutate: ({ on, version }) => show({ enabled: on, version, updatedAt: Date.now() }),
    onSuccess: ({ enabled, version, updatedAt }, { on, undoing }) => {
      show({ enabled, version, updatedAt });
      void queries.invalidateQueries({ queryKey: ['project', project, 'flag', flag] });
      const undo = undoing ? undefined : () => change.mutate({ on: !on, version, undoing: true });
      toasts.say(`${flag} is ${enabled ? 'on' : 'off'} in ${environment.name}`, undo);
    },
    onError: (error, { on, version }) => {
      show({ enabled: !on, version, updatedAt: Date.now() });
      toasts.fail(error instanceof Problem && error.status === 412 ? new Error('somebody else has just changed this flag: the list now shows it as it is') : error);
      void queries.invalidateQueries({ queryKey: lists });
    },
  });
  return change;
}
