/**
 * Everything that Pennon reports is one of these: a stable kebab-case `code` for programs, a sentence for people.
 *
 * Refusals of a snapshot carry the evaluator's own code (`bad-signature`, `wrong-environment`, `older-version`, ...;
 * core/spec/snapshot.md lists them), a server's refusal the `code` of its problem document (`key-unknown`, ...), and the
 * rest is named here: `connection-string`, `network`, `no-stream`, `timeout`, `response`, `over-limits`, `verification-unavailable`,
 * `storage`, `evaluator`, `context`.
 */
export class PennonError extends Error {
  /** Stable name of what went wrong. */
  declare readonly code: string;
  /** Where the refused snapshot came from, for refusals. */
  declare readonly source: SnapshotSource | undefined;
  /** HTTP status, for answers of the server. */
  declare readonly status: number | undefined;

  constructor(
    code: string,
    message: string,
    details: { source?: SnapshotSource | undefined; status?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, details);
    this.name = 'PennonError';
    this.code = code;
    this.source = details.source;
    this.status = details.status;
  }
}

/** Where a snapshot was taken from. */
export type SnapshotSource = 'cache' | 'bootstrap' | 'network';
