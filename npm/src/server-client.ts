import { Client } from './client.js';
import type { EvaluationContext } from './context.js';
import type { FlagKey } from './flag-types.js';
import type { Prepared } from './flags.js';
import type { JsonValue, Outcome, Step } from './outcome.js';
import { FlagReader, detailsOf, valueOf, type Details, type Widened } from './reader.js';
import { scriptSafe, type RenderedFlags } from './rendered.js';

/** A client that evaluates for many: each call can bring a context of its own. Without one, the client's own context counts. */
export class ServerClient extends Client {
  /** Flags for one context, a request's for instance: prepared once. Costs nothing to throw away. */
  for(context: EvaluationContext): ContextFlags {
    return new ContextFlags(this, this.prepare(context), context);
  }

  override boolean(key: FlagKey<boolean>, otherwise: boolean, context?: EvaluationContext): boolean {
    return context ? valueOf(this.outcomeOnce(context, key), 'boolean', otherwise) : super.boolean(key, otherwise);
  }

  override string(key: FlagKey<string>, otherwise: string, context?: EvaluationContext): string {
    return context ? valueOf(this.outcomeOnce(context, key), 'string', otherwise) : super.string(key, otherwise);
  }

  override number(key: FlagKey<number>, otherwise: number, context?: EvaluationContext): number {
    return context ? valueOf(this.outcomeOnce(context, key), 'number', otherwise) : super.number(key, otherwise);
  }

  override json<Value = JsonValue>(key: FlagKey, otherwise: Value, context?: EvaluationContext): Value {
    return context ? valueOf(this.outcomeOnce(context, key), 'json', otherwise) : super.json(key, otherwise);
  }

  override details<Value extends JsonValue>(key: FlagKey<Widened<Value>>, otherwise: Value, context?: EvaluationContext): Details<Widened<Value>> {
    return context ? detailsOf(key, this.outcomeOnce(context, key), otherwise, this.isStale()) : super.details(key, otherwise);
  }

  override explain(key: string, context?: EvaluationContext): readonly Step[] {
    return context ? this.for(context).explain(key) : super.explain(key);
  }

  /**
   * What a page needs to start without a flicker, as JSON that can stand inside of a script element. The page's client takes
   * it, parsed, as its option `rendered`.
   */
  renderBootstrap(context: EvaluationContext): string {
    return scriptSafe(this.for(context).render());
  }
}

/** The flags of a {@link ServerClient} for one context. */
export class ContextFlags extends FlagReader {
  readonly #client: ServerClient;
  readonly #prepared: Prepared;
  readonly context: EvaluationContext;

  /** @internal Made by `ServerClient.for`. */
  constructor(client: ServerClient, prepared: Prepared, context: EvaluationContext) {
    super();
    this.#client = client;
    this.#prepared = prepared;
    this.context = context;
  }

  outcome(key: string): Outcome {
    return this.#client.outcomeFor(this.#prepared, key);
  }

  explain(key: string): readonly Step[] {
    return this.#client.explainFor(this.#prepared, key);
  }

  /** Every flag that client SDKs may see, for a page that is rendered here. */
  render(): RenderedFlags {
    const outcomes = this.#client.keys({ forClients: true }).map((key) => [key, this.outcome(key)] as const);
    return { context: this.context, outcomes: Object.fromEntries(outcomes) };
  }

  protected isStale(): boolean {
    return this.#client.status.stale;
  }
}
