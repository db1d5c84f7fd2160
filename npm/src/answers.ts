import type { Backoff } from './backoff.js';
import type { Closing } from './closing.js';
import type { Connection } from './connection.js';
import type { EvaluationContext } from './context.js';
import { asPennonError, type PennonError, type SnapshotSource } from './errors.js';
import type { ClientEvents, Held } from './flag-client.js';
import { follow } from './follow.js';
import { MAX_BODY_BYTES } from './limits.js';
import { failed, freeze, typeOf, type ErrorCode, type JsonValue, type Metadata, type Outcome, type Reason } from './outcome.js';
import type { Platform } from './platform.js';
import { sameBytes } from './storage.js';
import type { Transport } from './transport.js';
import { wait } from './wait.js';

/** The part of localStorage that is used. */
export type AnswerCache = Pick<Storage, 'getItem' | 'setItem'>;

/** What answers report to their client. */
export interface AnswersEvents {
  /** Other outcomes are there, because of `cause`. */
  accepted(held: Held, source: SnapshotSource, cause: ClientEvents['change']['cause']): void;
  /** The outcomes held are the newest. */
  confirmed(): void;
  connected(connected: boolean): void;
  failed(error: PennonError): void;
}

export interface AnswersOptions {
  readonly connection: Connection;
  readonly context: EvaluationContext;
  readonly transport: Transport;
  readonly platform: Pick<Platform, 'onWake'>;
  readonly backoff: Backoff;
  /** Where the latest answer is kept for the next start; `false` keeps none. */
  readonly cache: AnswerCache | false | undefined;
  readonly closing: Closing;
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

/** Every flag's outcome for one context, as the server evaluates it, kept up to date until closed. */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #on: AnswersEvents;
  readonly #cache: AnswerCache | undefined;
  #context: EvaluationContext;
  #outcomes: ReadonlyMap<string, Outcome> | undefined;
  #earliestEnd = Infinity;
  #etag: string | null = null;
  #head: Uint8Array | undefined;
  #confirmed = false;
  /** Counts contexts: an answer for an earlier one is of no use. */
  #contexts = 0;

  constructor(options: AnswersOptions, on: AnswersEvents) {
    this.#options = options;
    this.#on = on;
    this.#context = options.context;
    this.#cache = options.cache === false ? undefined : (options.cache ?? defaultCache());
    // Whoever made the client may listen before anything happens.
    queueMicrotask(() => this.#run());
  }

  /** The outcome, or nothing while there has been no answer. */
  outcome(key: string): Outcome | undefined {
    return this.#outcomes && (this.#outcomes.get(key) ?? failed('FLAG_NOT_FOUND'));
  }

  keys(): string[] {
    return [...(this.#outcomes?.keys() ?? [])];
  }

  /** When time alone may change one of the outcomes, in Unix milliseconds. */
  earliestEnd(): number {
    return this.#earliestEnd;
  }

  /** That instant is there. */
  timeCame(): void {
    this.#earliestEnd = Infinity;
    void this.#load('time');
  }

  /** Outcomes stay as they are until the server has answered for the new context. */
  async setContext(context: EvaluationContext): Promise<void> {
    this.#context = context;
    this.#contexts += 1;
    this.#etag = null;
    await this.#load('context');
  }

  #run(): void {
    const { transport, backoff, platform, closing } = this.#options;
    if (closing.closed) return;
    this.#restore();
    const firstHead = transport.head();
    firstHead.catch(() => undefined); // `follow` awaits it and reports
    // At once, beside the head: most often it is the newest anyway.
    const first = this.#load('snapshot');
    void follow(transport, backoff, firstHead, (milliseconds) => wait(milliseconds, platform.onWake, closing), closing, {
      head: async (head) => {
        await first;
        const known = this.#head;
        if (known && sameBytes(known, head) && this.#confirmed) {
          this.#on.confirmed();
          return true;
        }
        // The first head may be newer than the first answer; if not, the ETag makes this cheap.
        const good = await this.#load('snapshot');
        if (good) this.#head = head;
        return good;
      },
      connected: (connected) => this.#on.connected(connected),
      failed: (error) => this.#on.failed(error),
    });
  }

  /** @returns whether the outcomes are the newest for the present context */
  async #load(cause: ClientEvents['change']['cause']): Promise<boolean> {
    const { transport, closing } = this.#options;
    const contexts = this.#contexts;
    try {
      // By OpenFeature's Remote Evaluation Protocol. A 304 says that the answer held is still good.
      const headers = { 'content-type': 'application/json', ...(this.#etag && { 'if-none-match': this.#etag }) };
      const body = JSON.stringify({ context: this.#context }, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
      const { status, etag, bytes } = await transport.ask('/ofrep/v1/evaluate/flags', { method: 'POST', headers, body }, MAX_BODY_BYTES.server, 'the evaluated flags');
      if (closing.closed || contexts !== this.#contexts) return true;
      if (status === 304) {
        this.#confirmed = true;
        this.#on.confirmed();
        return true;
      }
      this.#etag = etag;
      const text = new TextDecoder().decode(bytes);
      this.#take(text, 'network', cause);
      this.#keep(text);
      return true;
    } catch (thrown) {
      const error = asPennonError(thrown, 'response', 'The answer of the server cannot be used');
      if (!closing.closed && contexts === this.#contexts) this.#on.failed(error);
      return false;
    }
  }

  /** @throws for what is no answer of the protocol */
  #take(text: string, source: 'cache' | 'network', cause: ClientEvents['change']['cause']): void {
    const answer = JSON.parse(text) as Answer;
    const outcomes = new Map(answer.flags.map((flag) => [flag.key, outcomeOf(flag, source === 'cache')]));
    const { epoch, version } = answer.metadata;
    this.#outcomes = outcomes;
    this.#confirmed = source === 'network';
    this.#earliestEnd = Math.min(...[...outcomes.values()].map(({ until }) => until ?? Infinity));
    // The server says of each value whether it is overdue.
    this.#on.accepted({ epoch, version, refreshBy: Infinity }, source, cause);
  }

  #cacheKey(): string {
    const { environment, kind } = this.#options.connection;
    return `pennon/slim/${environment}/${kind}`;
  }

  #restore(): void {
    try {
      const kept: unknown = JSON.parse(this.#cache?.getItem(this.#cacheKey()) ?? 'null');
      if (typeof kept !== 'object' || kept === null || !('context' in kept) || !('answer' in kept)) return;
      // Another person's flags are not this one's.
      if (kept.context === JSON.stringify(this.#context) && typeof kept.answer === 'string') this.#take(kept.answer, 'cache', 'snapshot');
    } catch (thrown) {
      this.#on.failed(asPennonError(thrown, 'storage', 'The kept answer cannot be used'));
    }
  }

  #keep(answer: string): void {
    try {
      this.#cache?.setItem(this.#cacheKey(), JSON.stringify({ context: JSON.stringify(this.#context), answer }));
    } catch (thrown) {
      this.#on.failed(asPennonError(thrown, 'storage', 'Keeping the answer failed'));
    }
  }
}

function defaultCache(): AnswerCache | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    // Some browsers throw where storage is forbidden.
    return undefined;
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
