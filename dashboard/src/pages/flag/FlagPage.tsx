import './flag.css';

import { useQuery } from '@tanstack/react-query';
import { Link, useBlocker, useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';

import { useAccess } from '../../access.ts';
import { deliveryQuery, environmentsQuery, flagQuery } from '../../api/queries.ts';
import type { Environment, KeptFlag } from '../../api/types.ts';
import { PreviewPanel } from '../../preview/PreviewPanel.tsx';
import { useCompiled } from '../../preview/useCompiled.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Loaded, Loading } from '../../ui/Loaded.tsx';
import { ConflictDialog } from './ConflictDialog.tsx';
import { FlagHead } from './FlagHead.tsx';
import { SaveBar } from './SaveBar.tsx';
import { Targeting } from './Targeting.tsx';
import { useKnown } from './useKnown.ts';
import { type Drafts, useDraft } from './useDraft.ts';

const Details = lazy(() => import('./details/Details.tsx').then(({ Details: page }) => ({ default: page })));

const FlagHistory = lazy(() => import('./FlagHistory.tsx').then(({ FlagHistory: page }) => ({ default: page })));

const TABS = [['targeting', 'Targeting'], ['history', 'History'], ['details', 'Variants and details']] as const;

export function FlagPage() {
  const { project, flag } = useParams({ from: '/inside/projects/$project/flags/$flag' });
  const kept = useQuery(flagQuery(project, flag));
  const environments = useQuery(environmentsQuery(project));
  return (
    <Loaded query={kept} what="the flag" whole>
      {(one) => <Loaded query={environments} what="the environments">{(all) => <Flag key={one.key} project={project} flag={one} environments={all} />}</Loaded>}
    </Loaded>
  );
}

function Flag({ project, flag, environments }: { project: string; flag: KeptFlag; environments: Environment[] }) {
  const search = useSearch({ from: '/inside/projects/$project/flags/$flag' });
  const [drafts, setDrafts] = useState<Drafts>({});
  const environment = environments.find(({ key }) => key === search.env) ?? environments[0];
  const tab = search.tab ?? 'targeting';
  const unsaved = Object.keys(drafts).length > 0;
  const blocker = useBlocker({
    // Between the tabs and environments of this flag what is typed stays.
    shouldBlockFn: ({ current, next }) => unsaved && current.pathname !== next.pathname,
    enableBeforeUnload: unsaved,
    withResolver: true,
  });
  return (
    <>
      <FlagHead project={project} flag={flag} />
      <nav className="tabs" aria-label="Of this flag">
        {TABS.map(([key, label]) => (
          <Link key={key} to="/projects/$project/flags/$flag" params={{ project, flag: flag.key }} search={(before) => ({ ...before, tab: key === 'targeting' ? undefined : key })} className={tab === key ? 'tab chosen' : 'tab'} activeOptions={{ exact: true, explicitUndefined: true }}>{label}</Link>
        ))}
      </nav>
      <Suspense fallback={<Loading what="the tab" />}>
        {tab === 'details' ? <Details project={project} flag={flag} /> : null}
        {tab !== 'details' && environment ? (
          <>
            <nav className="environments" aria-label="Environment">
              {environments.map(({ key, name, protected: guarded }) => (
                <Link key={key} to="/projects/$project/flags/$flag" params={{ project, flag: flag.key }} search={(before) => ({ ...before, env: key })} className={environment.key === key ? 'environment chosen' : 'environment'} aria-current={environment.key === key ? 'true' : undefined}>
                  <span className="cut">{name}</span>{guarded ? <span className="tag">protected</span> : null}{drafts[key] ? <span className="tag warn">not saved</span> : null}
                </Link>
              ))}
            </nav>
            {tab === 'history' ? (
              <FlagHistory key={environment.key} project={project} flag={flag} environment={environment} />
            ) : (
              <InEnvironment key={environment.key} project={project} flag={flag} environment={environment} drafts={drafts} setDrafts={setDrafts} />
            )}
          </>
        ) : null}
        {environments.length === 0 ? <p className="soft">The project has no environment.</p> : null}
      </Suspense>
      {blocker.status === 'blocked' ? (
        <Dialog
          title="Leave without saving?" onClose={blocker.reset}
          footer={
            <>
              <button type="button" className="button" data-autofocus onClick={blocker.reset}>Stay</button>
              <button type="button" className="button danger" onClick={blocker.proceed}>Leave</button>
            </>
          }
        >
          <p>What you changed here is not saved yet.</p>
        </Dialog>
      ) : null}
    </>
  );
}

interface InProps {
  project: string;
  flag: KeptFlag;
  environment: Environment;
  drafts: Drafts;
  setDrafts: (change: (drafts: Drafts) => Drafts) => void;
}

function InEnvironment({ project, flag, environment, drafts, setDrafts }: InProps) {
  const access = useAccess(project);
  const draft = useDraft(project, flag.key, environment.key, drafts, setDrafts);
  const disabled = !access.change(environment) || flag.archivedAt != null;
  const known = useKnown(project);
  const delivery = useQuery(deliveryQuery(project, environment.key));
  const [asIfOn, setAsIfOn] = useState(false);
  const previewed = draft.configuration && { ...draft.configuration, enabled: draft.configuration.enabled || asIfOn };
  // What is being edited is compiled as it is typed: the preview evaluates it, and the analysis says what is odd about it.
  const compiling = useCompiled(project, environment.key, previewed ? { [flag.key]: { configuration: previewed } } : undefined, draft.query.data?.version);
  const findings = compiling.compiled?.findings.filter((finding) => finding.flag === flag.key) ?? draft.base?.findings ?? [];
  return (
    <Loaded query={draft.query} what="what the flag does here">
      {(kept) => (
        <>
          {delivery.data?.held ? (
            <p className="notice warn given" role="status">What was saved for {environment.name} is held back: {delivery.data.held.reasons.join('; ')}. <Link to="/projects/$project/delivery" params={{ project }}>Look at it</Link></p>
          ) : null}
          {disabled ? <p className="notice">{flag.archivedAt != null ? 'The flag is archived: no snapshot has it.' : `You may look, but your role does not change ${environment.name}.`}</p> : null}
          {draft.configuration ? (
            <div className="with-preview">
              <div className="stack">
                <Targeting project={project} flag={flag} environment={environment} configuration={draft.configuration} updatedAt={kept.updatedAt} findings={findings} disabled={disabled} onChange={draft.set} />
                <SaveBar draft={draft} project={project} flag={flag.key} environment={environment} errors={findings.filter(({ severity }) => severity === 'error').length} />
              </div>
              <PreviewPanel
                project={project} environment={environment.key} flag={flag.key} definition={flag.definition} configuration={draft.configuration} compiling={compiling}
                dirty={draft.dirty} version={kept.version} known={known} asIfOn={asIfOn} onAsIfOn={setAsIfOn}
              />
            </div>
          ) : null}
          <ConflictDialog key={draft.collision?.theirs.version} draft={draft} />
        </>
      )}
    </Loaded>
  );
}
