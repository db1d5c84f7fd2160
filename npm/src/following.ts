import { backoffOf, type Backoff } from './backoff.js';
import { hexFromBytes } from './base64.js';
import { PennonError } from './errors.js';
import { explain } from './explain.js';
import { follow } from './follow.js';
import { free } from './free.js';
import { Latest } from './latest.js';
import { MAX_BODY_BYTES, MAX_FAULTS, MAX_PUT_AWAY } from './limits.js';
import { checkable, checked } from './mark.js';
import { describe } from './problems.js';
import { loadPart } from './part.js';
import type { MakeAnswers } from './platform.js';
import type { Session, SessionOptions } from './session.js';
import { checkedStored, inTime, sameBytes, type SnapshotStorage, type Stored } from './storage.js';
import type { Share, TabMessage } from './tabs.js';
import type { Answer } from './transport.js';
import { sha256 } from './verify.js';
import { wait } from './wait.js';

/** What a platform has for who goes on. */
export interface Means {
  /** Where snapshots are kept unless the application says so. */
  readonly store?: (() => SnapshotStorage) | undefined;
  /** Where several clients can have one stream between them. */
  readonly share?: Share | undefined;
  /** Where the evaluator cannot run: loads what has the server evaluate. */
  readonly loadAnswers?: (() => Promise<(options: SessionOptions) => MakeAnswers>) | undefined;
  /** Calls back when a new attempt to connect is worth while: the network is back. Answers how to stop that. */
  readonly onWake?: ((wake: () => void) => () => void) | undefined;
}

/** How far a session came before. */
export interface Begun {
  readonly head: Promise<Answer>;
  readonly started: Promise<void>;
  /** With that head, unless there was a snapshot already. */
  readonly opened: Promise<void>;
}

/** Refusals of a head that say nothing against the server going on: what it sends later may be accepted. */
const PASSING = new Set(['older-version', 'expired', 'faulty-snapshot']);

/** A stored snapshot may be good all the same: there is no means to verify it, or it is a newer version of this package that wrote it. */
const NOT_ITS_FAULT = new Set(['verification-unavailable', 'evaluator-too-old', 'unknown-format']);

/** A head from the server, and whom to tell whether going on with that server makes sense. */
interface Received {
  readonly head: Uint8Array;
  readonly done: (good: boolean) => void;
}

