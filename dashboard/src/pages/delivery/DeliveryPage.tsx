import { useQueries, useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';

import { useMe } from '../../access.ts';
import { client, data } from '../../api/client.ts';
import { Problem } from '../../api/problem.ts';
import { environmentsQuery } from '../../api/queries.ts';
import type { EdgeState, Environment } from '../../api/types.ts';
import { Failed, Loaded } from '../../ui/Loaded.tsx';
import { Time } from '../../ui/time.tsx';
import { bytes } from './bytes.ts';
import { Edges } from './Edges.tsx';

/** How often it is read again while it is open. */
const AGAIN_MS = 5_000;

/** What is published where, and whether the edges run it. */
export function DeliveryPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const environments = useQuery({ ...environmentsQuery(project), refetchInterval: AGAIN_MS });
  const edges = useEdges();
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Delivery</h1><p>What is published, how large it is, and which edges run it.</p></div></div>
      <Loaded query={environments} what="the environments">
        {(all) => <div className="stack">{all.map((environment) => <OfEnvironment key={environment.id} project={project} environment={environment} edges={edges} />)}</div>}
      </Loaded>
    </>
  );
}

/** The edges' states; undefined where the server does not tell this person. */
function useEdges(): EdgeState[] | undefined {
  const me = useMe();
  const [edges] = useQueries({
    queries: [{ queryKey: ['edges'], queryFn: async () => (await data(client.GET('/admin/edges'))).items, refetchInterval: AGAIN_MS, enabled: me.instanceOwner }],
  });
  return edges?.data;
}

function OfEnvironment({ project, environment, edges }: { project: string; environment: Environment; edges: EdgeState[] | undefined }) {
  const snapshots = useQuery({
    queryKey: ['project', project, 'snapshots', environment.key],
    queryFn: () => data(client.GET('/admin/projects/{project}/environments/{environment}/snapshots', { params: { path: { project, environment: environment.key } } })),
    refetchInterval: AGAIN_MS,
  });
  const here = edges?.filter((edge) => edge.environmentId === environment.id) ?? [];
  const items = snapshots.data?.items ?? [];
  const published = Math.max(0, ...items.map((snapshot) => snapshot.version));
  const behind = environment.revision - published;
  const latest = items.filter((snapshot, index) => items.findIndex((one) => one.kind === snapshot.kind) === index);
  return (
    <section className="card stack-small" aria-labelledby={`delivery-${environment.id}`}>
      <div className="row">
        <h2 id={`delivery-${environment.id}`} className="given grow">{environment.name}</h2>
        {environment.publishError ? <span className="tag bad">not published</span> : behind > 0 ? <span className="tag warn">{behind} {behind === 1 ? 'revision' : 'revisions'} behind</span> : <span className="tag on">up to date</span>}
        <span className="small soft">version {published} · epoch {environment.epoch}</span>
      </div>
      {environment.publishError ? <p className="notice bad given">{environment.publishError}</p> : null}
      {snapshots.isError && !(snapshots.error instanceof Problem && snapshots.error.status === 403) ? <Failed error={snapshots.error} /> : null}
      {latest.length > 0 ? (
        <div className="scroll-x" role="region" aria-label={`Published snapshots of ${environment.name}`} tabIndex={0}>
          <table className="table">
            <caption className="only-read">Published snapshots of {environment.name}</caption>
            <thead><tr><th scope="col">Kind</th><th scope="col" className="number">Version</th><th scope="col" className="number">Size</th><th scope="col">Signed</th><th scope="col">Stale from</th><th scope="col">Body</th></tr></thead>
            <tbody>
              {latest.map((snapshot) => (
                <tr key={snapshot.kind}>
                  <td>{snapshot.kind}</td><td className="number">{snapshot.version}</td><td className="number">{bytes(snapshot.bodyLength)}</td>
                  <td><Time at={snapshot.created} /></td><td><Time at={snapshot.refreshBy} /></td><td><code title={snapshot.bodySha256}>{snapshot.bodySha256.slice(0, 12)}</code></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {here.length > 0 ? (
        <Edges environment={environment.name} edges={here} published={published} />
      ) : <p className="small soft">{edges === undefined ? 'Owners of the installation see the edges here.' : 'No edge has taken anything of this environment: SDKs read it from here.'}</p>}
    </section>
  );
}
