import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';

import { useMe } from '../../access.ts';
import { client, data } from '../../api/client.ts';
import { deliveryQuery, environmentsQuery } from '../../api/queries.ts';
import type { Delivery, EdgeState, Environment } from '../../api/types.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { ago, Time } from '../../ui/time.tsx';
import { bytes } from './bytes.ts';
import { Edges } from './Edges.tsx';
import { Held } from './Held.tsx';

/** How often it is read again while it is open. */
const AGAIN_MS = 5_000;

/** What is published where, and whether the edges run it. */
export function DeliveryPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const environments = useQuery(environmentsQuery(project));
  const edges = useEdges();
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Delivery</h1><p>What is published, how large it is, who signed it, and which edges run it.</p></div></div>
      <Loaded query={environments} what="the environments">
        {(all) => <div className="stack">{all.map((environment) => <OfEnvironment key={environment.id} project={project} environment={environment} edges={edges} />)}</div>}
      </Loaded>
    </>
  );
}

/** The edges' states; undefined where the server does not tell this person. */
function useEdges(): EdgeState[] | undefined {
  const me = useMe();
  const edges = useQuery({ queryKey: ['edges'], queryFn: async () => (await data(client.GET('/admin/edges'))).items, refetchInterval: AGAIN_MS, enabled: me.instanceOwner });
  return edges.data;
}

function OfEnvironment({ project, environment, edges }: { project: string; environment: Environment; edges: EdgeState[] | undefined }) {
  const query = useQuery({ ...deliveryQuery(project, environment.key), refetchInterval: AGAIN_MS });
  const here = edges?.filter((edge) => edge.environmentId === environment.id) ?? [];
  const published = Math.max(0, ...(query.data?.published ?? []).map(({ version }) => version));
  return (
    <section className="card stack-small" aria-labelledby={`delivery-${environment.id}`}>
      <div className="row">
        <h2 id={`delivery-${environment.id}`} className="given grow">{environment.name}</h2>
        {query.data ? <State delivery={query.data} /> : null}
        {query.data ? <span className="small soft">version {published} of {query.data.revision}</span> : null}
      </div>
      <Loaded query={query} what="what is published">
        {(delivery) => (
          <>
            <Held project={project} environment={environment} delivery={delivery} />
            {delivery.error ? <p className="notice bad given">{delivery.error.detail} It fails since <Time at={delivery.error.since} /> and is tried again.</p> : null}
            <Snapshots environment={environment.name} published={delivery.published} />
          </>
        )}
      </Loaded>
      {here.length > 0 ? (
        <Edges environment={environment.name} edges={here} published={published} />
      ) : <p className="small soft">{edges === undefined ? 'Owners of the installation see the edges here.' : 'No edge has taken anything of this environment: SDKs read it from here.'}</p>}
    </section>
  );
}

function State({ delivery: { held, error, waiting } }: { delivery: Delivery }) {
  if (held) return <span className="tag bad">held back</span>;
  if (error) return <span className="tag bad">not published</span>;
  if (!waiting) return <span className="tag on">up to date</span>;
  return <span className="tag warn">{waiting.revisions} {waiting.revisions === 1 ? 'revision waits' : 'revisions wait'} since {ago(waiting.since, waiting.since + waiting.lag)}</span>;
}

function Snapshots({ environment, published }: { environment: string; published: Delivery['published'] }) {
  if (published.length === 0) return <p className="small soft">Nothing is published yet.</p>;
  return (
    <div className="scroll-x" role="region" aria-label={`Published snapshots of ${environment}`} tabIndex={0}>
      <table className="table">
        <caption className="only-read">Published snapshots of {environment}</caption>
        <thead><tr><th scope="col">Kind</th><th scope="col" className="number">Version</th><th scope="col" className="number">Size</th><th scope="col">Signed</th><th scope="col">By the key</th><th scope="col">Stale from</th></tr></thead>
        <tbody>
          {published.map((snapshot) => (
            <tr key={snapshot.kind}>
              <td>{snapshot.kind}</td><td className="number">{snapshot.version}</td><td className="number">{bytes(snapshot.bytes)}</td>
              <td><Time at={snapshot.created} /></td>
              <td>{snapshot.signers.map((signer) => <code key={signer} title={signer}>{signer.slice(0, 12)} </code>)}<span className="small soft">keyset {snapshot.keyset}</span></td>
              <td><Time at={snapshot.refreshBy} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
