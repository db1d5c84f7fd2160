import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';

import { client, data } from '../../api/client.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { More } from '../../ui/More.tsx';
import { Time } from '../../ui/time.tsx';
import { useToasts } from '../../ui/toasts.tsx';

/** How often the log is read again while it is open. */
const AGAIN_MS = 5_000;
const PAGE = 30;

/** The deliveries of a webhook, newest first, and what became of them. */
export function Deliveries({ project, webhook }: { project: string; webhook: string }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const queryKey = ['project', project, 'webhooks', webhook, 'deliveries'];
  const list = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      data(client.GET('/admin/projects/{project}/webhooks/{id}/deliveries', { params: { path: { project, id: webhook }, query: { limit: PAGE, ...(pageParam === '' ? {} : { cursor: pageParam }) } }, signal })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: AGAIN_MS,
  });
  const again = useMutation({
    mutationFn: (delivery: string) => data(client.POST('/admin/projects/{project}/webhooks/{id}/deliveries/{delivery}/redeliver', { params: { path: { project, id: webhook, delivery } } })),
    onSuccess: () => {
      toasts.say('Sent once more');
      void queries.invalidateQueries({ queryKey });
    },
    onError: toasts.fail,
  });
  return (
    <Loaded query={list} what="the deliveries">
      {({ pages }) => {
        const items = pages.flatMap((page) => page.items);
        return items.length === 0 ? (
          <p className="soft small">Nothing was sent yet.</p>
        ) : (
          <>
            <div className="scroll-x">
              <table className="table">
                <thead><tr><th scope="col">Event</th><th scope="col">State</th><th scope="col">Answer</th><th scope="col">When</th><th scope="col"><span className="only-read">Actions</span></th></tr></thead>
                <tbody>
                  {items.map((delivery) => (
                    <tr key={delivery.id}>
                      <td className="given">{delivery.event}</td>
                      <td><span className={`tag ${delivery.state === 'delivered' ? 'on' : delivery.state === 'failed' ? 'bad' : 'warn'}`}>{delivery.state}</span> <span className="small soft">{delivery.attempts} {delivery.attempts === 1 ? 'attempt' : 'attempts'}</span></td>
                      <td className="small given">{delivery.lastStatus ?? ''} {delivery.lastError ?? ''} {delivery.lastDurationMs == null ? '' : `${delivery.lastDurationMs} ms`}</td>
                      <td><Time at={delivery.lastAttemptAt ?? delivery.createdAt} /></td>
                      <td><button type="button" className="button quiet" onClick={() => again.mutate(delivery.id)}>Send again</button></td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <More list={list} label="Older" />
          </>
        );
      }}
    </Loaded>
  );
}
