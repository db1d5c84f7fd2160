import { Backoff } from './backoff.js';
import type { Connection } from './connection.js';
import type { EvaluationContext } from './context.js';
import { asPennonError } from './errors.js';
import { FlagClient, type FlagClientOptions } from './flag-client.js';
import { follow } from './follow.js';
import { MAX_BODY_BYTES } from './limits.js';
import { failed, freeze, typeOf, type ErrorCode, type JsonValue, type Metadata, type Outcome, type Reason, type Step } from './outcome.js';
import { sameBytes } from './storage.js';
import { Transport, type Fetch } from './transport.js';
import { wait } from './wait.js';

export interface SlimClientOptions extends FlagClientOptions {
  /** Where the latest answer is kept for the next start; `false` keeps none. Browsers: localStorage. */
  readonly cache?: AnswerCache | false;
}

/** The part of localStorage that is used. */
export type AnswerCache = Pick<Storage, 'getItem' | 'setItem'>;

/** What differs between runtimes. */
export interface SlimPlatform {
  fetch: Fetch;
  defaultCache(): AnswerCache | undefined;
  onWake?(wake: () => void): () => void;
}

/** One flag as OpenFeature's Remote Evaluation Protocol answers it. */
interface Answered {
  readonly key: string;
  readonly value?: JsonValue;
  readonly variant?: string;
  readonly reason?: Reason;
  readonly errorCode?: ErrorCode;
  readonly metadata?: Metadata & { readonly rule?: string; readonly until?: number };
}

interface Answer {
  readonly flags: readonly Answered[];
  readonly metadata: { readonly epoch: number; readonly version: number };
}

/**
 * Has its flags evaluated by an edge or the control plane, all at once, and holds the outcomes; for where WebAssembly cannot
 * run. The same calls as of the client that evaluates here, but: another context takes a round trip (`await setContext`),
 * nothing is verified but the connection, and there are no explanations.
 */
export class SlimClient extends FlagClient {
  readonly #connection: Connection;
  readonly #transport: Transport;
  readonly #platform: SlimPlatform;
  readonly #backoff: Backoff;
  readonly #cache: AnswerCache | undefined;
  #outcomes: ReadonlyMap<string, Outcome> | undefined;
  #earliestEnd = Infinity;
  #etag: string | undefined;
  #head: Uint8Array | undefined;
  /** Counts contexts: an answer for an earlier one is of no use. */
  #contexts = 0;

