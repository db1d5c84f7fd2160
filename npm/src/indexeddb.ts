import { PennonError } from './errors.js';
import { checkedStored, isOlder, sameBytes, type SnapshotFiles, type SnapshotStorage, type Stored } from './storage.js';

const DATABASE = 'pennon';
const SNAPSHOTS = 'snapshots';
const HIGH_WATER = 'high-water';

/**
 * Keeps snapshots in IndexedDB, shared by all tabs of an origin. Reading the mark and writing the snapshot are one
 * transaction, so that of two tabs the one that is behind never overwrites the one that is ahead.
 */
export class IndexedDbStorage implements SnapshotStorage {
  #database: Promise<IDBDatabase> | undefined;

  async load(name: string): Promise<Stored> {
    const transaction = (await this.#open()).transaction([SNAPSHOTS, HIGH_WATER], 'readonly');
    const snapshot: IDBRequest<unknown> = transaction.objectStore(SNAPSHOTS).get(name);
    const mark: IDBRequest<unknown> = transaction.objectStore(HIGH_WATER).get(name);
    await done(transaction);
    return checkedStored({ snapshot: snapshot.result, highWater: mark.result });
  }

  async save(name: string, snapshot: SnapshotFiles, highWater: Uint8Array): Promise<void> {
    const transaction = (await this.#open()).transaction([SNAPSHOTS, HIGH_WATER], 'readwrite');
    const marks = transaction.objectStore(HIGH_WATER);
    const held: IDBRequest<unknown> = marks.get(name);
    held.onsuccess = () => {
      if (held.result instanceof Uint8Array && isOlder(highWater, held.result)) return;
      marks.put(highWater, name);
      transaction.objectStore(SNAPSHOTS).put(snapshot, name);
    };
    await done(transaction);
  }

  async drop(name: string, head: Uint8Array): Promise<void> {
    const transaction = (await this.#open()).transaction([SNAPSHOTS], 'readwrite');
    const snapshots = transaction.objectStore(SNAPSHOTS);
    const held: IDBRequest<unknown> = snapshots.get(name);
    held.onsuccess = () => {
      const { snapshot } = checkedStored({ snapshot: held.result });
      if (snapshot && sameBytes(snapshot.head, head)) snapshots.delete(name);
    };
    await done(transaction);
  }

  async forget(name: string): Promise<void> {
    const transaction = (await this.#open()).transaction([SNAPSHOTS, HIGH_WATER], 'readwrite');
    transaction.objectStore(SNAPSHOTS).delete(name);
    transaction.objectStore(HIGH_WATER).delete(name);
    await done(transaction);
  }

  async #open(): Promise<IDBDatabase> {
    this.#database ??= open(() => (this.#database = undefined));
    try {
      return await this.#database;
    } catch (thrown) {
      // The next call tries again.
      this.#database = undefined;
      throw thrown;
    }
  }
}

/** @param onClosed the connection is of no use any more */
function open(onClosed: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(SNAPSHOTS);
      request.result.createObjectStore(HIGH_WATER);
    };
    request.onsuccess = () => {
      const database = request.result;
      // A later version of this package in another tab may need to upgrade: do not stand in its way.
      database.onversionchange = () => {
        database.close();
        onClosed();
      };
      database.onclose = onClosed;
      resolve(database);
    };
    request.onerror = () => reject(failure('Opening', request.error));
    request.onblocked = () => reject(failure('Opening', null));
  });
}

function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(failure('Using', transaction.error));
    transaction.onerror = () => reject(failure('Using', transaction.error));
  });
}

function failure(doing: string, cause: DOMException | null): PennonError {
  const why = cause?.message ? `: ${cause.message}` : '';
  return new PennonError('storage', `${doing} the browser's database failed${why}; flags work, but not offline.`, { cause });
}
