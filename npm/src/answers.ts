import type { Connection } from './connection.js';
import type { EvaluationContext } from './context.js';
import type { PennonError, SnapshotSource } from './errors.js';
import type { ClientEvents, Held } from './flag-client.js';
import type { FollowAnswersOptions } from './follow-answers.js';
import { MAX_BODY_BYTES } from './limits.js';
import { failed, freeze, typeOf, type ErrorCode, type JsonValue, type Metadata, type Outcome, type Reason } from './outcome.js';
import { loadPart } from './part.js';
import { jsonOf } from './rendered.js';
import { sameBytes } from './storage.js';

/** The part of localStorage that is used. */
export type AnswerCache = Pick<Storage, 'getItem' | 'setItem'>;

/** What answers report to their client. */
export interface AnswersEvents {
  /** Other outcomes are there, because of `cause`. */
  accepted(held: Held, source: SnapshotSource, cause: ClientEvents['change']['cause']): void;
  /** The outcomes held are the newest. */
  confirmed(): void;
  /** `earliestEnd` is another one. */
  schedule(): void;
  connected(connected: boolean): void;
  failed(error: PennonError): void;
}

/** Loads what goes on once the first answer is there, and has words for what fails. */
export type LoadFollowAnswers = () => Promise<typeof import('./follow-answers.js')>;

export interface AnswersOptions extends FollowAnswersOptions {
  readonly context: EvaluationContext;
  readonly loadFollowAnswers: LoadFollowAnswers;
  /** Where the latest answer is kept for the next start; `false` keeps none. */
  readonly cache: AnswerCache | false | undefined;
}

/** The first wait, in milliseconds, before the server is asked again about an instant that has come here and not there. */
const EARLY_MS = 1_000;

/** One flag as OpenFeature's Remote Evaluation Protocol answers it. */
interface Answered {
  readonly key: string;
  readonly value?: JsonValue;
  readonly variant?: string;
  readonly reason?: Reason;
  readonly errorCode?: ErrorCode;
  readonly metadata?: Metadata & { readonly rule?: string; readonly until?: number };
}

interface Bulk {
  readonly flags: readonly Answered[];
  readonly metadata: { readonly epoch: number; readonly version: number };
}

