// The control plane compiles what is being edited; nothing of it is written.
import { client, data } from '../api/client.ts';
import type { components } from '../generated/schema.ts';
import { Draft, loadEvaluator } from './draft.ts';

type Schemas = components['schemas'];
/** Flags as they would be, by their keys; what is left out is as it stands. None for the environment as it stands. */
export type DraftedFlags = { [flag: string]: Schemas['DraftedFlag'] };
export type DraftFinding = Schemas['Finding'];

/** What became of a draft: it opens, or there is a reason why not; and what static analysis has to say about the changed flags. */
export interface CompiledDraft {
  draft: Draft | undefined;
  problem: string | undefined;
  findings: DraftFinding[];
}

/** Compiles an environment with these changes, and opens it. The draft has to be closed. */
export async function compileDraft(project: string, environment: string, flags: DraftedFlags = {}, signal?: AbortSignal): Promise<CompiledDraft> {
  const path = { project, environment };
  const compiled = data(client.POST('/admin/projects/{project}/environments/{environment}/draft', { params: { path }, body: { flags }, signal: signal ?? null }));
  const [{ body, problem, findings }] = await Promise.all([compiled, loadEvaluator()]);
  return { draft: body == null ? undefined : Draft.open(bytes(body)), problem: problem ?? undefined, findings };
}

function bytes(base64: string): Uint8Array {
  const text = atob(base64);
  const into = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) into[at] = text.charCodeAt(at);
  return into;
}
