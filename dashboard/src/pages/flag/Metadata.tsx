import { useEffect, useState } from 'react';

import type { FlagConfiguration } from '../../api/types.ts';
import { type MetadataRow, metadataFrom, rowsOf, wrongWith } from '../../flag/metadata.ts';
import { same } from '../../flag/same.ts';
import { Icon } from '../../ui/Icon.tsx';

interface Props {
  metadata: NonNullable<FlagConfiguration['metadata']>;
  disabled: boolean;
  onChange: (metadata: NonNullable<FlagConfiguration['metadata']>) => void;
}

/** What comes back with every outcome, for programs and logs: a name, a type and a value in each row. */
export function Metadata({ metadata, disabled, onChange }: Props) {
  const [rows, setRows] = useState(() => rowsOf(metadata));
  useEffect(() => {
    // What is typed and not complete stays as long as the complete rows say what is there.
    setRows((typed) => (same(metadataFrom(typed), metadata) ? typed : rowsOf(metadata)));
  }, [metadata]);
  const put = (next: MetadataRow[]) => {
    setRows(next);
    onChange(metadataFrom(next));
  };
  const change = (index: number, row: Partial<MetadataRow>) => put(rows.map((one, place) => (place === index ? { ...one, ...row } : one)));
  return (
    <section className="stack-small" aria-labelledby="metadata-title">
      <div className="row">
        <h2 id="metadata-title">Metadata</h2>
        <span className="grow soft small">{rows.length === 0 ? 'none; it would come back with every outcome' : 'comes back with every outcome'}</span>
        {disabled ? null : <button type="button" className="button quiet" onClick={() => setRows([...rows, { name: '', type: 'string', text: '' }])}><Icon name="plus" size={16} />Metadata</button>}
      </div>
      {rows.length > 0 ? (
        <ul className="card stack-small">
          {rows.map((row, index) => {
            const wrong = wrongWith(rows, index);
            return (
              <li key={index} className="metadata-row">
                <input className="input" aria-label={`Name of metadata ${index + 1}`} placeholder="Name" maxLength={256} disabled={disabled} aria-invalid={wrong ? true : undefined} aria-describedby={wrong ? `metadata-wrong-${index}` : undefined} value={row.name} onChange={(event) => change(index, { name: event.target.value })} />
                <select className="input" aria-label={`Type of metadata ${index + 1}`} disabled={disabled} value={row.type} onChange={(event) => change(index, { type: event.target.value as MetadataRow['type'], text: event.target.value === 'boolean' ? 'true' : row.text })}>
                  <option value="string">Text</option>
                  <option value="number">Number</option>
                  <option value="boolean">True or false</option>
                </select>
                <Value row={row} label={`Value of metadata ${index + 1}`} disabled={disabled} onChange={(text) => change(index, { text })} />
                {disabled ? <span /> : <button type="button" className="button quiet icon" aria-label={`Remove metadata ${row.name || index + 1}`} onClick={() => put(rows.filter((_, place) => place !== index))}><Icon name="trash" size={16} /></button>}
                {wrong ? <span id={`metadata-wrong-${index}`} className="bad small metadata-wrong" role="alert">{wrong}</span> : null}
              </li>
            );
          })}
        </ul>
      ) : null}
    </section>
  );
}

function Value({ row, label, disabled, onChange }: { row: MetadataRow; label: string; disabled: boolean; onChange: (text: string) => void }) {
  if (row.type !== 'boolean') return <input className="input" aria-label={label} placeholder="Value" inputMode={row.type === 'number' ? 'decimal' : undefined} disabled={disabled} value={row.text} onChange={(event) => onChange(event.target.value)} />;
  return (
    <select className="input" aria-label={label} disabled={disabled} value={row.text} onChange={(event) => onChange(event.target.value)}>
      <option value="true">true</option>
      <option value="false">false</option>
    </select>
  );
}
