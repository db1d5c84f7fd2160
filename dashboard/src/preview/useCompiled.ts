import { useEffect, useRef, useState } from 'react';

import type { CompiledDraft, DraftedFlags } from '../evaluator/compile.ts';
import { canonical } from '../flag/same.ts';

/** The pause after which what is typed is compiled. */
const TYPING_MS = 200;

export interface Compiling {
  compiled: CompiledDraft | undefined;
  busy: boolean;
  error: unknown;
}

/**
 * An environment with these changes, compiled by the control plane as they are typed and opened in the page. `stamp` changes when what is
 * saved does. What was compiled before stays until the next is there; its memory is given back then.
 */
export function useCompiled(project: string, environment: string, flags: DraftedFlags | undefined, stamp: unknown): Compiling {
  const [state, setState] = useState<Compiling>({ compiled: undefined, busy: true, error: undefined });
  const held = useRef<CompiledDraft | undefined>(undefined);
  const wanted = flags === undefined ? undefined : canonical(flags);
  const first = useRef(true);
  useEffect(() => {
    if (wanted === undefined) return undefined;
    const away = new AbortController();
    setState((before) => ({ ...before, busy: true }));
    const timer = setTimeout(async () => {
      try {
        const { compileDraft } = await import('../evaluator/compile.ts');
        const compiled = await compileDraft(project, environment, JSON.parse(wanted) as DraftedFlags, away.signal);
        if (away.signal.aborted) return compiled.draft?.close();
        const before = held.current;
        held.current = compiled;
        setState({ compiled, busy: false, error: undefined });
        // What is on the screen still reads the old one until it is drawn again.
        setTimeout(() => before?.draft?.close(), 0);
      } catch (error) {
        if (!away.signal.aborted) setState((before) => ({ ...before, busy: false, error }));
      }
    }, first.current ? 0 : TYPING_MS);
    first.current = false;
    return () => {
      clearTimeout(timer);
      away.abort();
    };
  }, [project, environment, wanted, stamp]);
  useEffect(
    () => () => {
      held.current?.draft?.close();
      held.current = undefined;
    },
    [],
  );
  return state;
}
