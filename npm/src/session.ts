import { Acceptance, partsOf, type SnapshotParts } from './acceptance.js';
import type { Backoff } from './backoff.js';
import { bytesFromBase64, bytesFromHex } from './base64.js';
import type { Closing } from './closing.js';
import type { Connection } from './connection.js';
import { PennonError, asPennonError, type SnapshotSource } from './errors.js';
import { follow } from './follow.js';
import type { Evaluator } from './evaluator.js';
import { Latest } from './latest.js';
import { STORAGE_TIMEOUT_MS } from './limits.js';
import { checkable, checked } from './mark.js';
import type { Platform } from './platform.js';
import { checkedStored, sameBytes, storageName, type SnapshotFiles, type SnapshotStorage, type Stored } from './storage.js';
import type { TabMessage } from './tabs.js';
import { Transport } from './transport.js';
import { wait } from './wait.js';

/** What a session reports to its client. */
export interface SessionEvents {
  /** The evaluator is there, still without a snapshot. */
  started(evaluator: Evaluator): void;
  /** A head was accepted. `changed`: it brought another body. */
  accepted(source: SnapshotSource, changed: boolean): void;
  /** The server's newest head is the one held. */
  confirmed(): void;
  connected(connected: boolean): void;
  failed(error: PennonError): void;
}

export interface SessionOptions {
  readonly connection: Connection;
  readonly platform: Platform;
  readonly transport: Transport;
  readonly storage: SnapshotStorage | undefined;
  readonly bootstrap: SnapshotFiles | undefined;
  readonly backoff: Backoff;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly closing: Closing;
}

/** Refusals of a head that say nothing against the server going on: what it sends later may be accepted. */
const PASSING = new Set(['older-version', 'expired']);

/** A stored snapshot may be good all the same: there is no means to verify it, or it is a newer version of this package that wrote it. */
const NOT_ITS_FAULT = new Set(['verification-unavailable', 'evaluator-too-old', 'unknown-format']);

/** A head from the server, and whom to tell whether going on with that server makes sense. */
interface Received {
  readonly head: Uint8Array;
  readonly done: (good: boolean) => void;
}

