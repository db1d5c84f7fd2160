import type { Step } from '../evaluator/draft.ts';
import { Icon } from '../ui/Icon.tsx';
import { type Line, traceLines } from './trace.ts';

/** The steps that lead to an outcome, as a tree. */
export function Trace({ steps, names }: { steps: readonly Step[]; names: Record<string, string> }) {
  return <Lines lines={traceLines(steps, names)} label="How it was decided" />;
}

function Lines({ lines, label }: { lines: Line[]; label?: string }) {
  return (
    <ul className="trace" aria-label={label}>
      {lines.map((line, index) => (
        <li key={index}>
          <span className={line.holds === undefined ? 'trace-line' : line.holds ? 'trace-line yes' : 'trace-line no'}>
            {line.holds === undefined ? <span className="trace-dot" /> : <Icon name={line.holds ? 'check' : 'close'} size={14} />}
            <span className="given">{line.text}{line.holds === undefined ? null : <span className="only-read">{line.holds ? ': yes' : ': no'}</span>}</span>
          </span>
          {line.lines.length > 0 ? <Lines lines={line.lines} /> : null}
        </li>
      ))}
    </ul>
  );
}
