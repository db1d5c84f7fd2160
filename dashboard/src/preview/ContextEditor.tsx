import { useRef, useState } from 'react';

import type { AttributeType } from '../api/types.ts';
import { Field } from '../ui/Field.tsx';
import { Icon } from '../ui/Icon.tsx';
import { keepContexts, MOST_SAVED, readContext, type Saved } from './contexts.ts';

interface Props {
  project: string;
  text: string;
  types: Record<string, AttributeType>;
  saved: Saved[];
  onChange: (text: string) => void;
  onSaved: (saved: Saved[]) => void;
}

/** Who is asked for: pasted JSON, or a line for each attribute; the project's attributes are one press away. */
export function ContextEditor({ project, text, types, saved, onChange, onSaved }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  const [name, setName] = useState('');
  const read = readContext(text, types);
  const there = 'context' in read ? Object.keys(read.context) : [];
  const offered = ['targetingKey', ...Object.keys(types)].filter((attribute) => !there.includes(attribute));
  const add = (attribute: string) => {
    if (text.trim().startsWith('{') && 'context' in read) onChange(JSON.stringify({ ...read.context, [attribute]: '' }, null, 2));
    else onChange(`${text.trimEnd()}${text.trim() === '' ? '' : '\n'}${attribute} = `);
    area.current?.focus();
  };
  const put = (all: Saved[]) => {
    keepContexts(project, all);
    onSaved(all);
  };
  return (
    <div className="stack-small">
      <Field label="Who" hint="A line for each attribute, or JSON." error={'wrong' in read ? read.wrong : undefined}>
        {(wired) => <textarea {...wired} ref={area} className="input code preview-context" rows={5} spellCheck={false} placeholder={'targetingKey = user-1\ncountry = US'} value={text} onChange={(event) => onChange(event.target.value)} />}
      </Field>
      {offered.length > 0 ? (
        <div className="row" role="group" aria-label="Attributes of the project">
          {offered.slice(0, 12).map((attribute) => <button key={attribute} type="button" className="button usual" onClick={() => add(attribute)}><Icon name="plus" size={12} /><bdi className="cut preview-attribute">{attribute}</bdi></button>)}
        </div>
      ) : null}
      {saved.length > 0 ? (
        <ul className="row" aria-label="Saved contexts">
          {saved.map((one) => (
            <li key={one.name} className="preview-saved">
              <button type="button" className="button usual" onClick={() => onChange(JSON.stringify(one.context, null, 2))}><bdi className="cut preview-attribute">{one.name}</bdi></button>
              <button type="button" className="button quiet icon usual" aria-label={`Forget ${one.name}`} onClick={() => put(saved.filter(({ name: other }) => other !== one.name))}><Icon name="close" size={12} /></button>
            </li>
          ))}
        </ul>
      ) : null}
      <form className="row-fixed" onSubmit={(event) => {
        event.preventDefault();
        const called = name.trim();
        if (!called || 'wrong' in read || saved.length >= MOST_SAVED) return;
        put([...saved.filter((one) => one.name !== called), { name: called, context: read.context }]);
        setName('');
      }}>
        <input className="input grow" aria-label="Name to keep this context by" placeholder="Keep it as…" maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />
        <button type="submit" className="button" disabled={!name.trim() || 'wrong' in read}>Keep</button>
      </form>
    </div>
  );
}
