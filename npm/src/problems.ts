import { contextProblem } from './context-problems.js';
import { PennonError, type SnapshotSource } from './errors.js';
import type { EvaluatorModule } from './evaluator.js';
import { Failure } from './failure.js';
import { MAX_PROBLEM_BYTES, REQUEST_TIMEOUT_MS, STORAGE_TIMEOUT_MS } from './limits.js';
import { readAtMost } from './transport.js';

/** What is asked of the server, by a word of its path. */
const ASKED: { readonly [word: string]: string } = {
  head: 'the head of the snapshot',
  body: 'the body of the snapshot',
  delta: 'the change of the snapshot',
  keyset: 'a keyset',
  stream: 'the stream',
  evaluate: 'the evaluated flags',
};

const FROM: { readonly [Source in SnapshotSource]: string } = { cache: 'stored', bootstrap: 'bootstrapped', network: 'delivered' };

/** What was thrown, in words; by `code` and `doing` where it has none of its own. @param module knows the refusals' names */
export async function describe(thrown: unknown, code: string, doing: string, module?: EvaluatorModule): Promise<PennonError> {
  if (!(thrown instanceof Failure)) {
    // The first thing that is missed where pages are served over plain http.
    if (thrown instanceof TypeError && !(globalThis.crypto?.subtle as SubtleCrypto | undefined)) {
      const message = 'WebCrypto is missing, so no snapshot can be verified and flags keep their defaults; serve the page over https or from localhost.';
      return new PennonError('verification-unavailable', message, { cause: thrown });
    }
    return asPennonError(thrown, code, doing);
  }
  const { about, why } = thrown;
  if (about === 'context') return contextProblem(thrown);
  if (about === 'store') return new PennonError('storage', `The snapshot store did not answer within ${STORAGE_TIMEOUT_MS} ms.`);
  if (!about.startsWith('/')) return refusal(about as SnapshotSource, why, module);
  const what = ASKED[about.split('/').find((word) => word in ASKED) ?? ''] ?? about;
  if (why === 'timeout') return new PennonError('timeout', `Loading ${what} took longer than ${REQUEST_TIMEOUT_MS} ms.`);
  if (typeof why === 'number') return new PennonError('over-limits', `The server sent more than ${why} bytes for ${what}.`);
  return why instanceof Response ? problem(why, what) : asPennonError(why, 'network', `Loading ${what} failed`);
}

/** Wraps what was thrown, unless it already has a name of ours. */
function asPennonError(thrown: unknown, code: string, doing: string): PennonError {
  if (thrown instanceof PennonError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new PennonError(code, `${doing}: ${reason}`, { cause: thrown });
}

/** When the server said to come back, in milliseconds. */
export function retryAfter(error: unknown): number | undefined {
  return error instanceof RefusedByServer ? error.retryAfterMs : undefined;
}

class RefusedByServer extends PennonError {
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, status: number, retryAfterMs: number | undefined) {
    super(code, message, { status });
    this.retryAfterMs = retryAfterMs;
  }
}

/** Of a snapshot: the evaluator's, by its number, or because of the keyset that a head names. */
function refusal(source: SnapshotSource, why: unknown, module: EvaluatorModule | undefined): PennonError {
  if (typeof why === 'number' && module) {
    const { wasm, crossing } = module;
    wasm.refusal_code(crossing, why);
    const code = module.text();
    wasm.refusal_sentence(crossing, why);
    return new PennonError(code, `The ${FROM[source]} snapshot is refused: ${module.text()}.`, { source });
  }
  const { needed, held } = why as { readonly needed?: number; readonly held?: number };
  const message =
    held === undefined
      ? `Keyset ${needed}, which the head names, is not there with it.`
      : `The head names keyset ${needed}, too far from the ${held} that is held; check the server, or update this package.`;
  return new PennonError('keyset-needed', message, { source });
}

/** Reads the problem document (RFC 9457) of a refusal; an intermediary's answer may have none. */
async function problem(response: Response, what: string): Promise<PennonError> {
  const { status, headers } = response;
  let code = `http-${status}`;
  let detail = '';
  try {
    const document = JSON.parse(new TextDecoder().decode(await readAtMost(response, MAX_PROBLEM_BYTES))) as { readonly [member: string]: unknown } | null;
    if (typeof document?.['code'] === 'string') code = document['code'];
    const said = document?.['detail'] ?? document?.['title'];
    if (typeof said === 'string') detail = said;
  } catch {
    // Not a problem document: the status alone names the refusal.
  }
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  const message = `The server refused ${what} with status ${status}${detail ? `: ${detail}` : '.'}`;
  return new RefusedByServer(code, message, status, seconds >= 0 ? seconds * 1000 : undefined);
}
