import { Link } from '@tanstack/react-router';

import type { Draft } from '../evaluator/draft.ts';
import { sentence } from '../api/problem.ts';
import type { Saved } from './contexts.ts';
import { Served } from './Served.tsx';

interface Props {
  project: string;
  published: Draft;
  draft: Draft;
  saved: Saved[];
  ruleNames: Record<string, string>;
}

/** Whom the draft flips, from what to what, and why. */
export function Flips({ project, published, draft, saved, ruleNames }: Props) {
  if (saved.length === 0) return <p className="small soft">Keep some contexts above: saving then says beforehand whom it flips.</p>;
  let flips: ReturnType<Draft['flips']>;
  try {
    flips = draft.flips(published, saved.map(({ context }) => context));
  } catch (error) {
    return <p className="small bad">{sentence(error)}</p>;
  }
  if (flips.length === 0) return <p className="small soft" role="status">Nobody of the {saved.length} kept contexts gets anything else.</p>;
  return (
    <ul className="stack-small" aria-label="Who flips">
      {flips.map(({ flag, context, before, after }) => (
        <li key={`${flag} ${context}`} className="flip">
          <p><strong className="given">{saved[context]?.name}</strong> <span className="soft">gets of</span> <Link to="/projects/$project/flags/$flag" params={{ project, flag }} className="given">{flag}</Link></p>
          <div className="flip-sides">
            <div><span className="small soft">now</span>{before ? <Served outcome={before} rule={before.rule && `the rule ${ruleNames[before.rule] ?? before.rule}`} /> : <p>nothing</p>}</div>
            <div><span className="small soft">then</span>{after ? <Served outcome={after} rule={after.rule && `the rule ${ruleNames[after.rule] ?? after.rule}`} /> : <p>nothing</p>}</div>
          </div>
        </li>
      ))}
    </ul>
  );
}
