import type { ValueType, Variant } from '../../../api/types.ts';
import { Icon } from '../../../ui/Icon.tsx';
import { JsonEditor } from '../JsonEditor.tsx';

interface Props {
  type: ValueType;
  variants: Variant[];
  disabled: boolean;
  onChange: (variants: Variant[]) => void;
}

const FRESH: Record<ValueType, unknown> = { boolean: false, string: '', number: 0, json: {} };

export function VariantsEditor({ type, variants, disabled, onChange }: Props) {
  const put = (index: number, change: { key?: string; value?: unknown }) =>
    onChange(variants.map((variant, place) => (place === index ? ({ ...variant, ...change } as Variant) : variant)));
  const add = () => {
    let number = variants.length + 1;
    while (variants.some(({ key }) => key === `variant-${number}`)) number += 1;
    onChange([...variants, { key: `variant-${number}`, value: FRESH[type] as never }]);
  };
  return (
    <fieldset className="stack-small">
      <legend className="label">Variants</legend>
      <ul className="variant-rows">
        {variants.map((variant, index) => (
          <li key={index} className="variant-row">
            <input className="input" aria-label={`Name of variant ${index + 1}`} maxLength={256} disabled={disabled} value={variant.key} onChange={(event) => put(index, { key: event.target.value })} />
            <ValueInput type={type} value={variant.value} label={`Value of ${variant.key}`} disabled={disabled} onChange={(value) => put(index, { value })} />
            {disabled ? <span /> : <button type="button" className="button quiet icon" aria-label={`Remove ${variant.key}`} disabled={variants.length === 1} onClick={() => onChange(variants.filter((_, place) => place !== index))}><Icon name="trash" size={16} /></button>}
          </li>
        ))}
      </ul>
      {disabled ? null : <div><button type="button" className="button quiet" onClick={add}><Icon name="plus" size={16} />Variant</button></div>}
    </fieldset>
  );
}

interface ValueProps {
  type: ValueType;
  value: unknown;
  label: string;
  disabled: boolean;
  onChange: (value: unknown) => void;
}

function ValueInput({ type, value, label, disabled, onChange }: ValueProps) {
  switch (type) {
    case 'boolean':
      return (
        <select className="input" aria-label={label} disabled={disabled} value={String(value)} onChange={(event) => onChange(event.target.value === 'true')}>
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      );
    case 'number':
      return <input type="number" step="any" className="input" aria-label={label} disabled={disabled} value={String(value)} onChange={(event) => Number.isFinite(event.target.valueAsNumber) && onChange(event.target.valueAsNumber)} />;
    case 'string':
      return <textarea rows={1} className="input" aria-label={label} disabled={disabled} value={String(value)} onChange={(event) => onChange(event.target.value)} />;
    case 'json':
      return <JsonEditor label={label} value={value} disabled={disabled} onChange={onChange} />;
  }
}
