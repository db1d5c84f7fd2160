import { Client } from './client.js';
import type { EvaluationContext } from './context.js';
import type { FlagKey } from './flag-types.js';
import { openContexts, prepare, type Contexts, type Prepared } from './contexts.js';
import type { Entry, Flags } from './flags.js';
import { failed, type JsonValue, type Outcome, type Step } from './outcome.js';
import { FlagReader, detailsOf, valueOf, type Details, type Widened } from './reader.js';
import { scriptSafe, type RenderedFlags } from './rendered.js';

/** A client that evaluates for many: each call can bring a context of its own. Without one, the client's own context counts. */
export class ServerClient extends Client {
  /** Of the flags there are. */
  #contexts: { readonly flags: Flags; readonly contexts: Contexts } | undefined;

  /** Flags for one context, a request's for instance: prepared once. Costs nothing to throw away. */
  for(context: EvaluationContext): ContextFlags {
    return new ContextFlags(this, this.#prepare(context), context);
  }

  override boolean(key: FlagKey<boolean>, otherwise: boolean, context?: EvaluationContext): boolean {
    return context ? valueOf(this.#once(context, key), 'boolean', otherwise) : super.boolean(key, otherwise);
  }

  override string(key: FlagKey<string>, otherwise: string, context?: EvaluationContext): string {
    return context ? valueOf(this.#once(context, key), 'string', otherwise) : super.string(key, otherwise);
  }

  override number(key: FlagKey<number>, otherwise: number, context?: EvaluationContext): number {
    return context ? valueOf(this.#once(context, key), 'number', otherwise) : super.number(key, otherwise);
  }

  override json<Value = JsonValue>(key: FlagKey, otherwise: Value, context?: EvaluationContext): Value {
    return context ? valueOf(this.#once(context, key), 'json', otherwise) : super.json(key, otherwise);
  }

  override details<Value extends JsonValue>(key: FlagKey<Widened<Value>>, otherwise: Value, context?: EvaluationContext): Details<Widened<Value>> {
    return context ? detailsOf(key, this.#once(context, key), otherwise, this.isStale()) : super.details(key, otherwise);
  }

  override explain(key: string, context?: EvaluationContext): readonly Step[] {
    return this.for(context ?? this.context).explain(key);
  }

  /** The keys of all flags in the snapshot, or of those alone that client SDKs may see. */
  override keys({ forClients = false } = {}): string[] {
    const keys = super.keys();
    if (!forClients) return keys;
    const isVisible = (key: string): boolean => this.ask(key, ({ evaluator, find }) => evaluator.number('flag_is_client_visible', find(key)?.position ?? -1) !== 0, () => false);
    return keys.filter(isVisible);
  }

  /** @internal The outcome for a context beside the client's own. */
  outcomeFor(prepared: Prepared, key: string): Outcome {
    return this.evaluated(key, (flags) => this.#of(flags).evaluate(prepared, key, this.now()));
  }

  /** @internal Every flag's outcome for it. */
  outcomesFor(prepared: Prepared): readonly Entry[] {
    // Whatever there is no evaluator for, and what one flag does to it, is dealt with flag by flag.
    if (this.hasFaulty()) return this.keys().map((key) => [key, this.outcomeFor(prepared, key)]);
    return this.ask(
      'outcomes()',
      (flags) => this.#of(flags).evaluateAll(prepared, this.now()),
      (code) => (this.#contexts?.flags.all?.flags ?? []).map(({ key }) => [key, failed(code)]),
    );
  }

  /** @internal As `explain`, for it. */
  explainFor(prepared: Prepared, key: string): readonly Step[] {
    return this.ask(key, (flags) => this.#of(flags).explain(prepared, key, this.now()), () => []);
  }

  /** A context that cannot be used is an `error` event. */
  #prepare(context: EvaluationContext): Prepared {
    try {
      return prepare(context);
    } catch (thrown) {
      this.report(thrown);
      return prepare(undefined);
    }
  }

  #once(context: EvaluationContext, key: string): Outcome {
    return this.evaluated(key, (flags) => this.#of(flags).evaluateOnce(context, key, this.now()));
  }

  #of(flags: Flags): Contexts {
    if (this.#contexts?.flags !== flags) this.#contexts = { flags, contexts: openContexts(flags) };
    return this.#contexts.contexts;
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

  /** Every flag's outcome, as its key and it, in one call of the evaluator: much faster than flag by flag. */
  outcomes(): readonly Entry[] {
    return this.#client.outcomesFor(this.#prepared);
  }

  /** Every flag that client SDKs may see, for a page that is rendered here. */
  render(): RenderedFlags {
    const visible = new Set(this.#client.keys({ forClients: true }));
    // A context that cannot be used may have no JSON either.
    return { context: this.#prepared.encoded ? this.context : {}, outcomes: Object.fromEntries(this.outcomes().filter(([key]) => visible.has(key))) };
  }

  protected isStale(): boolean {
    return this.#client.status.stale;
  }
}
