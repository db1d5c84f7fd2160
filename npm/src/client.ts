import type { Answers, AnswersOptions } from './answers.js';
import { Backoff } from './backoff.js';
import { parseConnectionString, type Connection } from './connection.js';
import type { EvaluationContext } from './context.js';
import { PennonError, asPennonError, type SnapshotSource } from './errors.js';
import type { Evaluator } from './evaluator.js';
import { FlagClient, type FlagClientOptions } from './flag-client.js';
import { Flags, Prepared } from './flags.js';
import { failed, type Outcome, type Step } from './outcome.js';
import type { Platform } from './platform.js';
import { renderedOutcome } from './rendered.js';
import { Session } from './session.js';
import type { SnapshotFiles, SnapshotStorage } from './storage.js';
import { Transport } from './transport.js';
import { wait } from './wait.js';

export interface ClientOptions extends FlagClientOptions {
  /** Where verified snapshots are kept for offline starts; `false` keeps none. Browsers: IndexedDB. */
  readonly storage?: SnapshotStorage | false;
  /** A snapshot that came with the page or the program; verified like any other. */
  readonly bootstrap?: SnapshotFiles;
}

/** Evaluates flags where it runs, from a verified snapshot that it keeps up to date. */
export class Client extends FlagClient {
  protected readonly transport: Transport;
  #flags: Flags | undefined;
  #evaluator: Evaluator | undefined;
  /** Where WebAssembly cannot run, in place of both. */
  #answers: Answers | undefined;
  /** Goes on with another evaluator. */
  #restart: (() => void) | undefined;
  #restarting = false;
  /** Flags whose evaluation was a fault of the evaluator: left alone until another snapshot is there. */
  readonly #faulty = new Set<string>();

  /** @internal Made by `createClient`. */
  constructor(connection: Connection, options: ClientOptions, platform: Platform) {
    super(options);
    const { bootstrap, storage, random = Math.random, backoff, fetch = platform.fetch } = options;
    this.transport = new Transport(connection, fetch, this.closing);
    const shared = {
      connection,
      platform,
      transport: this.transport,
      backoff: new Backoff(random, backoff?.baseMs, backoff?.capMs),
      closing: this.closing,
    };
    if (platform.loadAnswers) {
      void this.#ask(platform.loadAnswers, { ...shared, cache: storage === false ? false : undefined });
      return;
    }
    const make = (): Session =>
      new Session(
        { ...shared, storage: storage === false ? undefined : (storage ?? platform.defaultStorage()), bootstrap, now: this.now },
        {
          ...this.followed(),
          started: (evaluator) => this.#started(evaluator),
          accepted: (source, changed) => this.#accepted(source, changed),
        },
      );
    this.#restart = (platform.drive ?? run)(make);
  }

  explain(key: string): readonly Step[] {
    return this.held ? (this.#flags?.explain(key, this.now()) ?? []) : [];
  }

  /** The keys of all flags in the snapshot, or of those alone that client SDKs may see. */
  keys({ forClients = false } = {}): string[] {
    return (this.held && (this.#flags?.keys(forClients) ?? this.#answers?.keys())) ?? [];
  }

  /** In effect when it returns. A context that cannot be used is an `error` event and INVALID_CONTEXT. */
  async setContext(context: EvaluationContext): Promise<void> {
    if (this.closing.closed) return;
    const shown = this.held ?? this.rendered;
    this.context = context;
    if (this.#answers) return this.#answers.setContext(context);
    this.rendered = undefined;
    this.#applyContext();
    if (shown) this.changed('context');
  }

  /** @internal The outcome for a context beside the client's own. */
  outcomeFor(prepared: Prepared, key: string): Outcome {
    return this.#evaluated(key, (flags) => flags.evaluateFor(prepared, key, this.now()));
  }

  /** @internal The outcome for a context that no other evaluation uses. */
  outcomeOnce(context: EvaluationContext, key: string): Outcome {
    return this.#evaluated(key, (flags) => flags.evaluateOnce(context, key, this.now()));
  }

  /** @internal As `explain`, for a context beside the client's own. */
  explainFor(prepared: Prepared, key: string): readonly Step[] {
    try {
      return this.held ? (this.#flags?.explain(key, this.now(), prepared) ?? []) : [];
    } catch (thrown) {
      this.failed(asPennonError(thrown, 'context', 'The context cannot be used'));
      return [];
    }
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
    this.#answers = undefined;
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
    return this.#flags?.earliestEnd ?? this.#answers?.earliestEnd() ?? Infinity;
  }

  protected timeCame(): void {
    if (this.#answers) return this.#answers.timeCame();
    this.#flags?.forgetOutcomes();
    this.changed('time');
  }

  #evaluated(key: string, evaluate: (flags: Flags) => Outcome): Outcome {
    if (!this.#flags || !this.held) return this.#answers?.outcome(key) ?? renderedOutcome(this.rendered, key);
    if (this.#faulty.has(key)) return failed('GENERAL');
    try {
      return evaluate(this.#flags);
    } catch (thrown) {
      if (thrown instanceof PennonError) {
        this.failed(thrown);
        return failed('INVALID_CONTEXT');
      }
      // A fault in the evaluator costs this flag its value, and the application nothing else.
      this.#fault(key, thrown);
      return failed('GENERAL');
    }
  }

  #fault(key: string, thrown: unknown): void {
    // While there is no other evaluator yet, what asks the old one fails too, through no fault of its own.
    if (this.#restarting) return;
    this.#restarting = true;
    this.#faulty.add(key);
    this.failed(new PennonError('evaluator', `Evaluating ${key} failed: ${String(thrown)}`, { cause: thrown }));
    this.#restart?.();
  }

  /** Has the server evaluate, as soon as what does that is loaded. */
  async #ask(load: () => Promise<typeof Answers>, options: Omit<AnswersOptions, 'context'>): Promise<void> {
    const { backoff, platform, closing } = options;
    while (!closing.closed) {
      try {
        const Made = await load();
        if (!closing.closed) this.#answers = new Made({ ...options, context: this.context }, this.answered());
        return;
      } catch (thrown) {
        this.failed(asPennonError(thrown, 'network', 'Loading what does without WebAssembly failed'));
      }
      await wait(backoff.next(), platform.onWake, closing);
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
    const head = this.#evaluator?.head();
    if (!head) return;
    this.#restarting = false;
    if (this.held && (this.held.epoch !== head.epoch || this.held.version !== head.version)) this.#faulty.clear();
    if (changed) this.#flags?.snapshotChanged();
    this.accepted(head, source, changed ? 'snapshot' : undefined);
  }
}

/** Where programs run all the time. */
function run(make: () => Session): () => void {
  const session = make();
  void session.run().then(() => session.end());
  return () => void session.restart();
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
