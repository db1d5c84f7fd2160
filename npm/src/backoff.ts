import type { FlagClientOptions } from './flag-client.js';
import { BACKOFF_BASE_MS, BACKOFF_CAP_MS, MAX_SERVER_DELAY_MS } from './limits.js';

/**
 * Waits between attempts: full jitter, that is an even draw from zero to a bound that doubles from `baseMs` up to a cap.
 * The even draw spreads a crowd that lost the same server over the whole interval.
 */
export class Backoff {
  #failures = 0;
  #asked: number | undefined;
  #capMs: number;
  #windowMs: number | undefined;
  /** What the next wait is drawn from, after a stream that was open. */
  #spreadMs: number | undefined;
  readonly #baseMs: number;
  readonly #random: () => number;

  /** @param random even in [0, 1) */
  constructor(random: () => number, baseMs = BACKOFF_BASE_MS, capMs = BACKOFF_CAP_MS) {
    this.#random = random;
    this.#baseMs = baseMs;
    this.#capMs = capMs;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    if (this.#asked !== undefined) {
      const asked = this.#asked;
      this.#asked = undefined;
      // Not before the time that the server asked for, and not all of us at that time.
      return Math.round(asked + this.#random() * Math.max(asked, this.#baseMs));
    }
    if (this.#spreadMs !== undefined) {
      const spread = this.#spreadMs;
      this.#spreadMs = undefined;
      return Math.round(this.#random() * spread);
    }
    // The exponent is bounded because 2 ** 1024 is infinite.
    const bound = Math.min(this.#capMs, this.#baseMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return Math.round(this.#random() * bound);
  }

  /** An attempt came through. */
  succeeded(): void {
    this.#failures = 0;
  }

  /**
   * A stream that was open has ended: all who lost theirs with it come back spread over the time that the server set, in its goodbye or
   * before.
   */
  streamEnded(windowMs = this.#windowMs): void {
    if (windowMs !== undefined && windowMs >= 0) this.#spreadMs = Math.min(windowMs, MAX_SERVER_DELAY_MS);
  }

  /** The server said when to come back (`Retry-After`). Used once. */
  serverAsked(delayMs: number): void {
    if (delayMs >= 0) this.#asked = Math.min(delayMs, MAX_SERVER_DELAY_MS);
  }

  /**
   * The server set over how long its clients spread that lose their streams (`retry:`), which is the cap of every wait too. It cannot ask for
   * less than the first wait: that would be hammering.
   */
  serverSetWindow(windowMs: number): void {
    if (windowMs > 0) this.#capMs = this.#windowMs = Math.min(Math.max(windowMs, this.#baseMs), MAX_SERVER_DELAY_MS);
  }

  /** Milliseconds until the next of regular requests that all go well: an even draw around `everyMs`, or the cap if that is less. */
  steady(everyMs: number): number {
    return Math.round(Math.min(everyMs, this.#capMs) * (0.5 + this.#random()));
  }
}

/** As the application wants it. */
export function backoffOf({ random = Math.random, backoff }: FlagClientOptions): Backoff {
  return new Backoff(random, backoff?.baseMs, backoff?.capMs);
}
