import { useState } from 'react';

import type { Environment, Finding, FlagConfiguration, KeptFlag } from '../../api/types.ts';
import { findingsAt } from '../../flag/findings.ts';
import { servePieces } from '../../flag/sentence.ts';
import { Switch } from '../../ui/Switch.tsx';
import { Time } from '../../ui/time.tsx';
import { Findings } from './Findings.tsx';
import { Holdout } from './Holdout.tsx';
import { JsonEditor } from './JsonEditor.tsx';
import { Metadata } from './Metadata.tsx';
import { Prerequisites } from './Prerequisites.tsx';
import { RuleList } from './rules/RuleList.tsx';
import { Sentence } from './Sentence.tsx';
import { ServeEditor } from './serve/ServeEditor.tsx';
import { Targets } from './Targets.tsx';
import { useKnown } from './useKnown.ts';

interface Props {
  project: string;
  flag: KeptFlag;
  environment: Environment;
  configuration: FlagConfiguration;
  updatedAt: number;
  findings: Finding[];
  disabled: boolean;
  onChange: (configuration: FlagConfiguration) => void;
}

const NO_METADATA = {};

/** What the flag does in one environment, in the order in which it is decided. */
export function Targeting({ project, flag, environment, configuration, updatedAt, findings, disabled, onChange }: Props) {
  const known = useKnown(project);
  const [json, setJson] = useState(false);
  const { variants } = flag.definition;
  const put = (change: Partial<FlagConfiguration>) => onChange({ ...configuration, ...change });
  return (
    <div className="stack targeting">
      <datalist id="attributes">{['targetingKey', ...Object.keys(known.attributes)].map((name) => <option key={name} value={name} />)}</datalist>
      <section className={configuration.enabled ? 'card state-card on' : 'card state-card'} aria-label={`State in ${environment.name}`}>
        <Switch checked={configuration.enabled} disabled={disabled} label={`${flag.key} in ${environment.name}`} onChange={(enabled) => put({ enabled })} />
        <div className="grow">
          <strong>{configuration.enabled ? 'On' : 'Off'}</strong> <span className="soft">in {environment.name}{environment.protected ? ', which is protected' : ''} · changed <Time at={updatedAt} /></span>
        </div>
        <label className="row small soft">
          While off, serve
          <select className="input" disabled={disabled} value={configuration.offVariant ?? ''} onChange={(event) => put({ offVariant: event.target.value || undefined })}>
            <option value="">the caller’s default</option>
            {variants.map(({ key }) => <option key={key} value={key}>{key}</option>)}
          </select>
        </label>
        <button type="button" className="button quiet" aria-pressed={json} onClick={() => setJson(!json)}>{json ? 'Form' : 'JSON'}</button>
      </section>
      <Findings findings={findingsAt(findings, { section: 'flag' })} />
      {json ? (
        <JsonEditor label="What the flag does here, as JSON" rows={28} value={configuration} disabled={disabled} onChange={(value) => typeof value === 'object' && value !== null && 'fallthrough' in value && onChange(value as FlagConfiguration)} />
      ) : (
        <>
          <Prerequisites project={project} flag={flag.key} prerequisites={configuration.prerequisites ?? []} findings={findingsAt(findings, { section: 'prerequisites' })} disabled={disabled} onChange={(prerequisites) => put({ prerequisites })} />
          <Targets targets={configuration.targets ?? []} variants={variants} findings={findingsAt(findings, { section: 'targets' })} disabled={disabled} onChange={(targets) => put({ targets })} />
          <Holdout project={project} holdout={configuration.holdout} variants={variants} offVariant={configuration.offVariant ?? undefined} findings={findingsAt(findings, { section: 'holdout' })} disabled={disabled} onChange={(holdout) => put({ holdout })} />
          <RuleList rules={configuration.rules ?? []} variants={variants} offVariant={configuration.offVariant ?? undefined} known={known} place={{ project, environment: environment.key, flag: flag.key }} findings={findings} disabled={disabled} onChange={(rules) => put({ rules })} />
          <section className="stack-small" aria-labelledby="otherwise-title">
            <h2 id="otherwise-title">Otherwise</h2>
            <div className="card stack-small">
              <p><Sentence pieces={[{ kind: 'word', text: 'everybody else gets' }, ...servePieces(configuration.fallthrough, Date.now())]} /></p>
              <Findings findings={findingsAt(findings, { section: 'fallthrough' })} />
              {disabled ? null : <ServeEditor serve={configuration.fallthrough} variants={variants} label="everybody else" onChange={(fallthrough) => put({ fallthrough })} />}
            </div>
          </section>
          <Metadata metadata={configuration.metadata ?? NO_METADATA} disabled={disabled} onChange={(metadata) => put({ metadata })} />
        </>
      )}
    </div>
  );
}
