import type { Finding } from '../../api/types.ts';
import { Icon } from '../../ui/Icon.tsx';

const WORDS = { error: 'Error', warning: 'Warning', note: 'Note' } as const;

/** What the static analysis found here. */
export function Findings({ findings }: { findings: Finding[] }) {
  if (findings.length === 0) return null;
  return (
    <ul className="findings" aria-label="Findings">
      {findings.map((finding) => (
        <li key={`${finding.code} ${finding.place} ${finding.other ?? ''}`} className={`finding ${finding.severity}`}>
          <Icon name="warn" size={15} />
          <span className="given">
            <strong>{WORDS[finding.severity]}:</strong> {finding.message}
            {finding.witness ? <>. For example <code>{JSON.stringify(finding.witness.context)}</code>.</> : null}
          </span>
        </li>
      ))}
    </ul>
  );
}
