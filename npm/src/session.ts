import { accept, type Accepting, type SnapshotParts } from './acceptance.js';
import { bytesFromBase64, bytesFromHex } from './base64.js';
import type { Closing } from './closing.js';
import type { SnapshotSource, PennonError } from './errors.js';
import { createEvaluator, type Evaluator } from './evaluator.js';
import type { Explain } from './explain.js';
import { Failure } from './failure.js';
import type { FlagClientOptions } from './flag-client.js';
import type { Following } from './following.js';
import { checked } from './mark.js';
import { loadPart } from './part.js';
import type { MakeAnswers, Platform } from './platform.js';
import { checkedStored, inTime, sameBytes, storageName, type SnapshotFiles, type SnapshotStorage, type Stored } from './storage.js';
import type { Transport } from './transport.js';

/** What a session reports to its client. */
export interface SessionEvents {
  /** The evaluator is there, still without a snapshot. */
  started(evaluator: Evaluator): void;
  /** The evaluator cannot run here: the server answers. */
  answerBy(make: MakeAnswers): void;
  /** What explains is there. */
  explainBy(explain: Explain): void;
  /** A head was accepted. `changed`: it brought another body. */
  opened(source: SnapshotSource, changed: boolean): void;
  /** The server's newest head is the one held. */
  confirmed(): void;
  connected(connected: boolean): void;
  failed(error: PennonError): void;
}

export interface SessionOptions {
  readonly platform: Platform;
  readonly transport: Transport;
  /** Instead of the platform's own store; `false` for none. */
  readonly storage: SnapshotStorage | false | undefined;
  readonly bootstrap: SnapshotFiles | undefined;
  readonly given: FlagClientOptions;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly closing: Closing;
}

/** What lay at hand, and could not be used. */
export interface Unusable {
  readonly source: 'cache' | 'bootstrap';
  readonly thrown: unknown;
  /** None where reading the store failed. */
  readonly files?: SnapshotFiles;
}

/**
 * One client's way from connection string to an opened snapshot: store, bootstrap, then the server. It reports nothing that fails: what
 * goes on from there, and tries again, is `following.ts`, which is loaded when the first flags are there.
 */
export class Session {
  declare readonly options: SessionOptions;
  declare readonly on: SessionEvents;
  declare readonly name: string;
  /** The evaluator in use, and what belongs to it. */
  accepting: Accepting | undefined;
  head: Uint8Array | undefined;
  /** The SHA-256 of its body. */
  body: Uint8Array | undefined;
  /** What is held is not in the store. */
  unsaved = false;
  /** The store's mark is damaged, and all of it has to go. */
  damaged = false;
  unusable: Unusable[] = [];
  #following: Promise<Following | undefined> | undefined;
  /** The evaluator's module has to be started anew. */
  #again = false;

  constructor(options: SessionOptions, on: SessionEvents) {
    this.options = options;
    this.on = on;
    this.name = storageName(options.transport.connection);
  }

  /** Runs until closed; never rejects. */
  async run(): Promise<void> {
    const started = this.start();
    // The first request is on its way while the module is compiled and the store is read; but what came along is there before it.
    if (this.options.bootstrap) await started.catch(() => undefined);
    const head = this.options.transport.head();
    head.catch(() => undefined); // awaited below, or by `following`
    const opened = started.then(async () => {
      if (!this.head) await this.accept((await head).bytes, this.options.transport, 'network');
    });
    await opened.catch(() => undefined);
    // What failed it tells.
    await (await this.following())?.run({ head, started, opened });
  }

  /** What goes on, also with what closing leaves to do. None when that could not be loaded until then. */
  following(): Promise<Following | undefined> {
    const { platform, closing } = this.options;
    return (this.#following ??= loadPart(
      () => platform.loadFollowing(),
      closing,
      (error) => this.on.failed(error),
    ).then((follow) => follow?.(this)));
  }

  /** Has the evaluator, and what the store and the page hold, or instead of both what is `given`; once. */
  async start(given?: Partial<Stored>): Promise<void> {
    if (this.accepting) return;
    const { platform, closing, transport } = this.options;
    const bootstrap = given ? undefined : this.options.bootstrap;
    const { rootFingerprint, environment, kind } = transport.connection;
    const [module, { snapshot, highWater }] = await Promise.all([platform.loadEvaluator(this.#again), given ?? this.#load()]);
    if (closing.closed) return;
    this.#again = false;
    // The connection string was checked to be of these forms.
    const evaluator = createEvaluator(module, bytesFromBase64(rootFingerprint), bytesFromHex(environment), kind === 'server', highWater);
    this.accepting = { evaluator, keysets: [], verifyOtherwise: platform.verifyOtherwise };
    this.on.started(evaluator);
    if (snapshot) await this.#restore(snapshot, 'cache');
    // What came with the page may well be what the store holds, or older.
    if (bootstrap && !closing.closed && !(this.head && sameBytes(this.head, bootstrap.head))) await this.#restore(bootstrap, 'bootstrap');
  }

  /** Has neither evaluator nor snapshot from now on: they are in no known state. */
  reset(): void {
    this.accepting = this.head = this.body = undefined;
    this.#again = true;
  }

  /** Takes a head with what belongs to it. @param rebuild as for `accept` of acceptance.ts */
  async accept(head: Uint8Array, parts: SnapshotParts, source: SnapshotSource, rebuild?: Parameters<typeof accept>[5]): Promise<void> {
    const { now, closing } = this.options;
    if (!this.accepting || closing.closed) return;
    const changed = await accept(this.accepting, head, parts, source, now(), rebuild);
    this.head = head;
    this.body = this.accepting.evaluator.bytes('held_body_sha256');
    this.unsaved ||= source !== 'cache';
    if (!closing.closed) this.on.opened(source, changed);
  }

  /** Files at hand go through the same acceptance as delivered ones. */
  async #restore(files: SnapshotFiles, source: 'cache' | 'bootstrap'): Promise<void> {
    const parts: SnapshotParts = {
      body: async () => files.body,
      async keyset(number) {
        const keyset = files.keysets[number - 1];
        if (keyset) return keyset;
        throw new Failure(source, { needed: number });
      },
    };
    try {
      await this.accept(files.head, parts, source);
    } catch (thrown) {
      this.unusable.push({ source, thrown, files });
      if (thrown instanceof WebAssembly.RuntimeError) this.reset();
    }
  }

  async #load(): Promise<Partial<Stored>> {
    const { storage, platform } = this.options;
    try {
      const load = storage ? storage.load(this.name) : storage !== false && platform.loadStored?.(this.name);
      if (!load) return {};
      const { snapshot, highWater: whole } = checkedStored(await inTime(load));
      const highWater = whole && (await checked(whole));
      // A damaged mark protects nothing, and would keep every snapshot from being stored.
      if (whole && !highWater) this.unsaved = this.damaged = true;
      return { snapshot, highWater };
    } catch (thrown) {
      this.unusable.push({ source: 'cache', thrown });
      return {};
    }
  }
}
