import { Link } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';

import type { Environment, FlagItem } from '../../api/types.ts';
import { Time } from '../../ui/time.tsx';
import { FlagSwitch } from './FlagSwitch.tsx';

/** Height of a row before it is measured. */
const ROW_PX = 60;
/** Rows from the end at which the next page is asked for. */
const AHEAD = 40;

interface Props {
  project: string;
  flags: FlagItem[];
  environments: Environment[];
  total: number;
  /** Asks for the next page, where there is one and none is under way. */
  more: (() => void) | undefined;
}

/** Only the rows in view are in the page; screen readers are told how many there are. */
export function FlagTable({ project, flags, environments, total, more }: Props) {
  const body = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => setOffset(body.current?.offsetTop ?? 0), []);
  const rows = useWindowVirtualizer({
    count: flags.length,
    estimateSize: () => ROW_PX,
    overscan: 12,
    scrollMargin: offset,
    getItemKey: (index) => flags[index]?.key ?? index,
  });
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && last >= flags.length - AHEAD) more();
  }, [more, last, flags.length]);
  return (
    <div className="card flush flags-table" role="table" aria-label="Flags" aria-rowcount={total + 1} style={{ '--environments': environments.length } as React.CSSProperties}>
      <div role="rowgroup">
        <div role="row" aria-rowindex={1} className="flags-row flags-head">
          <span role="columnheader">Flag</span>
          {environments.map((environment) => (
            <span role="columnheader" key={environment.key} className="flags-environment cut" title={environment.name}>{environment.name}</span>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={body} className="flags-body" style={{ height: rows.getTotalSize() }}>
        {/* In the flow of the page below the first one: a row that grows moves those below it at once. */}
        <div role="presentation" className="flags-placed" style={{ transform: `translateY(${(items[0]?.start ?? offset) - offset}px)` }}>
        {items.map((item) => {
          const flag = flags[item.index];
          return flag ? (
            <div
              key={item.key} role="row" aria-rowindex={item.index + 2} data-index={item.index} ref={rows.measureElement}
              className="flags-row flags-hover"
            >
              <FlagCell project={project} flag={flag} />
              {environments.map((environment) => (
                <span role="cell" key={environment.key} className="flags-environment">
                  <span className="flags-environment-name small soft">{environment.name}</span>
                  <FlagSwitch project={project} flag={flag} environment={environment} />
                </span>
              ))}
            </div>
          ) : null;
        })}
        </div>
      </div>
    </div>
  );
}

function FlagCell({ project, flag }: { project: string; flag: FlagItem }) {
  const { name, owner, tags = [], type, description, temporary, expectedEnd } = flag.definition;
  const over = temporary && expectedEnd != null && expectedEnd < Date.now();
  return (
    <span role="cell" className="flags-cell">
      <span className="row-fixed">
        <Link to="/projects/$project/flags/$flag" params={{ project, flag: flag.key }} className="flags-link cut" title={name || flag.key}>{name || flag.key}</Link>
        {type === 'boolean' ? null : <span className="tag">{type}</span>}
        {over ? <span className="tag warn">past its end</span> : null}
        {tags.slice(0, 3).map((tag) => <span key={tag} className="tag flags-tag">{tag}</span>)}
      </span>
      <span className="small soft cut">
        {name ? <><code>{flag.key}</code> · </> : null}
        {description ? <><bdi>{description}</bdi> · </> : null}
        {owner ? <><bdi>{owner}</bdi> · </> : null}
        <Time at={flag.updatedAt} />
      </span>
    </span>
  );
}
