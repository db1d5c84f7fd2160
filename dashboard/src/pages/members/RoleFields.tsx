import type { Environment, Role } from '../../api/types.ts';
import { Field } from '../../ui/Field.tsx';
import { ROLE_NAMES, ROLES } from './roles.ts';

export interface Held {
  role: Role;
  environments: Record<string, Role>;
}

/** A role, and lower ones in some environments. */
export function RoleFields({ held, environments, onChange }: { held: Held; environments: Environment[]; onChange: (held: Held) => void }) {
  const lower = ROLE_NAMES.slice(0, ROLE_NAMES.indexOf(held.role));
  const narrow = (key: string, role: string) => {
    const { [key]: _, ...others } = held.environments;
    onChange({ ...held, environments: role === '' ? others : { ...others, [key]: role as Role } });
  };
  const widen = (role: Role) => {
    const still = ROLE_NAMES.slice(0, ROLE_NAMES.indexOf(role));
    onChange({ role, environments: Object.fromEntries(Object.entries(held.environments).filter(([, one]) => still.includes(one))) });
  };
  return (
    <>
      <Field label="Role">
        {(wired) => <select {...wired} className="input" value={held.role} onChange={(event) => widen(event.target.value as Role)}>{ROLE_NAMES.map((role) => <option key={role} value={role}>{ROLES[role].label}: {ROLES[role].may}</option>)}</select>}
      </Field>
      {lower.length > 0 && environments.length > 0 ? (
        <details open={Object.keys(held.environments).length > 0}>
          <summary className="small">Less in some environments</summary>
          <div className="stack-small">
            {environments.map(({ key, name }) => (
              <label key={key} className="row-fixed small">
                <span className="grow cut">{name}</span>
                <select className="input" value={held.environments[key] ?? ''} onChange={(event) => narrow(key, event.target.value)}>
                  <option value="">{ROLES[held.role].label}</option>
                  {lower.map((role) => <option key={role} value={role}>{ROLES[role].label}</option>)}
                </select>
              </label>
            ))}
          </div>
        </details>
      ) : null}
    </>
  );
}
