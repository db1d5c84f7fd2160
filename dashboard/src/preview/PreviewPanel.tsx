import './preview.css';

import { useState } from 'react';

import { Problem, sentence } from '../api/problem.ts';
import type { FlagConfiguration, FlagDefinition } from '../api/types.ts';
import type { Draft, EvaluationContext } from '../evaluator/draft.ts';
import { Loading } from '../ui/Loaded.tsx';
import type { Known } from '../pages/flag/condition/LeafEditor.tsx';
import { ContextEditor } from './ContextEditor.tsx';
import { readContext, savedContexts } from './contexts.ts';
import { Flips } from './Flips.tsx';
import { Served } from './Served.tsx';
import { SplitOfMany } from './SplitOfMany.tsx';
import { Trace } from './Trace.tsx';
import { type Compiling, useCompiled } from './useCompiled.ts';

interface Props {
  project: string;
  environment: string;
  flag: string;
  definition: FlagDefinition;
  configuration: FlagConfiguration;
  /** The draft, compiled. */
  compiling: Compiling;
  dirty: boolean;
  /** The version that is saved. */
  version: number;
  known: Known;
  /** A flag that is off is evaluated as if it were on. */
  asIfOn: boolean;
  onAsIfOn: (asIfOn: boolean) => void;
}

/** What the flag, as it is being edited, serves to somebody: evaluated here, by the evaluator that everybody runs. */
export function PreviewPanel({ project, environment, flag, definition, configuration, compiling, dirty, version, known, asIfOn, onAsIfOn }: Props) {
  const [text, setText] = useState('targetingKey = user-1');
  const [saved, setSaved] = useState(() => savedContexts(project));
  const published = useCompiled(project, environment, dirty ? {} : undefined, version);
  const { compiled, error } = compiling;
  const read = readContext(text, known.attributes);
  const names = Object.fromEntries((configuration.rules ?? []).map((rule, index) => [rule.id, rule.name || String(index + 1)]));
  return (
    <aside className="card preview" aria-labelledby="preview-title">
      <div className="row"><h2 id="preview-title" className="grow">Preview</h2>{dirty ? <span className="tag warn">of what is not saved</span> : null}</div>
      <ContextEditor project={project} text={text} types={known.attributes} saved={saved} onChange={setText} onSaved={setSaved} />
      {configuration.enabled ? null : <label className="check small"><input type="checkbox" checked={asIfOn} onChange={(event) => onAsIfOn(event.target.checked)} />As if it were on</label>}
      <div aria-live="polite" className="stack-small">
        {error ? <p className="notice bad given">{error instanceof Problem && error.status === 503 ? 'The server is busy: it is tried again with the next change.' : sentence(error)}</p> : null}
        {compiled?.problem ? <p className="notice bad given">It does not compile: {compiled.problem}</p> : null}
        {!compiled && !error ? <Loading what="the preview" lines={3} /> : null}
        {compiled?.draft && 'context' in read ? <Decided draft={compiled.draft} flag={flag} context={read.context} configuration={configuration} definition={definition} names={names} /> : null}
      </div>
      {dirty ? (
        <section className="stack-small" aria-labelledby="flips-title">
          <h3 id="flips-title">What saving changes</h3>
          {asIfOn && !configuration.enabled ? <p className="small soft">Compared with what is saved, as if it were on:</p> : null}
          {compiled?.draft && published.compiled?.draft ? <Flips project={project} published={published.compiled.draft} draft={compiled.draft} saved={saved} ruleNames={names} /> : <p className="small soft">Comparing…</p>}
        </section>
      ) : null}
    </aside>
  );
}

interface DecidedProps {
  draft: Draft;
  flag: string;
  context: EvaluationContext;
  configuration: FlagConfiguration;
  definition: FlagDefinition;
  names: Record<string, string>;
}

function Decided({ draft, flag, context, configuration, definition, names }: DecidedProps) {
  try {
    const outcome = draft.evaluate(flag, context);
    const by = unitOf(configuration);
    return (
      <>
        <Served outcome={outcome} rule={outcome.rule && `the rule ${names[outcome.rule] ?? outcome.rule}`} />
        <SplitOfMany distribution={draft.distribution(flag, context, by)} variants={definition.variants} />
        <details open>
          <summary className="small">How it was decided</summary>
          <Trace steps={draft.explain(flag, context)} names={names} />
        </details>
      </>
    );
  } catch (error) {
    return <p className="notice bad given">{sentence(error)}</p>;
  }
}

/** The attribute that the flag's first split goes by. */
function unitOf(configuration: FlagConfiguration): string {
  for (const serve of [...(configuration.rules ?? []).map((rule) => rule.serve), configuration.fallthrough]) {
    if ('split' in serve) return serve.split.by.unit ?? 'targetingKey';
    if ('ramp' in serve) return serve.ramp.by.unit ?? 'targetingKey';
  }
  return 'targetingKey';
}
