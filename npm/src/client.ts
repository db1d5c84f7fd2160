import { Backoff } from './backoff.js';
import { parseConnectionString, type Connection } from './connection.js';
import type { EvaluationContext } from './context.js';
import { PennonError, asPennonError, type SnapshotSource } from './errors.js';
import { FlagClient, type FlagClientOptions } from './flag-client.js';
import { Flags, Prepared } from './flags.js';
import type { Evaluator } from './generated/pennon_wasm.js';
import { failed, type Outcome, type Step } from './outcome.js';
import type { Platform } from './platform.js';
import { Session } from './session.js';
import type { SnapshotFiles, SnapshotStorage } from './storage.js';
import { Transport } from './transport.js';

export interface ClientOptions extends FlagClientOptions {
  /** Where verified snapshots are kept for offline starts; `false` keeps none. Browsers: IndexedDB. */
  readonly storage?: SnapshotStorage | false;
  /** A snapshot that came with the page or the program; verified like any other. */
  readonly bootstrap?: SnapshotFiles;
}

/** Evaluates flags where it runs, from a verified snapshot that it keeps up to date. */
export class Client extends FlagClient {
  #flags: Flags | undefined;
  #evaluator: Evaluator | undefined;

  /** @internal Made by `createClient`. */
  constructor(connection: Connection, options: ClientOptions, platform: Platform) {
    super(options);
    const session = new Session(
      {
        connection,
        platform,
        transport: new Transport(connection, options.fetch ?? platform.fetch, this.closed.signal),
        storage: options.storage === false ? undefined : (options.storage ?? platform.defaultStorage()),
        bootstrap: options.bootstrap,
        backoff: new Backoff(options.random ?? Math.random, options.backoff?.baseMs, options.backoff?.capMs),
        now: this.now,
        closed: this.closed.signal,
      },
      {
        started: (evaluator) => this.#started(evaluator),
        accepted: (source, changed) => this.#accepted(source, changed),
        confirmed: () => this.confirmed(),
        connected: (connected) => this.connected(connected),
        failed: (error) => this.failed(error),
      },
    );
    void session.run().then(() => session.end());
  }

  explain(key: string): readonly Step[] {
    return this.held ? (this.#flags?.explain(key, this.now()) ?? []) : [];
  }

  /** The keys of all flags in the snapshot, or of those alone that client SDKs may see. */
  keys({ forClients = false } = {}): string[] {
    return this.held ? (this.#flags?.keys(forClients) ?? []) : [];
  }

  /** In effect when it returns. A context that cannot be used is an `error` event and INVALID_CONTEXT. */
  async setContext(context: EvaluationContext): Promise<void> {
    if (this.closed.signal.aborted) return;
    const shown = this.held ?? this.rendered;
    this.context = context;
    this.rendered = undefined;
    this.#applyContext();
    if (shown) this.changed('context');
  }

  /** @internal The outcome for a context beside the client's own. */
  outcomeFor(prepared: Prepared, key: string): Outcome {
    return this.#evaluated(key, (flags) => flags.evaluateFor(prepared, key, this.now()));
  }

  /** @internal As `explain`, for a context beside the client's own. */
  explainFor({ encoded }: Prepared, key: string): readonly Step[] {
    return this.held && encoded ? (this.#flags?.explain(key, this.now(), encoded) ?? []) : [];
  }

  /** @internal A context for `outcomeFor`; one that cannot be used is an `error` event. */
  prepare(context: EvaluationContext): Prepared {
    try {
      return new Prepared(context);
    } catch (thrown) {
      this.failed(asPennonError(thrown, 'context', 'The context cannot be used'));
      return new Prepared(undefined);
    }
  }

  override close(): void {
    super.close();
    this.#flags = undefined;
    this.#evaluator = undefined;
  }

  outcome(key: string): Outcome {
    return this.#evaluated(key, (flags) => {
      const before = flags.earliestEnd;
      const outcome = flags.evaluate(key, this.now);
      if (flags.earliestEnd < before) this.schedule();
      return outcome;
    });
  }

  protected earliestEnd(): number {
    return this.#flags?.earliestEnd ?? Infinity;
  }

  protected timeCame(): void {
    this.#flags?.forgetOutcomes();
    this.changed('time');
  }

  #evaluated(key: string, evaluate: (flags: Flags) => Outcome): Outcome {
    if (!this.#flags || !this.held) return this.rendered?.get(key) ?? failed('PROVIDER_NOT_READY');
    try {
      return evaluate(this.#flags);
    } catch (thrown) {
      if (thrown instanceof PennonError) {
        this.failed(thrown);
        return failed('INVALID_CONTEXT');
      }
      // A fault in the evaluator costs this call its value, and the application nothing else.
      this.failed(new PennonError('evaluator', `Evaluating ${key} failed: ${String(thrown)}`, { cause: thrown }));
      return failed('GENERAL');
    }
  }

  #started(evaluator: Evaluator): void {
    this.#evaluator = evaluator;
    this.#flags = new Flags(evaluator);
    this.#applyContext();
  }

  #applyContext(): void {
    try {
      this.#flags?.setContext(this.context);
    } catch (thrown) {
      this.failed(asPennonError(thrown, 'context', 'The context cannot be used'));
    }
  }

  #accepted(source: SnapshotSource, changed: boolean): void {
    const [epoch, version, , refreshBy] = this.#evaluator?.head_fields() ?? [];
    if (epoch === undefined || version === undefined || refreshBy === undefined) return;
    if (changed) this.#flags?.snapshotChanged();
    this.accepted({ epoch, version, refreshBy }, source, changed);
  }
}

/** Connects a client on this platform. Throws only for a connection string that cannot be used. */
export function createClientOn<Made extends Client>(
  Made: new (connection: Connection, options: ClientOptions, platform: Platform) => Made,
  platform: Platform,
  connectionString: string,
  options: ClientOptions = {},
): Made {
  return new Made(parseConnectionString(connectionString), options, platform);
}
