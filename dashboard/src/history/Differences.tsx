import type { Difference } from '../api/types.ts';

const short = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
};

/** What differs, in words, with the values before and after. */
export function Differences({ differences }: { differences: Difference[] }) {
  if (differences.length === 0) return <p className="soft small">Nothing differs.</p>;
  return (
    <ul className="differences">
      {differences.map(({ path, kind, sentence, before, after }) => (
        <li key={`${path} ${String(kind)} ${sentence}`} className="difference">
          <span className="given">{sentence}</span>
          {before === undefined || before === null ? null : <del className="given">{short(before)}</del>}
          {after === undefined || after === null ? null : <ins className="given">{short(after)}</ins>}
        </li>
      ))}
    </ul>
  );
}
