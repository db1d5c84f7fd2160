import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { Link } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { type CSSProperties, useLayoutEffect, useRef, useState } from 'react';

import { sentence } from '../../api/problem.ts';
import { configurationQuery } from '../../api/queries.ts';
import type { Environment } from '../../api/types.ts';
import type { Draft, EvaluationContext } from '../../evaluator/draft.ts';
import { ruleName } from '../../flag/words.ts';
import type { MatrixRow } from '../../preview/matrix.ts';
import { Served } from '../../preview/Served.tsx';
import { Trace } from '../../preview/Trace.tsx';

/** Height of a row before it is measured. */
const ROW_PX = 58;

/** Ids that the dashboard draws say nothing to people. */
const DRAWN = /^rule-[0-9a-f]{8}$/;

interface Props {
  project: string;
  environments: Environment[];
  drafts: (Draft | undefined)[];
  rows: MatrixRow[];
  context: EvaluationContext;
}

/** Flags by environments, each cell with what is served and the reason; pressed, it shows every step. Only the rows in view are in the page. */
export function Matrix({ project, environments, drafts, rows, context }: Props) {
  const body = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  const [open, setOpen] = useState<Record<string, string | undefined>>({});
  useLayoutEffect(() => {
    const place = body.current?.getBoundingClientRect().top;
    if (place !== undefined) setOffset(place + scrollY);
  }, []);
  const virtual = useWindowVirtualizer({ count: rows.length, estimateSize: () => ROW_PX, overscan: 8, scrollMargin: offset, getItemKey: (index) => rows[index]?.flag ?? index });
  return (
    <div className="card flush scroll-x" role="region" aria-label="Flags by environments" tabIndex={0}>
      <div className="matrix" role="table" aria-label="What each flag serves" aria-rowcount={rows.length + 1} style={{ '--environments': environments.length } as CSSProperties}>
        <div role="rowgroup">
          <div role="row" aria-rowindex={1} className="matrix-row matrix-head">
            <span role="columnheader">Flag</span>
            {environments.map(({ key, name }) => <span role="columnheader" key={key} className="cut" title={name}>{name}</span>)}
          </div>
        </div>
        <div role="rowgroup" ref={body} className="matrix-body" style={{ height: virtual.getTotalSize() }}>
          {/* In the flow of the page below the first one: a row that grows moves those below it at once. */}
          <div role="presentation" className="matrix-placed" style={{ transform: `translateY(${(virtual.getVirtualItems()[0]?.start ?? offset) - offset}px)` }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const shown = environments.findIndex(({ key }) => key === open[row.flag]);
            return (
              <div key={item.key} role="row" aria-rowindex={item.index + 2} data-index={item.index} ref={virtual.measureElement} className="matrix-row">
                <span role="rowheader" className="cut"><Link to="/projects/$project/flags/$flag" params={{ project, flag: row.flag }} className="flags-link" title={row.flag}>{row.flag}</Link></span>
                {environments.map((environment, place) => (
                  <span role="cell" key={environment.key} className="matrix-cell">
                    <span className="matrix-environment small soft cut">{environment.name}</span>
                    <Cell outcome={row.outcomes[place]} ready={drafts[place] !== undefined} environment={environment} open={shown === place} onOpen={() => setOpen({ ...open, [row.flag]: shown === place ? undefined : environment.key })} />
                  </span>
                ))}
                {environments[shown] && drafts[shown] ? <Why project={project} environment={environments[shown]} draft={drafts[shown]} flag={row.flag} context={context} /> : null}
              </div>
            );
          })}
          </div>
        </div>
      </div>
    </div>
  );
}

interface CellProps {
  outcome: MatrixRow['outcomes'][number];
  ready: boolean;
  environment: Environment;
  open: boolean;
  onOpen: () => void;
}

function Cell({ outcome, ready, environment, open, onOpen }: CellProps) {
  if (!outcome) return <span className="soft small">{ready ? 'not here' : '…'}</span>;
  const rule = outcome.rule && (DRAWN.test(outcome.rule) ? 'a rule' : `the rule ${outcome.rule}`);
  return (
    <button type="button" className="matrix-button" aria-expanded={open} onClick={onOpen}>
      <span className="only-read">Why in {environment.name}: </span>
      <Served outcome={outcome} rule={rule || undefined} />
    </button>
  );
}

interface WhyProps {
  project: string;
  environment: Environment;
  draft: Draft;
  flag: string;
  context: EvaluationContext;
}

function Why({ project, environment, draft, flag, context }: WhyProps) {
  const kept = useQuery(configurationQuery(project, environment.key, flag));
  const names = Object.fromEntries((kept.data?.configuration.rules ?? []).map((rule, index) => [rule.id, DRAWN.test(ruleName(rule)) ? String(index + 1) : ruleName(rule)]));
  let steps: ReturnType<Draft['explain']>;
  try {
    steps = draft.explain(flag, context);
  } catch (error) {
    return <p role="cell" className="notice bad given matrix-why">{sentence(error)}</p>;
  }
  return (
    <div role="cell" className="matrix-why">
      <p className="small soft">In {environment.name} · <Link to="/projects/$project/flags/$flag" params={{ project, flag }} search={{ env: environment.key }}>what it does there</Link></p>
      <Trace steps={steps} names={names} />
    </div>
  );
}
