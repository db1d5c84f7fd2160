import { Answers, type AnswerCache, type LoadFollowAnswers } from './answers.js';
import type { Connection } from './connection.js';
import type { EvaluationContext } from './context.js';
import { FlagClient, type FlagClientOptions } from './flag-client.js';
import type { Outcome, Step } from './outcome.js';
import { renderedOutcome } from './rendered.js';
import { openTransport, type Fetch } from './transport.js';

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

  constructor(connection: Connection, options: SlimClientOptions, fetch: Fetch, loadFollowAnswers: LoadFollowAnswers) {
    super(options);
    const transport = openTransport(connection, options.fetch ?? fetch, this.closing);
    this.#answers = new Answers({ given: options, transport, closing: this.closing, context: this.context, cache: options.cache, loadFollowAnswers }, this);
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
