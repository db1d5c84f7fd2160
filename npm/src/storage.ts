import type { Connection } from './connection.js';
import { Failure } from './failure.js';
import { STORAGE_TIMEOUT_MS } from './limits.js';

/** A snapshot as it is delivered and stored: signed bytes only, nothing that would have to be believed. */
export interface SnapshotFiles {
  /** Keysets 1, 2, ... up to the one that the head names. */
  readonly keysets: readonly Uint8Array[];
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

/** What a store holds under one name. */
export interface Stored {
  readonly snapshot: SnapshotFiles | undefined;
  /**
   * The high-water mark in the evaluator's encoding, with a check behind it. Its fields are big-endian and in order of weight,
   * so that of two marks the higher one is also the greater byte string.
   */
  readonly highWater: Uint8Array | undefined;
}

/**
 * Where a client keeps its last good snapshot. Everything read from it is verified again, so it needs no protection
 * against change; but it has to keep the highest mark, also when several clients share it.
 */
export interface SnapshotStorage {
  load(name: string): Promise<Stored>;
  /** Stores both, unless the mark there is higher (see {@link isOlder}). */
  save(name: string, snapshot: SnapshotFiles, highWater: Uint8Array): Promise<void>;
  /**
   * Drops a snapshot that failed verification, if it is still the one with this head: another client may have stored a good
   * one meanwhile. The mark stays: it is what stops a replay.
   */
  drop(name: string, head: Uint8Array): Promise<void>;
  /** Drops everything under a name whose mark is damaged. */
  forget(name: string): Promise<void>;
}

/** The name under which a connection's snapshot is stored: marks are kept per root, environment and kind. */
export function storageName(connection: Connection): string {
  return `${connection.rootFingerprint}/${connection.environment}/${connection.kind}`;
}

/** Whether the mark `a` is below `b`. */
export function isOlder(a: Uint8Array, b: Uint8Array): boolean {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const difference = (a[at] as number) - (b[at] as number);
    if (difference !== 0) return difference < 0;
  }
  return a.length < b.length;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** What a store is asked for, in bounded time. */
export function inTime<Result>(work: Promise<Result>): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Failure('store', 'timeout')), STORAGE_TIMEOUT_MS);
  });
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}

/** What a store gave out, as far as it has the form: it may have been damaged, and the application may have written it. */
export function checkedStored(given: unknown): Stored {
  const { snapshot, highWater } = (given ?? {}) as Partial<Record<keyof Stored, unknown>>;
  const { keysets, head, body } = (snapshot ?? {}) as Partial<Record<keyof SnapshotFiles, unknown>>;
  const whole = Array.isArray(keysets) && [head, body, ...keysets].every((bytes) => bytes instanceof Uint8Array);
  return {
    snapshot: whole ? (snapshot as SnapshotFiles) : undefined,
    highWater: highWater instanceof Uint8Array ? highWater : undefined,
  };
}

/** Keeps snapshots in this process: several clients can share one, a restart forgets it. */
export class MemoryStorage implements SnapshotStorage {
  readonly #stored = new Map<string, Stored>();

  async load(name: string): Promise<Stored> {
    return this.#stored.get(name) ?? { snapshot: undefined, highWater: undefined };
  }

  async save(name: string, snapshot: SnapshotFiles, highWater: Uint8Array): Promise<void> {
    const held = this.#stored.get(name)?.highWater;
    if (!held || !isOlder(highWater, held)) this.#stored.set(name, { snapshot, highWater });
  }

  async drop(name: string, head: Uint8Array): Promise<void> {
    const held = this.#stored.get(name);
    if (held?.snapshot && sameBytes(held.snapshot.head, head)) this.#stored.set(name, { snapshot: undefined, highWater: held.highWater });
  }

  async forget(name: string): Promise<void> {
    this.#stored.delete(name);
  }
}
