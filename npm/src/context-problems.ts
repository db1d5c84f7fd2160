import type { Unreadable } from './context.js';
import { PennonError } from './errors.js';
import type { Failure } from './failure.js';

// The positions of pennon-core's `ContextError`, as sentences.
const REFUSED = [
  'its encoding is damaged',
  'it holds text that is not UTF-8',
  'it names an attribute twice',
  'it is larger than 64 KiB or has a name over 256 bytes',
  'it has more than 1,024 attributes',
  'it nests deeper than 8 levels',
  'it holds a number that is not finite',
  'it is not an object',
  'its targetingKey is neither a string nor an integer',
] as const;

const UNREADABLE: { readonly [Why in Unreadable['why']]: string } = {
  number: 'is a number that is not finite',
  bigint: 'is an integer beyond 2^53; pass it as a string',
  kind: 'is a',
  depth: 'nests deeper than 8 levels',
  object: 'it is not an object',
  size: 'it is larger than 65536 bytes',
};

/** Why a context cannot be used. */
export function contextProblem({ why }: Failure): PennonError {
  const said = typeof why === 'number' ? (REFUSED[why - 1] ?? 'the evaluator refused it') : isUnreadable(why) ? sentence(why) : `reading it threw ${String(why)}`;
  return new PennonError('context', `The context cannot be used: ${said}.`, { cause: why });
}

function isUnreadable(why: unknown): why is Unreadable {
  return typeof why === 'object' && why !== null && 'at' in why && 'kind' in why;
}

function sentence({ at, why, kind }: Unreadable): string {
  return `${at ? `${at} ` : ''}${UNREADABLE[why]}${kind ? ` ${kind.slice(8, -1)}, which no condition can read` : ''}`;
}