  constructor(connection: Connection, options: SlimClientOptions, platform: SlimPlatform) {
    super(options);
    this.#connection = connection;
    this.#platform = platform;
    this.#transport = new Transport(connection, options.fetch ?? platform.fetch, this.closed.signal);
    this.#backoff = new Backoff(options.random ?? Math.random, options.backoff?.baseMs, options.backoff?.capMs);
    this.#cache = options.cache === false ? undefined : (options.cache ?? platform.defaultCache());
    // Whoever made the client may listen before anything happens.
    queueMicrotask(() => this.#run());
  }

  outcome(key: string): Outcome {
    const known = this.#outcomes ?? this.rendered;
    return known ? (known.get(key) ?? failed('FLAG_NOT_FOUND')) : failed('PROVIDER_NOT_READY');
  }

  /** Nothing: the server that evaluates explains to those who may see its rules. */
  explain(): readonly Step[] {
    return [];
  }

  keys(): string[] {
    return [...(this.#outcomes?.keys() ?? [])];
  }

  /** Flags stay as they are until the server has answered for the new context. */
  async setContext(context: EvaluationContext): Promise<void> {
    if (this.closed.signal.aborted) return;
    this.context = context;
    this.#contexts += 1;
    this.#etag = undefined;
    await this.#load('context');
  }

  override close(): void {
    super.close();
    this.#outcomes = undefined;
  }

  protected earliestEnd(): number {
    return this.#earliestEnd;
  }

  protected timeCame(): void {
    this.#earliestEnd = Infinity;
    void this.#load('time');
  }

  /** The server says of each value whether it is overdue. */
  protected override isStale(): boolean {
    return false;
  }

  #run(): void {
    if (this.closed.signal.aborted) return;
    this.#restore();
    const firstHead = this.#transport.head();
    firstHead.catch(() => undefined); // `follow` awaits it and reports
    // At once, beside the head: most often it is the newest anyway.
    const first = this.#load('snapshot');
    void follow(this.#transport, this.#backoff, firstHead, (milliseconds) => wait(milliseconds, this.#platform.onWake, this.closed.signal), this.closed.signal, {
      head: async (head) => {
        await first;
        const known = this.#head;
        if (known && sameBytes(known, head) && this.status.source === 'network') {
          this.confirmed();
          return true;
        }
        // The first head may be newer than the first answer; if not, the ETag makes this cheap.
        const good = await this.#load('snapshot');
        if (good) this.#head = head;
        return good;
      },
      connected: (connected) => this.connected(connected),
      failed: (error) => this.failed(error),
    });
  }

  /** @returns whether the outcomes are the newest for the present context */
  async #load(cause: 'snapshot' | 'context' | 'time'): Promise<boolean> {
    const contexts = this.#contexts;
    try {
      const { status, etag, text } = await this.#transport.evaluateAll(this.context, this.#etag, MAX_BODY_BYTES.server);
      if (this.closed.signal.aborted || contexts !== this.#contexts) return true;
      if (status === 304) {
        this.confirmed();
        return true;
      }
      this.#etag = etag;
      this.#take(text, 'network', cause);
      this.#keep(text);
      return true;
    } catch (thrown) {
      const error = asPennonError(thrown, 'response', 'The answer of the server cannot be used');
      if (!this.closed.signal.aborted && contexts === this.#contexts) this.failed(error);
      return false;
    }
  }

  /** @throws for what is no answer of the protocol */
  #take(text: string, source: 'cache' | 'network', cause: 'snapshot' | 'context' | 'time'): void {
    const answer = JSON.parse(text) as Answer;
    const outcomes = new Map(answer.flags.map((flag) => [flag.key, outcomeOf(flag, source === 'cache')]));
    const { epoch, version } = answer.metadata;
    this.#outcomes = outcomes;
    if (cause === 'context') this.rendered = undefined;
    this.#earliestEnd = Math.min(...[...outcomes.values()].map(({ until }) => until ?? Infinity));
    this.accepted({ epoch, version, refreshBy: Infinity }, source, cause === 'snapshot');
    if (cause !== 'snapshot') this.changed(cause);
  }

  /** Under the context too: another person's flags are not this one's. */
  #cacheKey(): string {
    const { environment, kind } = this.#connection;
    return `pennon/slim/${environment}/${kind}`;
  }

  #restore(): void {
    try {
      const kept: unknown = JSON.parse(this.#cache?.getItem(this.#cacheKey()) ?? 'null');
      if (typeof kept !== 'object' || kept === null || !('context' in kept) || !('answer' in kept)) return;
      if (kept.context === JSON.stringify(this.context) && typeof kept.answer === 'string') this.#take(kept.answer, 'cache', 'snapshot');
    } catch (thrown) {
      this.failed(asPennonError(thrown, 'storage', 'The kept answer cannot be used'));
    }
  }

  #keep(answer: string): void {
    try {
      this.#cache?.setItem(this.#cacheKey(), JSON.stringify({ context: JSON.stringify(this.context), answer }));
    } catch (thrown) {
      this.failed(asPennonError(thrown, 'storage', 'Keeping the answer failed'));
    }
  }
}

function outcomeOf({ value, variant, reason = 'ERROR', errorCode, metadata = {} }: Answered, cached: boolean): Outcome {
  const { rule, until, ...own } = metadata;
  const served = value !== undefined && value !== null;
  return {
    type: served ? typeOf(value) : undefined,
    value: served ? freeze(value) : undefined,
    variant,
    reason: cached && errorCode === undefined ? 'CACHED' : reason,
    errorCode,
    rule,
    until,
    metadata: Object.keys(own).length > 0 ? own : undefined,
  };
}
