import type { ClientOptions } from './client.js';
import type { Connection } from './connection.js';
import type { Status } from './flag-client.js';
import { POLL_MS, REFRESH_TIMEOUT_MS } from './limits.js';
import type { Driven, Platform } from './platform.js';
import { ServerClient } from './server-client.js';
import type { Session } from './session.js';

/** The part of a Worker's `ctx` that is used. */
export interface RequestContext {
  waitUntil(promise: Promise<unknown>): void;
}

/**
 * A client for Workers, where everything that a request began ends with it: streams, timers, requests. So it does nothing by
 * itself, and may be made outside of any request; `during` keeps its flags up to date while requests come.
 */
export class WorkerClient extends ServerClient {
  readonly #make: () => Session;
  #session: Session | undefined;
  #dueAt = -Infinity;
  #refreshing = false;
  /** The evaluator has to be made anew. */
  #faulted = false;

  /** @internal Made by `createClient`. */
  constructor(connection: Connection, options: ClientOptions, platform: Platform) {
    let taken: (() => Session) | undefined;
    const drive = (make: () => Session): Driven => {
      taken = make;
      return {
        restart: () => this.#startAnew(),
        report: (thrown) => void (this.#session ??= make()).following().then((following) => following?.report(thrown)),
      };
    };
    super(connection, options, { ...platform, drive });
    this.#make = taken as unknown as () => Session;
  }

  /**
   * To be called and awaited in each request. Asks for newer flags if that was not done within five seconds, after the
   * response if there are flags already. Resolves as `ready()` does.
   */
  during(context: RequestContext): Promise<Status> {
    const now = performance.now();
    if (now >= this.#dueAt && !this.closing.closed) {
      // A refresh that did not end in time went with its request, half done: nothing of it is used again.
      if (this.#refreshing) this.#session = undefined;
      this.#refreshing = true;
      this.#dueAt = now + REFRESH_TIMEOUT_MS;
      const session = (this.#session ??= this.#make());
      const faulted = this.#faulted;
      this.#faulted = false;
      const refreshed = session
        .following()
        .then((following) => (faulted ? following?.fault() : following?.refresh()))
        .then(() => {
          if (session !== this.#session) return;
          this.#refreshing = false;
          this.#dueAt = now + POLL_MS;
        });
      context.waitUntil(refreshed);
    }
    return this.ready();
  }

  /** With the next request. */
  #startAnew(): void {
    this.#faulted = true;
    this.#dueAt = -Infinity;
  }

  override close(): void {
    super.close();
    if (!this.#refreshing) void this.#session?.following().then((following) => following?.free());
    this.#session = undefined;
  }
}
