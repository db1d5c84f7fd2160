// What an answer is that is no success: the server's problem document (RFC 9457), or why there is no answer at all.
import type { ProblemDocument } from './types.ts';

export class Problem extends Error {
  override name = 'Problem';
  /** The HTTP status; 0: the server could not be reached. */
  readonly status: number;
  readonly code: string;
  /** The field of the request that is wrong, such as `rules[0].when`. */
  readonly field: string | undefined;
  /** What is there now, when the request was made from something older. */
  readonly current: unknown;

  constructor(status: number, document: Partial<ProblemDocument>) {
    super(document.detail ?? document.title ?? `the server answered ${status}`);
    this.status = status;
    this.code = document.code ?? 'unknown';
    this.field = document.field ?? undefined;
    this.current = document.current;
  }

  static from(response: Response, body: unknown): Problem {
    const known = typeof body === 'object' && body !== null ? (body as Partial<ProblemDocument>) : {};
    return new Problem(response.status, known);
  }

  static unreachable(): Problem {
    return new Problem(0, { code: 'unreachable', detail: 'Pennon cannot be reached. Is the network there?' });
  }
}

/** A sentence for people about anything that was thrown. */
export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What the problem says about this field, if it is about it. */
export function about(error: unknown, field: string): string | undefined {
  return error instanceof Problem && error.field === field ? sentence(error) : undefined;
}
