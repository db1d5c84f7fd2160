import { useEffect, useRef, useState } from 'react';

import type { Environment } from '../api/types.ts';
import type { CompiledDraft } from '../evaluator/compile.ts';

/** One environment as it stands: opened, or why it is not. */
export interface CompiledEnvironment {
  compiled: CompiledDraft | undefined;
  error: unknown;
}

/**
 * Environments as they stand, compiled one after the other and opened in the page, by their keys. One that changes is compiled again; what was
 * there stays until then.
 */
export function useCompiledEach(project: string, environments: readonly Environment[]): Record<string, CompiledEnvironment> {
  const [state, setState] = useState<Record<string, CompiledEnvironment>>({});
  const held = useRef(new Map<string, { revision: number; compiled: CompiledDraft }>());
  const wanted = JSON.stringify(environments.map(({ key, revision }) => [key, revision]));
  useEffect(() => {
    const away = new AbortController();
    const compile = async (key: string, revision: number) => {
      try {
        const { compileDraft } = await import('../evaluator/compile.ts');
        const compiled = await compileDraft(project, key, {}, away.signal);
        if (away.signal.aborted) return compiled.draft?.close();
        const before = held.current.get(key)?.compiled;
        held.current.set(key, { revision, compiled });
        setState((all) => ({ ...all, [key]: { compiled, error: undefined } }));
        // What is on the screen still reads the old one until it is drawn again.
        setTimeout(() => before?.draft?.close(), 0);
      } catch (error) {
        if (!away.signal.aborted) setState((all) => ({ ...all, [key]: { compiled: all[key]?.compiled, error } }));
      }
    };
    void (async () => {
      for (const [key, revision] of JSON.parse(wanted) as [string, number][]) {
        if (away.signal.aborted) return;
        if (held.current.get(key)?.revision !== revision) await compile(key, revision);
      }
    })();
    return () => away.abort();
  }, [project, wanted]);
  useEffect(() => {
    const all = held.current;
    return () => {
      for (const { compiled } of all.values()) compiled.draft?.close();
      all.clear();
    };
  }, []);
  return state;
}
