import type { Answers, AnswersEvents } from './answers.js';
import type { EvaluationContext } from './context.js';
import type { EvaluatorModule } from './evaluator.js';
import type { Following } from './following.js';
import type { Session } from './session.js';
import type { Stored } from './storage.js';
import type { Fetch } from './transport.js';
import type { Verify } from './verify.js';

/** What a client asks of its session. */
export interface Driven {
  /** Goes on with another evaluator after a fault. */
  restart(): void;
  /** Has words for what was thrown, and tells the application. */
  report(thrown: unknown): void;
}

/** Begins to ask the server for outcomes. */
export type MakeAnswers = (context: EvaluationContext, on: AnswersEvents) => Answers;

/** What differs between runtimes; `entrypoints/` has one for each. */
export interface Platform {
  /** Finds and starts the WebAssembly module; called for each client, loads once. @param anew whether another instance of it is wanted */
  loadEvaluator(anew: boolean): Promise<EvaluatorModule>;
  /** What is kept of earlier starts unless the application has a store of its own; none where nothing outlives the process. */
  loadStored?: ((name: string) => Promise<Stored>) | undefined;
  fetch: Fetch;
  /** Loads what keeps a client up to date once it has flags. */
  loadFollowing(): Promise<(session: Session) => Following>;
  /**
   * Where nothing runs by itself: takes over to keep flags up to date. `make` makes a session that has not begun.
   */
  drive?: ((make: () => Session) => Driven) | undefined;
  /** What verifies where WebCrypto cannot, as it says why. */
  verifyOtherwise(why: unknown): Promise<Verify>;
}
