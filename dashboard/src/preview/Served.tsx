import type { Outcome } from '../evaluator/draft.ts';
import { exactly } from '../ui/time.tsx';
import { reasonWords } from './trace.ts';

/** What somebody is served, and why, in a line. `rule` says which one decided, as in “the rule 2”. */
export function Served({ outcome, rule }: { outcome: Outcome; rule: string | undefined }) {
  return (
    <span className="served">
      {outcome.variant === undefined ? <span className="tag">the caller’s default</span> : <bdi className="said variant">{outcome.variant}</bdi>}
      {outcome.value === undefined || outcome.type === 'boolean' ? null : <code className="cut served-value" title={JSON.stringify(outcome.value)}>{JSON.stringify(outcome.value)}</code>}
      <span className="soft small given" title={outcome.reason}>
        {outcome.errorCode ? `error: ${outcome.errorCode}` : rule ? `by ${rule}` : reasonWords(outcome.reason)}
        {outcome.until === undefined ? '' : `, until ${exactly(outcome.until)} at most`}
      </span>
    </span>
  );
}
