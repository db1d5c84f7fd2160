import { Backoff } from './backoff.js';
import { parseConnectionString, type Connection } from './connection.js';
import type { EvaluationContext } from './context.js';
import { PennonError, asPennonError, type SnapshotSource } from './errors.js';
import { Listeners } from './events.js';
import { Flags, Prepared } from './flags.js';
import type { Evaluator } from './generated/pennon_wasm.js';
import { MAX_TIMER_MS, READY_TIMEOUT_MS } from './limits.js';
import { failed, type JsonValue, type Outcome, type Step } from './outcome.js';
import type { Platform } from './platform.js';
import { FlagReader, detailsOf, type Details, type Widened } from './reader.js';
import { readRendered, type RenderedFlags } from './rendered.js';
import { Session } from './session.js';
import type { SnapshotFiles, SnapshotStorage } from './storage.js';
import { Subscriptions } from './subscriptions.js';
import { Transport, type Fetch } from './transport.js';

export interface ClientOptions {
  /** Whom to evaluate for; `setContext` changes it. */
  readonly context?: EvaluationContext;
  /** Where verified snapshots are kept for offline starts; `false` keeps none. Browsers: IndexedDB. */
  readonly storage?: SnapshotStorage | false;
  /** A snapshot that came with the page or the program; verified like any other. */
  readonly bootstrap?: SnapshotFiles;
  /**
   * What a server found for this context and put into the page: served until the first snapshot is there, so that nothing
   * flickers. Its context is the client's unless `context` says otherwise.
   */
  readonly rendered?: RenderedFlags;
  /** How long `ready()` waits at most, in milliseconds. */
  readonly readyTimeoutMs?: number;
  /** First and longest wait between attempts to connect, in milliseconds. */
  readonly backoff?: { readonly baseMs?: number; readonly capMs?: number };
  readonly fetch?: Fetch;
  /** The clock, in Unix milliseconds. */
  readonly now?: () => number;
  /** Even in [0, 1); spreads the attempts to connect. */
  readonly random?: () => number;
}

/** How a client stands. */
export interface Status {
  /** The newest change that the snapshot held contains; none before the first snapshot. */
  readonly version: number | undefined;
  readonly epoch: number | undefined;
  /** Where the snapshot held comes from; `network` as soon as the server has confirmed it. */
  readonly source: SnapshotSource | undefined;
  /** Whether the stream of changes is open. */
  readonly connected: boolean;
  readonly stale: boolean;
  /** The latest failure, until the server is heard from again. */
  readonly lastError: PennonError | undefined;
}

export interface ClientEvents {
  /** There is a first snapshot. */
  ready: Status;
  /** Flags may have other values now: another snapshot, another context, or an instant that a flag waited for. */
  change: { readonly cause: 'snapshot' | 'context' | 'time'; readonly status: Status };
  /** The snapshot is past the time by which the server renews it; evaluation goes on. */
  stale: Status;
  /** Something failed; what was held before stays. `code` names it. */
  error: PennonError;
  /** Anything in `status` changed. */
  status: Status;
}

/** Evaluates flags where it runs, from a verified snapshot that it keeps up to date. */
export class Client extends FlagReader {
  readonly #listeners = new Listeners<ClientEvents>();
  readonly #subscriptions = new Subscriptions((key) => this.outcome(key));
  readonly #closed = new AbortController();
  readonly #now: () => number;
  readonly #readyTimeoutMs: number;
  #context: EvaluationContext;
  #flags: Flags | undefined;
  /** What a server found, until another context is set. */
  #rendered: ReadonlyMap<string, Outcome> | undefined;
  #evaluator: Evaluator | undefined;
  #head: { readonly epoch: number; readonly version: number; readonly refreshBy: number } | undefined;
  #source: SnapshotSource | undefined;
  #connected = false;
  #lastError: PennonError | undefined;
  #saidStale = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #becomeReady: () => void = () => undefined;
  readonly #ready = new Promise<void>((resolve) => (this.#becomeReady = resolve));

