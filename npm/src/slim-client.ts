import { Answers, type AnswerCache } from './answers.js';
import { Backoff } from './backoff.js';
import type { Connection } from './connection.js';
import type { EvaluationContext } from './context.js';
import { FlagClient, type FlagClientOptions } from './flag-client.js';
import type { Outcome, Step } from './outcome.js';
import type { Platform } from './platform.js';
import { renderedOutcome } from './rendered.js';
import { Transport } from './transport.js';

export interface SlimClientOptions extends FlagClientOptions {
  /** Where the latest answer is kept for the next start; `false` keeps none. Browsers: localStorage. */
  readonly cache?: AnswerCache | false;
}

/**
 * Has its flags evaluated by an edge or the control plane, all at once, and holds the outcomes; for where WebAssembly cannot
 * run. The same calls as of the client that evaluates here, but: another context takes a round trip (`await setContext`),
 * nothing is verified but the connection, and there are no explanations.
 */
export class SlimClient extends FlagClient {
  #answers: Answers | undefined;

  constructor(connection: Connection, options: SlimClientOptions, platform: Pick<Platform, 'fetch' | 'onWake'>) {
    super(options);
    const { random = Math.random, backoff, cache, fetch = platform.fetch } = options;
    this.#answers = new Answers(
      {
        connection,
        context: this.context,
        transport: new Transport(connection, fetch, this.closing),
        platform,
        backoff: new Backoff(random, backoff?.baseMs, backoff?.capMs),
        cache,
        closing: this.closing,
      },
      this.answered(),
    );
  }

  outcome(key: string): Outcome {
    return this.#answers?.outcome(key) ?? renderedOutcome(this.rendered, key);
  }

  /** Nothing: the server that evaluates explains to those who may see its rules. */
  explain(): readonly Step[] {
    return [];
  }

  keys(): string[] {
    return this.#answers?.keys() ?? [];
  }

  /** Flags stay as they are until the server has answered for the new context. */
  async setContext(context: EvaluationContext): Promise<void> {
    this.context = context;
    await this.#answers?.setContext(context);
  }

  override close(): void {
    super.close();
    this.#answers = undefined;
  }

  protected earliestEnd(): number {
    return this.#answers?.earliestEnd() ?? Infinity;
  }

  protected timeCame(): void {
    this.#answers?.timeCame();
  }
}
