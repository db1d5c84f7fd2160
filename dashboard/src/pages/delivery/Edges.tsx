import type { EdgeState } from '../../api/types.ts';
import { Time } from '../../ui/time.tsx';

interface Props {
  /** The environment's name. */
  environment: string;
  edges: EdgeState[];
  /** The newest version that is published. */
  published: number;
}

/** Each edge with the version that it runs, by its own word where it gave it. */
export function Edges({ environment, edges, published }: Props) {
  return (
    <div className="scroll-x" role="region" aria-label={`Edges of ${environment}`} tabIndex={0}>
      <table className="table">
        <caption className="only-read">Edges of {environment}</caption>
        <thead><tr><th scope="col">Edge</th><th scope="col">Kind</th><th scope="col" className="number">Runs</th><th scope="col">State</th><th scope="col">Heard of</th></tr></thead>
        <tbody>
          {edges.map((edge) => {
            const version = edge.reported?.version ?? edge.version;
            const wrong = edge.lastError ?? edge.statusError;
            return (
              <tr key={`${edge.url} ${edge.kind}`}>
                <td className="given">{edge.url}</td><td>{edge.kind}</td><td className="number">{version}</td>
                <td>
                  {edge.lastError ? <span className="tag bad">failing</span> : version < published ? <span className="tag warn">behind</span> : <span className="tag on">up to date</span>}
                  {edge.reported?.stale ? <> <span className="tag warn">stale</span></> : null}
                  {wrong ? <p className="small bad given">{wrong}</p> : null}
                  {edge.newestFailure ? <p className="small soft given">{edge.newestFailure.detail} (<Time at={edge.newestFailure.at} />)</p> : null}
                </td>
                <td><Time at={edge.askedAt ?? edge.lastAttempt} /></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
