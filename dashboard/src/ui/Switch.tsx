import './switch.css';

interface Props {
  checked: boolean;
  /** What is switched: read, not shown. */
  label: string;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
  title?: string | undefined;
}

export function Switch({ checked, label, onChange, disabled = false, title }: Props) {
  return (
    <button type="button" role="switch" aria-checked={checked} aria-label={label} title={title} disabled={disabled} className="switch" onClick={() => onChange(!checked)}>
      <span className="switch-knob" />
    </button>
  );
}