/** Keeps a session's snapshot the newest, and the store; recovers from faults of the evaluator. Until closed. */
export class Following {
  readonly #session: Session;
  readonly #means: Means;
  readonly #storage: SnapshotStorage | undefined;
  readonly #backoff: Backoff;
  readonly #received = new Latest<Received>(
    (received) => this.#alone(() => this.#receive(received)),
    // A newer head has replaced it.
    (received) => received.done(true),
  );
  /** A head whose acceptance was a fault of the evaluator. */
  #fatal: Uint8Array | undefined;
  /** The evaluator has failed, and is replaced as soon as what it does is over. */
  #recovering = false;
  /** A delta was applied to a fault: from then on bodies are loaded whole. */
  #whole = false;
  #trappedInDelta = false;
  /** What was held at the start. */
  #saved: Promise<void> | undefined;
  /** What the session does, one after the other: an evaluator that is being replaced accepts nothing. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Over the snapshot held. */
  #faults = 0;
  /** What was held before it, with its mark. */
  #previous: Stored | undefined;
  /** Bodies that stopped the evaluator too often, by their SHA-256. */
  readonly #putAway = new Set<string>();
  /** Tells other clients, once this one follows the server for them. */
  #tell: ((message: TabMessage) => void) | undefined;
  #connected = false;
  /** The newest head that another client told of. */
  #newest: Uint8Array | undefined;

  constructor(session: Session, means: Means) {
    const { storage, given } = session.options;
    this.#session = session;
    session.on.explainBy(explain);
    this.#means = means;
    this.#storage = storage === false ? undefined : (storage ?? means.store?.());
    this.#backoff = backoffOf(given);
  }

  /** Goes on from what has begun; never rejects. */
  async run({ head, started, opened }: Begun): Promise<void> {
    const { loadAnswers } = this.#means;
    if (loadAnswers) {
      const { on, options } = this.#session;
      const answersFor = await loadPart(loadAnswers, options.closing, (error) => on.failed(error));
      if (answersFor && !options.closing.closed) on.answerBy(answersFor(options));
      return;
    }
    const { closing, transport } = this.#session.options;
    const refused = await this.#alone(async () => {
      await this.#started(started);
      // Also of a client that was closed as soon as it had flags: its next start may be offline.
      this.#saved = this.#save();
      return opened.then(() => undefined, (thrown: unknown) => ({ thrown }));
    });
    if (closing.closed) return this.#end();
    let next: Promise<Answer> | undefined = head;
    const delivered = refused && !this.#session.head && (await head.catch(() => undefined));
    if (delivered) {
      next = undefined;
      if (!(await this.#unaccepted(delivered.bytes, refused.thrown))) await this.#wait(this.#backoff.next());
    }
    const { share } = this.#means;
    if (share) {
      await share(`${this.#session.name}/${transport.connection.sdkKey}`, closing, {
        lead: (tell) => {
          this.#tell = tell;
          return this.#follow(next);
        },
        wait: () => {
          // It asks once by itself, since what it starts with may be old. By the time it follows, this head is old.
          void this.#ask(next);
          next = undefined;
        },
        hear: (message) => this.#hear(message),
      });
    } else await this.#follow(next);
    await this.#end();
  }

  /** Takes a head, after those before it. Answers false when it could not be used and it is worth asking again. */
  offer(head: Uint8Array): Promise<boolean> {
    return new Promise((done) => this.#received.offer({ head, done }));
  }

  /** Frees the evaluator: nothing uses it any more. */
  free(): void {
    const { accepting } = this.#session;
    this.#session.accepting = undefined;
    if (accepting) free(accepting.evaluator);
  }

  /** Tells the application of what was thrown elsewhere. */
  report(thrown: unknown): void {
    void this.#failed(thrown, 'evaluator', 'The evaluation failed');
  }

  /** Asks once for the newest head, and takes it: for where nothing runs by itself. Never rejects. */
  async refresh(): Promise<void> {
    const { transport } = this.#session.options;
    const head = transport.head();
    head.catch(() => undefined); // awaited below
    try {
      await this.#alone(async () => {
        await this.#session.start();
        await this.#tellUnusable();
      });
      await this.offer((await head).bytes);
    } catch (thrown) {
      await this.#failed(thrown, 'evaluator', 'Refreshing the flags failed');
    }
  }

  /**
   * A fault of the evaluator: goes on with one made anew, from what is stored or else from the server, since the one there is in no known
   * state; at the third time over one snapshot, with the one before it. Never rejects.
   */
  async fault(): Promise<void> {
    this.#recovering = true;
    await this.#again(() => this.#recover());
  }

  /** Has another evaluator, from the server where `restart` leaves it without a snapshot. */
  async #again(restart: () => Promise<void>): Promise<void> {
    await this.#alone(restart);
    if (!this.#session.head) await this.#ask();
  }

  async #recover(): Promise<void> {
    this.#recovering = false;
    const { head, body, name } = this.#session;
    this.#faults += 1;
    const given = this.#faults < MAX_FAULTS || !head || !body ? undefined : this.#previous;
    if (given && head && body) {
      this.#previous = undefined;
      this.#faults = 0;
      if (this.#putAway.size === MAX_PUT_AWAY) this.#putAway.clear();
      this.#putAway.add(hexFromBytes(body));
      this.#session.on.failed(new PennonError('faulty-snapshot', `A snapshot stopped the evaluator ${MAX_FAULTS} times; the one before it is used.`));
      await this.#stored((storage) => storage.drop(name, head));
    }
    await this.#restart(given);
  }

  async #restart(given?: Partial<Stored>): Promise<void> {
    await this.#saved;
    this.#session.accepting?.evaluator.module.renew();
    this.#session.reset();
    await this.#started(this.#session.start(given));
  }

  /** Does it when what was asked for before is done. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Resolves when the evaluator has started, however often that fails, or on close. */
  async #started(begun: Promise<void>): Promise<void> {
    const session = this.#session;
    for (let starting = begun; !session.options.closing.closed; ) {
      try {
        await starting;
        if (!(await this.#tellUnusable())) return;
        session.reset();
        // One of them was a fault of the evaluator: without any of them. What must not go back stays.
        starting = session.start({ highWater: await this.#mark() });
      } catch (thrown) {
        await this.#failed(thrown, 'evaluator', 'The WebAssembly evaluator did not start');
        await this.#wait(this.#backoff.next());
        starting = session.start();
      }
    }
  }

  /** What must not go back, as it is stored. */
  async #mark(): Promise<Uint8Array | undefined> {
    let mark: Uint8Array | undefined;
    await this.#stored(async (storage) => {
      const { highWater } = checkedStored(await storage.load(this.#session.name));
      mark = highWater && (await checked(highWater));
    });
    return mark;
  }

  /** What lay at hand and was not used, and what is to become of it in the store. Answers whether the evaluator suffered. */
  async #tellUnusable(): Promise<boolean> {
    const session = this.#session;
    let trapped = false;
    for (const { source, thrown, files } of session.unusable.splice(0)) {
      trapped ||= isTrap(thrown);
      const error = await this.#described(thrown, files ? 'evaluator' : 'storage', files ? `Reading the ${source} failed` : 'The snapshot store failed');
      if (source === 'bootstrap' && error.code === 'older-version' && session.head) continue;
      session.on.failed(error);
      if (source === 'cache' && files && !NOT_ITS_FAULT.has(error.code)) await this.#stored((storage) => storage.drop(session.name, files.head));
    }
    if (session.damaged) await this.#stored((storage) => storage.forget(session.name));
    session.damaged = false;
    return trapped;
  }

  /** Takes the head that was asked for, or asks; again as often as that fails, where nothing else would. */
  async #ask(asked?: Promise<Answer>): Promise<void> {
    const { closing, transport } = this.#session.options;
    for (let head = asked; !closing.closed; head = undefined) {
      try {
        if (await this.offer((await (head ?? transport.head())).bytes)) return;
      } catch (thrown) {
        await this.#failed(thrown, 'network', 'The connection to the server failed');
      }
      await this.#wait(this.#backoff.next());
    }
  }

  async #follow(firstHead: Promise<Answer> | undefined): Promise<void> {
    const { on, options } = this.#session;
    const { transport, given, closing } = options;
    const wait = (milliseconds: number): Promise<void> => this.#wait(milliseconds);
    await follow({ transport, backoff: this.#backoff, webSocket: given.webSocket ?? true, wait, closing }, firstHead, {
      head: (head) => this.offer(head),
      connected: (connected) => {
        this.#connected = connected;
        this.#tell?.({ connected });
        on.connected(connected);
      },
      failed: (error) => on.failed(error),
    });
  }

  /** Takes a head that another client has accepted already, as often as loading what belongs to it fails. */
  async #catchUp(head: Uint8Array): Promise<void> {
    this.#newest = head;
    while (!this.#session.options.closing.closed && this.#newest === head && !this.#tell && !(await this.offer(head))) await this.#wait(this.#backoff.next());
  }

  /** What the client says that follows the server for this one. Its heads are verified like any. */
  #hear(message: TabMessage): void {
    if (this.#tell) {
      if ('news' in message) this.#tell({ connected: this.#connected });
    } else if ('head' in message && message.head instanceof Uint8Array) void this.#catchUp(message.head);
    else if ('connected' in message) this.#session.on.connected(message.connected === true);
  }

  async #receive({ head, done }: Received): Promise<void> {
    const session = this.#session;
    const { closing, transport } = session.options;
    const isHead = (other: Uint8Array | undefined): boolean => other !== undefined && sameBytes(other, head);
    if (isHead(session.head)) session.on.confirmed();
    // What stopped the evaluator once stays out, whoever sends it again.
    if (closing.closed || isHead(session.head) || isHead(this.#fatal)) return done(true);
    let before: Stored | undefined;
    try {
      await session.accept(head, transport, 'network', async (wanted) => {
        if (this.#putAway.has(hexFromBytes(wanted))) throw new PennonError('faulty-snapshot', 'The delivered snapshot is refused: it has stopped the evaluator before.');
        before = this.#held();
        return before && this.#rebuilt(wanted);
      });
      if (before) {
        this.#previous = before;
        this.#faults = 0;
      }
      this.#tell?.({ head });
      await this.#save();
      done(true);
    } catch (thrown) {
      done(await this.#unaccepted(head, thrown));
    }
  }

  /** A head was not accepted. Answers whether going on with its server makes sense. */
  async #unaccepted(head: Uint8Array, thrown: unknown): Promise<boolean> {
    if (isTrap(thrown)) {
      // Of a delta, or since the evaluator had failed before: the same snapshot may well be sound.
      const isSound = this.#trappedInDelta || this.#recovering;
      this.#trappedInDelta = false;
      if (!isSound) this.#fatal = head;
      const restarted = this.#recovering ? Promise.resolve() : this.#again(() => this.#restart());
      void restarted.then(() => (isSound ? this.#ask() : undefined));
    }
    const { code } = await this.#failed(thrown, 'evaluator', 'Accepting a snapshot failed');
    return PASSING.has(code);
  }

  /** What is held, to go back to; nothing before the first. */
  #held(): Stored | undefined {
    const { accepting, head } = this.#session;
    if (!accepting || !head) return undefined;
    const { evaluator, keysets } = accepting;
    return { snapshot: { keysets: [...keysets], head, body: evaluator.bytes('body') }, highWater: evaluator.bytes('high_water') };
  }

  /**
   * The wanted body, made of the one held and a delta. None where there is no delta or it leads elsewhere, whatever the reason: the whole
   * body is fetched then, once, and what is wrong with the connection shows there.
   */
  async #rebuilt(wanted: Uint8Array): Promise<Uint8Array | undefined> {
    const { accepting, body: held, options } = this.#session;
    if (this.#whole || !accepting || !held) return undefined;
    const { transport } = options;
    try {
      const { bytes } = await transport.load(`/v1/delta/${hexFromBytes(held)}/${hexFromBytes(wanted)}`, MAX_BODY_BYTES[transport.connection.kind]);
      if (!accepting.evaluator.give('apply_delta', [bytes])) return undefined;
      const body = accepting.evaluator.module.taken();
      return sameBytes(await sha256(body), wanted) ? body : undefined;
    } catch (thrown) {
      if (!isTrap(thrown)) return undefined;
      this.#whole = this.#trappedInDelta = true;
      throw thrown;
    }
  }

  /** Stores what is held, unless it lies there. */
  async #save(): Promise<void> {
    const session = this.#session;
    if (!session.unsaved) return;
    session.unsaved = false;
    // Read before anything is awaited: the next snapshot may be accepted meanwhile.
    await this.#stored(async (storage) => {
      const held = this.#held();
      if (held?.snapshot && held.highWater) await storage.save(session.name, held.snapshot, await checkable(held.highWater));
    });
  }

  /** Uses the store, in bounded time; flags work without it, so its failure is an event and no more. */
  async #stored(use: (storage: SnapshotStorage) => Promise<void>): Promise<void> {
    try {
      if (this.#storage) await inTime(use(this.#storage));
    } catch (thrown) {
      await this.#failed(thrown, 'storage', 'The snapshot store failed');
    }
  }

  async #failed(thrown: unknown, code: string, doing: string): Promise<PennonError> {
    const error = await this.#described(thrown, code, doing);
    if (!this.#session.options.closing.closed) this.#session.on.failed(error);
    return error;
  }

  #described(thrown: unknown, code: string, doing: string): Promise<PennonError> {
    return describe(thrown, code, doing, this.#session.accepting?.evaluator.module);
  }

  #wait(milliseconds: number): Promise<void> {
    return wait(milliseconds, this.#means.onWake, this.#session.options.closing);
  }

  /** Frees the evaluator once nothing uses it any more. */
  async #end(): Promise<void> {
    await this.#alone(async () => this.free());
  }
}

/** Whether the evaluator stopped in the middle of something. */
function isTrap(thrown: unknown): boolean {
  return thrown instanceof WebAssembly.RuntimeError;
}
