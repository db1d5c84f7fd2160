import type { Answers } from './answers.js';
import type { EvaluatorModule } from './evaluator.js';
import type { SnapshotStorage } from './storage.js';
import type { Session } from './session.js';
import type { Share } from './tabs.js';
import type { Fetch } from './transport.js';

/** What differs between runtimes; `entrypoints/` has one for each. */
export interface Platform {
  /** Finds and starts the WebAssembly module; called for each client, loads once. */
  loadEvaluator(): Promise<EvaluatorModule>;
  /** Where snapshots are kept unless the application says so; none where nothing outlives the process. */
  defaultStorage(): SnapshotStorage | undefined;
  fetch: Fetch;
  /** Calls back when a new attempt to connect is worth while: the network is back. Answers how to stop that. */
  onWake?(wake: () => void): () => void;
  /** Where WebAssembly cannot run: loads what asks the server for outcomes instead. */
  loadAnswers?: (() => Promise<typeof Answers>) | undefined;
  /**
   * Where nothing runs by itself: takes over to keep flags up to date. `make` makes a session that has not begun. Answers how to
   * go on with another evaluator after a fault.
   */
  drive?: ((make: () => Session) => () => void) | undefined;
  /** The module that verifies where WebCrypto cannot; none where it always can. */
  loadEd25519?: (() => Promise<WebAssembly.Module>) | undefined;
  /** Where several clients can have one stream between them. */
  share?: Share | undefined;
}
