// What becomes of taking something away that somebody else has taken away, or changed, first.
import { Problem } from './problem.ts';

/** The error, in the words of whoever wanted to take something away. */
export function tooLate(error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  if (error.status === 404) return new Error('somebody else has taken it away already');
  if (error.status === 412) return new Error('somebody else has changed it meanwhile: look at it again first');
  return error;
}
