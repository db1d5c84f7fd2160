import type { Answers } from './answers.js';
import { parseConnectionString, type Connection } from './connection.js';
import type { EvaluationContext } from './context.js';
import { PennonError, type SnapshotSource } from './errors.js';
import type { Evaluator } from './evaluator.js';
import type { Explain } from './explain.js';
import { Failure } from './failure.js';
import { FlagClient, type FlagClientOptions } from './flag-client.js';
import { openFlags, type Flags } from './flags.js';
import type { Following } from './following.js';
import { failed, type ErrorCode, type Outcome, type Step } from './outcome.js';
import type { Driven, MakeAnswers, Platform } from './platform.js';
import { Session } from './session.js';
import type { SnapshotFiles, SnapshotStorage } from './storage.js';
import { openTransport, type Transport } from './transport.js';

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
  #driven: Driven | undefined;
  #explain: Explain | undefined;
  #restarting = false;
  /** Flags whose evaluation was a fault of the evaluator: left alone until another snapshot is there. */
  readonly #faulty = new Set<string>();

  /** @internal Made by `createClient`. */
  constructor(connection: Connection, options: ClientOptions, platform: Platform) {
    super(options);
    const { bootstrap, storage, fetch = platform.fetch } = options;
    this.transport = openTransport(connection, fetch, this.closing);
    const make = (): Session => new Session({ given: options, transport: this.transport, closing: this.closing, platform, storage, bootstrap, now: this.now }, this);
    this.#driven = (platform.drive ?? run)(make);
  }

  /** As of `FlagClient`; in a page only once all of this package is loaded, shortly after `ready`. */
  explain(key: string): readonly Step[] {
    const by = this.#explain;
    return by ? this.ask(key, (flags) => flags.explain(by, key, this.now()), () => []) : [];
  }

  /** The keys of all flags in the snapshot. */
  keys(): string[] {
    return this.#answers?.keys() ?? this.ask('keys()', (flags) => flags.keys(), () => []);
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

  override close(): void {
    super.close();
    this.#flags = undefined;
    this.#evaluator = undefined;
    this.#answers = undefined;
  }

  outcome(key: string): Outcome {
    return this.evaluated(key, (flags) => {
      const before = flags.earliestEnd();
      const outcome = flags.evaluate(key, this.now);
      if (flags.earliestEnd() < before) this.schedule();
      return outcome;
    });
  }

  protected earliestEnd(): number {
    return this.#flags?.earliestEnd() ?? this.#answers?.earliestEnd() ?? Infinity;
  }

  protected timeCame(): void {
    if (this.#answers) return this.#answers.timeCame();
    this.#flags?.forgetOutcomes();
    this.changed('time');
  }

  /** @internal */
  protected evaluated(key: string, evaluate: (flags: Flags) => Outcome): Outcome {
    return this.ask(key, evaluate, (code) => (code === 'PROVIDER_NOT_READY' && (this.#answers?.outcome(key) ?? this.rendered?.get(key))) || failed(code));
  }

  /** @internal What the evaluator answers, or `otherwise` for why it cannot. @param key that a fault is put down to: a flag's, or what else was asked */
  protected ask<Answer>(key: string, ask: (flags: Flags) => Answer, otherwise: (code: ErrorCode) => Answer): Answer {
    if (!this.#flags || !this.held) return otherwise('PROVIDER_NOT_READY');
    // Asked first, because it nearly always answers, and in no time.
    if (this.hasFaulty() && this.#faulty.has(key)) return otherwise('GENERAL');
    try {
      return ask(this.#flags);
    } catch (thrown) {
      if (thrown instanceof Failure) {
        this.report(thrown);
        return otherwise('INVALID_CONTEXT');
      }
      // A fault in the evaluator costs this flag its value, and the application nothing else.
      this.#fault(key, thrown);
      return otherwise('GENERAL');
    }
  }

  /** @internal Whether one of the flags has to be left alone. */
  protected hasFaulty(): boolean {
    return this.#faulty.size > 0;
  }

  /** @internal Tells the application of what was thrown. */
  protected report(thrown: unknown): void {
    this.#driven?.report(thrown);
  }

  #fault(key: string, thrown: unknown): void {
    // While there is no other evaluator yet, what asks the old one fails too, through no fault of its own.
    if (this.#restarting) return;
    this.#restarting = true;
    this.#faulty.add(key);
    this.failed(new PennonError('evaluator', `Evaluating ${key} failed: ${String(thrown)}`, { cause: thrown }));
    this.#driven?.restart();
  }

  /** @internal */
  started(evaluator: Evaluator): void {
    this.#evaluator = evaluator;
    this.#flags = openFlags(evaluator);
    this.#applyContext();
  }

  #applyContext(): void {
    try {
      this.#flags?.setContext(this.context);
    } catch (thrown) {
      this.report(thrown);
    }
  }

  /** @internal WebAssembly cannot run here: the server answers. */
  answerBy(make: MakeAnswers): void {
    this.#answers = make(this.context, this);
  }

  /** @internal What explains is loaded. */
  explainBy(explain: Explain): void {
    this.#explain = explain;
  }

  /** @internal A head was accepted. `changed`: it brought another body. */
  opened(source: SnapshotSource, changed: boolean): void {
    // As wasm/src/acceptance.rs counts a head's fields.
    const field = (number: number): number => this.#evaluator?.number('head_field', number) ?? NaN;
    const head = { epoch: field(0), version: field(1), refreshBy: field(2) };
    this.#restarting = false;
    if (this.held?.version !== head.version || this.held.epoch !== head.epoch) this.#faulty.clear();
    if (changed) this.#flags?.snapshotChanged();
    this.accepted(head, source, changed ? 'snapshot' : undefined);
  }
}

/** Where programs run all the time. */
function run(make: () => Session): Driven {
  const session = make();
  void session.run();
  const later = (use: (following: Following) => void): void => void session.following().then((following) => following && use(following));
  return {
    restart: () => later((following) => void following.fault()),
    report: (thrown) => later((following) => following.report(thrown)),
  };
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
