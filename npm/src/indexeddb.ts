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
    const asked = await this.#transact('readonly', (snapshots, marks): IDBRequest<unknown>[] => [snapshots.get(name), marks.get(name)]);
    const [snapshot, highWater] = asked.map(({ result }) => result);
    return checkedStored({ snapshot, highWater });
  }

  save(name: string, snapshot: SnapshotFiles, highWater: Uint8Array): Promise<void> {
    return this.#transact('readwrite', (snapshots, marks) => {
      const held: IDBRequest<unknown> = marks.get(name);
      held.onsuccess = () => {
        if (held.result instanceof Uint8Array && isOlder(highWater, held.result)) return;
        marks.put(highWater, name);
        snapshots.put(snapshot, name);
      };
    });
  }

  drop(name: string, head: Uint8Array): Promise<void> {
    return this.#transact('readwrite', (snapshots) => {
      const held: IDBRequest<unknown> = snapshots.get(name);
      held.onsuccess = () => {
        const { snapshot } = checkedStored({ snapshot: held.result });
        if (snapshot && sameBytes(snapshot.head, head)) snapshots.delete(name);
      };
    });
  }

  forget(name: string): Promise<void> {
    return this.#transact('readwrite', (snapshots, marks) => {
      snapshots.delete(name);
      marks.delete(name);
    });
  }

  /** Resolves when everything that `use` asked for is done. */
  async #transact<Result>(mode: IDBTransactionMode, use: (snapshots: IDBObjectStore, marks: IDBObjectStore) => Result): Promise<Result> {
    const transaction = (await this.#open()).transaction([SNAPSHOTS, HIGH_WATER], mode);
    const result = use(transaction.objectStore(SNAPSHOTS), transaction.objectStore(HIGH_WATER));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(result);
      transaction.onabort = transaction.onerror = () => reject(failure('Using', transaction.error));
    });
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

function failure(doing: string, cause: DOMException | null): PennonError {
  const why = cause?.message ? `: ${cause.message}` : '';
  return new PennonError('storage', `${doing} the browser's database failed${why}; flags work, but not offline.`, { cause });
}
