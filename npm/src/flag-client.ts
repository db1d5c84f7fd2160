import { openClosing } from './closing.js';
import type { EvaluationContext } from './context.js';
import type { PennonError, SnapshotSource } from './errors.js';
import { Listeners } from './events.js';
import type { FlagKey } from './flag-types.js';
import { MAX_TIMER_MS, READY_TIMEOUT_MS } from './limits.js';
import type { JsonValue, Outcome, Step } from './outcome.js';
import { FlagReader, detailsOf, type Details, type Widened } from './reader.js';
import { readRendered, type RenderedFlags } from './rendered.js';
import { Subscriptions } from './subscriptions.js';
import type { Fetch } from './transport.js';

/** What every client takes. */
export interface FlagClientOptions {
  /** Whom to evaluate for; `setContext` changes it. */
  readonly context?: EvaluationContext;
  /**
   * What a server found for this context and put into the page: served until flags of the client's own are there, so that
   * nothing flickers. Its context is the client's unless `context` says otherwise.
   */
  readonly rendered?: RenderedFlags;
  /** How long `ready()` waits at most, in milliseconds. */
  readonly readyTimeoutMs?: number;
  /** First and longest wait between attempts to connect, in milliseconds. */
  readonly backoff?: { readonly baseMs?: number; readonly capMs?: number };
  /** `false`: changes come by server-sent events also where the server offers a WebSocket. */
  readonly webSocket?: boolean;
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

/** What a client's flags are of. */
export interface Held {
  readonly epoch: number;
  readonly version: number;
  /** Unix milliseconds after which it is overdue. */
  readonly refreshBy: number;
}

/** What all clients have in common, whoever evaluates: readiness, events, subscriptions, and instants to wake at. */
export abstract class FlagClient extends FlagReader {
  protected readonly now: () => number;
  protected readonly closing = openClosing();
  protected context: EvaluationContext;
  /** What a server found, until another context is set. */
  protected rendered: ReadonlyMap<string, Outcome> | undefined;
  protected held: Held | undefined;
  readonly #listeners = new Listeners<ClientEvents>();
  readonly #subscriptions = new Subscriptions((key) => this.outcome(key));
  readonly #readyTimeoutMs: number;
  #source: SnapshotSource | undefined;
  #connected = false;
  #lastError: PennonError | undefined;
  #saidStale = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #becomeReady: () => void = () => undefined;
  readonly #ready = new Promise<void>((resolve) => (this.#becomeReady = resolve));

  constructor(options: FlagClientOptions) {
    super();
    this.now = options.now ?? Date.now;
    this.#readyTimeoutMs = options.readyTimeoutMs ?? READY_TIMEOUT_MS;
    this.context = options.context ?? options.rendered?.context ?? {};
    // A server that had no flags yet rendered none.
    if (options.rendered && (this.rendered = readRendered(options.rendered)).size) this.#becomeReady();
  }

  /** Evaluates for another subject from now on; resolves when flags are of the new context. Never rejects. */
  abstract setContext(context: EvaluationContext): Promise<void>;

  /** Why the flag has its value: every step that led there, in order. Not for hot paths. */
  abstract explain(key: FlagKey): readonly Step[];

  /** The keys of all flags there are. */
  abstract keys(): string[];

  /** When time alone may change one of the outcomes given so far, in Unix milliseconds; infinite when never. */
  protected abstract earliestEnd(): number;

  /** That instant is there: outcomes are to be made anew. */
  protected abstract timeCame(): void;

  /**
   * Resolves with the first flags, from wherever they come first, or when the time limit is over or the server refuses the
   * key: then flags keep their defaults until they arrive. Never rejects.
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
      version: this.held?.version,
      epoch: this.held?.epoch,
      source: this.#source,
      connected: this.#connected,
      stale: this.isStale(),
      lastError: this.#lastError,
    };
  }

  /** The details that the page was rendered with on the server; those of now when it was not. For hydration. */
  renderedDetails<Value extends JsonValue>(key: FlagKey<Widened<Value>>, otherwise: Value): Details<Widened<Value>> {
    const outcome = this.rendered?.get(key);
    return outcome ? detailsOf(key, outcome, otherwise, false) : this.details(key, otherwise);
  }

  /** @returns a function that ends the subscription. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  /**
   * Calls back when this flag's outcome has become another, by a new snapshot, another context or time, and at nothing else.
   * @returns a function that ends the subscription.
   */
  subscribe(key: FlagKey, listener: (outcome: Outcome) => void): () => void {
    return this.#subscriptions.add(key, listener);
  }

  /** Ends the connection and frees the flags, which have their defaults from now on. */
  close(): void {
    if (this.closing.closed) return;
    this.closing.close();
    clearTimeout(this.#timer);
    this.rendered = undefined;
    this.#connected = false;
    this.#becomeReady();
    this.#listeners.clear();
    this.#subscriptions.clear();
  }

  protected isStale(): boolean {
    return this.held !== undefined && this.now() > this.held.refreshBy;
  }

  /** @internal Other flags are there; where there is a `cause`, some may have other values than those before. */
  accepted(held: Held, source: SnapshotSource, cause: ClientEvents['change']['cause'] | undefined): void {
    const first = this.held === undefined;
    if (cause === 'context') this.rendered = undefined;
    this.held = held;
    this.#saidStale = false;
    this.#heardFrom(source);
    if (first) {
      this.#becomeReady();
      this.#listeners.emit('ready', this.status);
    }
    if (cause) this.changed(cause);
    this.schedule();
  }

  /** @internal The server's newest is what is held. */
  confirmed(): void {
    // Each poll of a quiet server confirms: only the first says anything new.
    if (this.held && (this.#source !== 'network' || this.#lastError)) this.#heardFrom('network');
  }

  #heardFrom(source: SnapshotSource): void {
    this.#source = source;
    if (source === 'network') this.#lastError = undefined;
    this.#listeners.emit('status', this.status);
  }

  protected changed(cause: ClientEvents['change']['cause']): void {
    this.#listeners.emit('change', { cause, status: this.status });
    this.#subscriptions.check();
  }

  /** @internal */
  connected(connected: boolean): void {
    if (this.closing.closed) return;
    this.#connected = connected;
    this.#listeners.emit('status', this.status);
  }

  /** @internal */
  failed(error: PennonError): void {
    const known = this.#lastError;
    this.#lastError = error;
    // A server that rejects the key will not be any quicker with a snapshot.
    if (error.status === 401 || error.status === 403) this.#becomeReady();
    // An hour offline is one error, not one for each attempt.
    if (known?.code === error.code && known.message === error.message) return;
    this.#listeners.emit('error', error);
    this.#listeners.emit('status', this.status);
  }

  /** @internal Sees to it that the next instant that changes something by itself is not missed: a flag's end in time, or going stale. */
  schedule(): void {
    clearTimeout(this.#timer);
    if (!this.held || this.closing.closed) return;
    const next = Math.min(this.#saidStale ? Infinity : this.held.refreshBy + 1, this.earliestEnd());
    if (next === Infinity) return;
    this.#timer = setTimeout(() => this.#wake(), Math.min(Math.max(next - this.now(), 0), MAX_TIMER_MS));
    // Nothing of this keeps a Node process alive: the stream does, until `close`.
    (this.#timer as { unref?(): void }).unref?.();
  }

  #wake(): void {
    if (!this.#saidStale && this.isStale()) {
      this.#saidStale = true;
      this.#listeners.emit('stale', this.status);
      this.#listeners.emit('status', this.status);
    }
    if (this.now() >= this.earliestEnd()) this.timeCame();
    this.schedule();
  }
}
