// Where a finding belongs on the page: its place is a JSON Pointer into the environment's configuration.
import type { Finding } from '../api/types.ts';

export type Section = { section: 'rule'; index: number } | { section: 'fallthrough' | 'targets' | 'prerequisites' | 'holdout' | 'flag' };

export function sectionOf(finding: Pick<Finding, 'place' | 'flag'>): Section {
  const [, , , part, index] = finding.place.split('/');
  if (part === 'rules' && index !== undefined && /^\d+$/.test(index)) return { section: 'rule', index: Number(index) };
  if (part === 'fallthrough' || part === 'targets' || part === 'prerequisites' || part === 'holdout') return { section: part };
  return { section: 'flag' };
}

/** The findings of a section, the worst first. */
export function findingsAt(findings: Finding[], wanted: Section): Finding[] {
  const order = ['error', 'warning', 'note'];
  const here = findings.filter((finding) => {
    const found = sectionOf(finding);
    return found.section === wanted.section && (found.section !== 'rule' || wanted.section !== 'rule' || found.index === wanted.index);
  });
  return here.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}