/** Every flag's outcome for one context, as the server evaluates it, kept up to date until closed. */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #on: AnswersEvents;
  readonly #cache: AnswerCache | undefined;
  readonly #cacheKey: string;
  #context: EvaluationContext;
  #outcomes: ReadonlyMap<string, Outcome> | undefined;
  /** When the server says that time alone may change one of the outcomes held. */
  #ends = Infinity;
  /** When to ask because of that. */
  #earliestEnd = Infinity;
  #etag: string | null = null;
  #head: Uint8Array | undefined;
  /** Whether they are the newest, for the present context and time. */
  #confirmed = false;
  /** Whose the outcomes held are. */
  #contextHeld: EvaluationContext;
  /** Counts requests, and up to which their answers are of no use: older than what is held, or for an earlier context. */
  #requests = 0;
  #outdated = 0;
  /** The latest. */
  #failure: PennonError | undefined;
  /** Attempts after failures that are under way. */
  #retrying = 0;
  #part: ReturnType<LoadFollowAnswers> | Promise<undefined> | undefined;

  constructor(options: AnswersOptions, on: AnswersEvents) {
    this.#options = options;
    this.#on = on;
    this.#context = this.#contextHeld = options.context;
    this.#cache = options.cache === false ? undefined : (options.cache ?? defaultCache());
    this.#cacheKey = cacheKey(options.transport.connection);
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
    this.#confirmed = false;
    void this.#ask('time');
  }

  /** Outcomes stay as they are until the server has answered for the new context. */
  async setContext(context: EvaluationContext): Promise<void> {
    this.#context = context;
    this.#outdated = this.#requests;
    this.#etag = null;
    this.#confirmed = false;
    await this.#ask('context');
  }

  /** Loads; where that fails, again and again in the background. */
  async #ask(cause: ClientEvents['change']['cause']): Promise<void> {
    const context = this.#context;
    if (await this.#load(cause)) return;
    const attempt = async (): Promise<boolean> => this.#confirmed || context !== this.#context || this.#load(cause);
    this.#retrying += 1;
    void this.#following()
      .then((part) => part?.again(this.#options, attempt, () => this.#failure))
      .finally(() => (this.#retrying -= 1));
  }

  async #run(): Promise<void> {
    const { transport, closing } = this.#options;
    if (closing.closed) return;
    this.#restore();
    const firstHead = transport.head();
    firstHead.catch(() => undefined); // `followAnswers` awaits it and reports
    // At once, beside the head: most often it is the newest anyway.
    await this.#load('snapshot');
    const part = await this.#following();
    await part?.followAnswers(this.#options, firstHead, {
      connected: (connected) => this.#on.connected(connected),
      failed: (error) => this.#on.failed(error),
      head: async (head) => {
        const known = this.#head;
        if (known && sameBytes(known, head) && this.#confirmed) {
          this.#on.confirmed();
          return true;
        }
        // The next attempt gets what is the newest then, when the server wants to be asked.
        if (this.#retrying > 0) return true;
        // The first head may be newer than the first answer; if not, the ETag makes this cheap.
        const good = await this.#load('snapshot');
        if (good) this.#head = head;
        return good;
      },
    });
  }

  #following(): ReturnType<LoadFollowAnswers> | Promise<undefined> {
    const { loadFollowAnswers, closing } = this.#options;
    return (this.#part ??= loadPart(loadFollowAnswers, closing, (error) => this.#on.failed(error)) as ReturnType<LoadFollowAnswers> | Promise<undefined>);
  }

  async #failed(thrown: unknown, code: string, doing: string, matters: () => boolean): Promise<void> {
    const error = await (await this.#following())?.describe(thrown, code, doing);
    this.#failure = error;
    if (error && !this.#options.closing.closed && matters()) this.#on.failed(error);
  }

  /** @returns whether the outcomes are the newest for the present context */
  async #load(cause: ClientEvents['change']['cause']): Promise<boolean> {
    const { transport, closing } = this.#options;
    const context = this.#context;
    const request = (this.#requests += 1);
    const matters = (): boolean => request > this.#outdated;
    let body: string | undefined;
    try {
      body = jsonOf({ context });
      // By OpenFeature's Remote Evaluation Protocol. A 304 says that the answer held is still good.
      const headers = { 'content-type': 'application/json', ...(this.#etag && { 'if-none-match': this.#etag }) };
      const answer = await transport.load('/ofrep/v1/evaluate/flags', MAX_BODY_BYTES.server, { method: 'POST', headers, body });
      if (closing.closed || !matters()) return true;
      if (answer.response.status === 304) {
        this.#confirmed = true;
        this.#outdated = request;
        this.#setEarliestEnd();
        this.#on.confirmed();
        this.#on.schedule();
        return true;
      }
      this.#etag = answer.response.headers.get('etag');
      const text = new TextDecoder().decode(answer.bytes);
      // Whatever asked, the first outcomes for another context are there because of it.
      this.#take(text, 'network', context === this.#contextHeld ? cause : 'context');
      this.#contextHeld = context;
      this.#outdated = request;
      this.#kept(() => this.#cache?.setItem(this.#cacheKey, JSON.stringify({ context: jsonOf(context), answer: text })));
      return true;
    } catch (thrown) {
      await this.#failed(thrown, body ? 'response' : 'context', `The ${body ? 'answer of the server' : 'context'} cannot be used`, matters);
      // To send again what cannot be sent would be of no use.
      return !body;
    }
  }

  /** @throws for what is no answer of the protocol */
  #take(text: string, source: 'cache' | 'network', cause: ClientEvents['change']['cause']): void {
    const { flags, metadata } = JSON.parse(text) as Bulk;
    const outcomes = new Map(flags.map((flag) => [flag.key, outcomeOf(flag, source === 'cache')]));
    const { epoch, version } = metadata;
    this.#outcomes = outcomes;
    this.#confirmed = source === 'network';
    this.#ends = Math.min(...[...outcomes.values()].map(({ until }) => until ?? Infinity));
    this.#setEarliestEnd();
    // The server says of each value whether it is overdue.
    this.#on.accepted({ epoch, version, refreshBy: Infinity }, source, cause);
  }

  /** At the next end. Where that has come here and not at the server, whose clock decides: after waits that double. */
  #setEarliestEnd(): void {
    const now = (this.#options.given.now ?? Date.now)();
    this.#earliestEnd = now < this.#ends ? this.#ends : now + Math.max(now - this.#ends, EARLY_MS);
  }

  #restore(): void {
    this.#kept(() => {
      const kept = JSON.parse(this.#cache?.getItem(this.#cacheKey) ?? '{}') as { readonly context?: unknown; readonly answer?: unknown };
      // Another person's flags are not this one's.
      if (kept?.context === jsonOf(this.#context) && typeof kept.answer === 'string') this.#take(kept.answer, 'cache', 'snapshot');
    });
  }

  #kept(use: () => void): void {
    try {
      use();
    } catch (thrown) {
      void this.#failed(thrown, 'storage', 'The kept answer cannot be used', () => true);
    }
  }
}

function cacheKey({ environment, kind }: Connection): string {
  return `pennon/slim/${environment}/${kind}`;
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
  const served = value ?? undefined;
  return {
    type: served === undefined ? undefined : typeOf(served),
    value: served === undefined ? undefined : freeze(served),
    variant,
    reason: cached && errorCode === undefined ? 'CACHED' : reason,
    errorCode,
    rule,
    until,
    metadata: Object.keys(own).length > 0 ? own : undefined,
  };
}