/** One client's way from connection string to opened snapshots: store, bootstrap, then the server, until closed. */
export class Session {
  readonly #options: SessionOptions;
  readonly #on: SessionEvents;
  readonly #received = new Latest<Received>(
    (received) => this.#receive(received),
    // A newer head has replaced it.
    (received) => received.done(true),
  );
  readonly #name: string;
  #acceptance: Acceptance | undefined;
  #evaluator: Evaluator | undefined;
  #head: Uint8Array | undefined;
  /** A head whose acceptance was a fault of the evaluator. */
  #fatal: Uint8Array | undefined;
  /** Tells other clients, once this one follows the server for them. */
  #tell: ((message: TabMessage) => void) | undefined;
  #connected = false;
  /** What was stored is dropped there, and has to be stored again. */
  #forgotten = false;
  /** The newest head that another client told of. */
  #newest: Uint8Array | undefined;

  constructor(options: SessionOptions, on: SessionEvents) {
    this.#options = options;
    this.#on = on;
    this.#name = storageName(options.connection);
  }

  /** Runs until closed; never rejects. */
  async run(): Promise<void> {
    const { closing, transport } = this.#options;
    // The first request is on its way while the module is compiled and the store is read.
    const firstHead = transport.head();
    firstHead.catch(() => undefined); // `follow` awaits it later and reports
    await this.#started();
    if (closing.closed) return;
    const { share } = this.#options.platform;
    if (!share) return this.#follow(firstHead);
    let head: Promise<Uint8Array> | undefined = firstHead;
    await share(`${this.#name}/${this.#options.connection.sdkKey}`, closing, {
      lead: (tell) => {
        this.#tell = tell;
        return this.#follow(head);
      },
      wait: () => {
        // It asks once by itself, since what it starts with may be old. By the time it follows, this head is old.
        head = undefined;
        void this.#ask(firstHead);
      },
      hear: (message) => this.#hear(message),
    });
  }

  /**
   * Goes on with an evaluator made anew, from what is stored or else from the server: a fault leaves the one there in no known
   * state. Never rejects.
   */
  async restart(): Promise<void> {
    await this.#received.idle();
    this.#evaluator = this.#acceptance = this.#head = undefined;
    await this.#started();
    if (!this.#head) await this.#ask(this.#options.transport.head());
  }

  /** Resolves when the evaluator has started, however often that fails, or on close. */
  async #started(): Promise<void> {
    const { backoff, closing } = this.#options;
    while (!this.#evaluator && !closing.closed) {
      try {
        await this.start();
      } catch (thrown) {
        if (!closing.closed) this.#on.failed(asPennonError(thrown, 'evaluator', 'The WebAssembly evaluator did not start'));
        await this.#wait(backoff.next());
      }
    }
  }

  /** Takes the head that is asked for; asks again as often as that fails, where nothing else would. */
  async #ask(head: Promise<Uint8Array>): Promise<void> {
    const { backoff, closing, transport } = this.#options;
    while (!closing.closed) {
      try {
        if (await this.offer(await head)) return;
      } catch (thrown) {
        if (!closing.closed) this.#on.failed(asPennonError(thrown, 'network', 'The connection to the server failed'));
      }
      await this.#wait(backoff.next());
      head = transport.head();
    }
  }

  async #follow(firstHead: Promise<Uint8Array> | undefined): Promise<void> {
    const { backoff, closing, transport } = this.#options;
    await follow(transport, backoff, firstHead, (milliseconds) => this.#wait(milliseconds), closing, {
      head: (head) => this.offer(head),
      connected: (connected) => {
        this.#connected = connected;
        this.#tell?.({ connected });
        this.#on.connected(connected);
      },
      failed: (error) => this.#on.failed(error),
    });
  }

  /** Takes a head that another client has accepted already, as often as loading what belongs to it fails. */
  async #catchUp(head: Uint8Array): Promise<void> {
    const { backoff, closing } = this.#options;
    this.#newest = head;
    while (!closing.closed && this.#newest === head && !this.#tell && !(await this.offer(head))) await this.#wait(backoff.next());
  }

  /** Takes a head, after those before it. Answers false when it could not be used and it is worth asking again. */
  offer(head: Uint8Array): Promise<boolean> {
    return new Promise((done) => this.#received.offer({ head, done }));
  }

  /** What the client says that follows the server for this one. Its heads are verified like any. */
  #hear(message: TabMessage): void {
    if (this.#tell) {
      if ('news' in message) this.#tell({ connected: this.#connected });
    } else if ('head' in message && message.head instanceof Uint8Array) void this.#catchUp(message.head);
    else if ('connected' in message) this.#on.connected(message.connected === true);
  }

  /** Frees the evaluator once nothing uses it any more. Call after `run` is over. */
  async end(): Promise<void> {
    await this.#received.idle();
    this.#evaluator?.free();
    this.#evaluator = undefined;
  }

  /** Has the evaluator, and what the store and the page hold; once. */
  async start(): Promise<void> {
    if (this.#evaluator) return;
    const { connection, platform, bootstrap, closing } = this.#options;
    const [module, stored] = await Promise.all([platform.loadEvaluator(), this.#load()]);
    if (closing.closed) return;
    const root = bytesFromBase64(connection.rootFingerprint) ?? new Uint8Array();
    const environment = bytesFromHex(connection.environment);
    const server = connection.kind === 'server';
    const evaluator =
      module.create(root, environment, server, stored.highWater ?? new Uint8Array()) ??
      // A mark in the form of another version of this package says nothing.
      module.create(root, environment, server, new Uint8Array());
    if (!evaluator) throw new PennonError('connection-string', 'The connection string cannot be used; copy the whole string again.');
    this.#evaluator = evaluator;
    this.#acceptance = new Acceptance(module, evaluator, platform.loadEd25519);
    this.#on.started(evaluator);
    if (stored.snapshot) await this.#restore(stored.snapshot, 'cache');
    // What came with the page may well be what the store holds, or older.
    const known = this.#head !== undefined && bootstrap !== undefined && sameBytes(this.#head, bootstrap.head);
    if (bootstrap && !known && !closing.closed) await this.#restore(bootstrap, 'bootstrap');
  }

  /** Files at hand go through the same acceptance as delivered ones. */
  async #restore(files: SnapshotFiles, source: 'cache' | 'bootstrap'): Promise<void> {
    try {
      await this.#accept(files.head, partsOf(files, source), source);
    } catch (thrown) {
      const error = asPennonError(thrown, 'evaluator', `Reading the ${source} failed`);
      if (source === 'bootstrap' && error.code === 'older-version' && this.#head) return;
      this.#on.failed(error);
      if (source === 'cache' && !NOT_ITS_FAULT.has(error.code)) await this.#stored((storage) => storage.drop(this.#name, files.head), undefined);
    }
  }

  async #receive({ head, done }: Received): Promise<void> {
    if (this.#options.closing.closed) return done(true);
    if (this.#head && sameBytes(this.#head, head)) {
      this.#on.confirmed();
      return done(true);
    }
    // It is what stopped the evaluator once: whoever sends it again, it stays out.
    if (this.#fatal && sameBytes(this.#fatal, head)) return done(true);
    try {
      await this.#accept(head, this.#options.transport, 'network');
      this.#tell?.({ head });
      done(true);
    } catch (thrown) {
      if (thrown instanceof WebAssembly.RuntimeError) {
        this.#fatal = head;
        void this.restart();
      }
      const error = asPennonError(thrown, 'evaluator', 'Accepting a snapshot failed');
      if (!this.#options.closing.closed) this.#on.failed(error);
      done(PASSING.has(error.code));
    }
  }

  async #accept(head: Uint8Array, parts: SnapshotParts, source: SnapshotSource): Promise<void> {
    const { now, closing } = this.#options;
    const [acceptance, evaluator] = [this.#acceptance, this.#evaluator];
    if (!acceptance || !evaluator) return;
    const changed = await acceptance.accept(head, parts, source, now());
    this.#head = head;
    if (closing.closed) return;
    this.#on.accepted(source, changed);
    if (source === 'cache' && !this.#forgotten) return;
    this.#forgotten = false;
    // Read before anything is awaited: the next snapshot may be accepted meanwhile.
    await this.#stored((storage) => {
      const files = { keysets: [...acceptance.keysets], head, body: evaluator.body() };
      const highWater = evaluator.highWater();
      return checkable(highWater).then((mark) => storage.save(this.#name, files, mark));
    }, undefined);
  }

  #load(): Promise<Stored> {
    return this.#stored<Stored>(
      async (storage) => {
        const { snapshot, highWater: whole } = checkedStored(await storage.load(this.#name));
        const highWater = whole && (await checked(whole));
        // A damaged mark protects nothing, and would keep every snapshot from being stored.
        if (whole && !highWater) {
          await storage.forget(this.#name);
          this.#forgotten = true;
        }
        return { snapshot, highWater };
      },
      { snapshot: undefined, highWater: undefined },
    );
  }

  /** Uses the store, in bounded time; flags work without it, so its failure is an event and no more. */
  async #stored<Result>(use: (storage: SnapshotStorage) => Promise<Result>, otherwise: Result): Promise<Result> {
    const { storage } = this.#options;
    if (!storage) return otherwise;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const timeout = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new PennonError('storage', `The snapshot store did not answer within ${STORAGE_TIMEOUT_MS} ms.`)),
          STORAGE_TIMEOUT_MS,
        );
      });
      return await Promise.race([use(storage), timeout]);
    } catch (thrown) {
      if (!this.#options.closing.closed) this.#on.failed(asPennonError(thrown, 'storage', 'The snapshot store failed'));
      return otherwise;
    } finally {
      clearTimeout(timer);
    }
  }

  #wait(milliseconds: number): Promise<void> {
    const { platform, closing } = this.#options;
    return wait(milliseconds, platform.onWake, closing);
  }
}
