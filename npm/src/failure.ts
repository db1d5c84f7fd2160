/**
 * Why something came to nothing, as raw as it was met. Words for it are in `problems.ts`, which is loaded when there is something to say.
 */
export class Failure {
  /** What was asked for: a path of the server; or a snapshot's source, `store` or `context`. */
  declare readonly about: string;
  /** The server's response, a refusal's number in the evaluator, `timeout`, a number of bytes that was too much, or what was thrown. */
  declare readonly why: unknown;

  constructor(about: string, why: unknown) {
    this.about = about;
    this.why = why;
  }
}