  /** @internal Made by `createClient`. */
  constructor(connection: Connection, options: ClientOptions, platform: Platform) {
    super();
    this.#now = options.now ?? Date.now;
    this.#readyTimeoutMs = options.readyTimeoutMs ?? READY_TIMEOUT_MS;
    this.#context = options.context ?? options.rendered?.context ?? {};
    if (options.rendered) {
      this.#rendered = readRendered(options.rendered);
      this.#becomeReady();
    }
    const session = new Session(
      {
        connection,
        platform,
        transport: new Transport(connection, options.fetch ?? platform.fetch, this.#closed.signal),
        storage: options.storage === false ? undefined : (options.storage ?? platform.defaultStorage()),
        bootstrap: options.bootstrap,
        backoff: new Backoff(options.random ?? Math.random, options.backoff?.baseMs, options.backoff?.capMs),
        now: this.#now,
        closed: this.#closed.signal,
      },
      {
        started: (evaluator) => this.#started(evaluator),
        accepted: (source, changed) => this.#accepted(source, changed),
        confirmed: () => {
          // Each poll of a quiet server confirms: only the first says anything new.
          if (this.#source !== 'network' || this.#lastError) this.#heardFrom('network');
        },
        connected: (connected) => {
          if (this.#closed.signal.aborted) return;
          this.#connected = connected;
          this.#listeners.emit('status', this.status);
        },
        failed: (error) => this.#failed(error),
      },
    );
    void session.run().then(() => session.end());
  }

  /**
   * Resolves with the first snapshot, from wherever it comes first, or when the time limit is over or the server refuses
   * the key: then flags keep their defaults until one arrives. Never rejects.
   */
  async ready(timeoutMs = this.#readyTimeoutMs): Promise<Status> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(timeoutMs, MAX_TIMER_MS));
    });
    await Promise.race([this.#ready, timeout]);
    clearTimeout(timer);
    return this.status;
  }

  get status(): Status {
    return {
      version: this.#head?.version,
      epoch: this.#head?.epoch,
      source: this.#source,
      connected: this.#connected,
      stale: this.isStale(),
      lastError: this.#lastError,
    };
  }

  /** Why the flag has its value: every step that led there, in order. Not for hot paths. */
  explain(key: string): readonly Step[] {
    return this.#head ? (this.#flags?.explain(key, this.#now()) ?? []) : [];
  }

  /** The keys of all flags in the snapshot, or of those alone that client SDKs may see. */
  keys({ forClients = false } = {}): string[] {
    return this.#head ? (this.#flags?.keys(forClients) ?? []) : [];
  }

  /** Evaluates for another subject from now on. A context that cannot be used is an `error` event and INVALID_CONTEXT. */
  setContext(context: EvaluationContext): void {
    if (this.#closed.signal.aborted) return;
    this.#context = context;
    const wasRendered = this.#rendered !== undefined;
    this.#rendered = undefined;
    this.#applyContext();
    if (this.#head || wasRendered) this.#changed('context');
  }

  /** @returns a function that ends the subscription. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  /**
   * Calls back when this flag's outcome has become another, by a new snapshot, another context or time, and at nothing else.
   * @returns a function that ends the subscription.
   */
  subscribe(key: string, listener: (outcome: Outcome) => void): () => void {
    return this.#subscriptions.add(key, listener);
  }

  /** @internal The outcome for a context beside the client's own. */
  outcomeFor(prepared: Prepared, key: string): Outcome {
    return this.#evaluated(key, (flags) => flags.evaluateFor(prepared, key, this.#now()));
  }

  /** @internal As `explain`, for a context beside the client's own. */
  explainFor({ encoded }: Prepared, key: string): readonly Step[] {
    return this.#head && encoded ? (this.#flags?.explain(key, this.#now(), encoded) ?? []) : [];
  }

  /** @internal A context for `outcomeFor`; one that cannot be used is an `error` event. */
  prepare(context: EvaluationContext): Prepared {
    try {
      return new Prepared(context);
    } catch (thrown) {
      this.#failed(asPennonError(thrown, 'context', 'The context cannot be used'));
      return new Prepared(undefined);
    }
  }

  /** Ends the connection and frees the snapshot; flags have their defaults from now on. */
  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    clearTimeout(this.#timer);
    this.#flags = undefined;
    this.#rendered = undefined;
    this.#evaluator = undefined;
    this.#connected = false;
    this.#becomeReady();
    this.#listeners.clear();
    this.#subscriptions.clear();
  }

  /** The details that the page was rendered with on the server; those of now when it was not. For hydration. */
  renderedDetails<Value extends JsonValue>(key: string, otherwise: Value): Details<Widened<Value>> {
    const outcome = this.#rendered?.get(key);
    return outcome ? detailsOf(key, outcome, otherwise, false) : this.details(key, otherwise);
  }

  outcome(key: string): Outcome {
    return this.#evaluated(key, (flags) => {
      const before = flags.earliestEnd;
      const outcome = flags.evaluate(key, this.#now);
      if (flags.earliestEnd < before) this.#schedule();
      return outcome;
    });
  }

  #evaluated(key: string, evaluate: (flags: Flags) => Outcome): Outcome {
    if (!this.#flags || !this.#head) return this.#rendered?.get(key) ?? failed('PROVIDER_NOT_READY');
    try {
      return evaluate(this.#flags);
    } catch (thrown) {
      if (thrown instanceof PennonError) {
        this.#failed(thrown);
        return failed('INVALID_CONTEXT');
      }
      // A fault in the evaluator costs this call its value, and the application nothing else.
      this.#failed(new PennonError('evaluator', `Evaluating ${key} failed: ${String(thrown)}`, { cause: thrown }));
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
      this.#flags?.setContext(this.#context);
    } catch (thrown) {
      this.#failed(asPennonError(thrown, 'context', 'The context cannot be used'));
    }
  }

  #accepted(source: SnapshotSource, changed: boolean): void {
    const [epoch, version, , refreshBy] = this.#evaluator?.head_fields() ?? [];
    if (epoch === undefined || version === undefined || refreshBy === undefined) return;
    const first = this.#head === undefined;
    this.#head = { epoch, version, refreshBy };
    this.#saidStale = false;
    if (changed) this.#flags?.snapshotChanged();
    this.#heardFrom(source);
    if (first) {
      this.#becomeReady();
      this.#listeners.emit('ready', this.status);
    }
    if (changed) this.#changed('snapshot');
    this.#schedule();
  }

  #heardFrom(source: SnapshotSource): void {
    this.#source = source;
    if (source === 'network') this.#lastError = undefined;
    this.#listeners.emit('status', this.status);
  }

  #changed(cause: ClientEvents['change']['cause']): void {
    this.#listeners.emit('change', { cause, status: this.status });
    this.#subscriptions.check();
  }

  #failed(error: PennonError): void {
    const known = this.#lastError;
    this.#lastError = error;
    // A server that rejects the key will not be any quicker with a snapshot.
    if (error.status === 401 || error.status === 403) this.#becomeReady();
    // An hour offline is one error, not one for each attempt.
    if (known?.code === error.code && known.message === error.message) return;
    this.#listeners.emit('error', error);
    this.#listeners.emit('status', this.status);
  }

  protected isStale(): boolean {
    return this.#head !== undefined && this.#now() > this.#head.refreshBy;
  }

  /** Wakes at the next instant that changes something by itself: a flag's end in time, or the snapshot going stale. */
  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#head || this.#closed.signal.aborted) return;
    const staleAt = this.#saidStale ? Infinity : this.#head.refreshBy + 1;
    const next = Math.min(staleAt, this.#flags?.earliestEnd ?? Infinity);
    if (next === Infinity) return;
    const delay = Math.min(Math.max(next - this.#now(), 0), MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.#wake(), delay);
    // Nothing of this keeps a Node process alive: the stream does, until `close`.
    if (typeof this.#timer === 'object') this.#timer.unref();
  }

  #wake(): void {
    const now = this.#now();
    if (!this.#saidStale && this.isStale()) {
      this.#saidStale = true;
      this.#listeners.emit('stale', this.status);
      this.#listeners.emit('status', this.status);
    }
    if (this.#flags && now >= this.#flags.earliestEnd) {
      this.#flags.forgetOutcomes();
      this.#changed('time');
    }
    this.#schedule();
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
