import { PennonError } from './errors.js';
import { checkedStored, type Stored } from './storage.js';

const DATABASE = 'pennon';
const SNAPSHOTS = 'snapshots';
const HIGH_WATER = 'high-water';

let opening: Promise<IDBDatabase> | undefined;

/** Uses the database of this origin. Resolves when everything that `use` asked for is done. */
export async function transact<Result>(mode: IDBTransactionMode, use: (snapshots: IDBObjectStore, marks: IDBObjectStore) => Result): Promise<Result> {
  opening ??= open();
  const database = await opening.catch((thrown: unknown) => {
    // The next call tries again.
    opening = undefined;
    throw thrown;
  });
  const transaction = database.transaction([SNAPSHOTS, HIGH_WATER], mode);
  const result = use(transaction.objectStore(SNAPSHOTS), transaction.objectStore(HIGH_WATER));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(result);
    // As every error ends.
    transaction.onabort = () => reject(failure(transaction.error));
  });
}

export async function loadStored(name: string): Promise<Stored> {
  const asked = await transact('readonly', (...stores) => stores.map((store): IDBRequest<unknown> => store.get(name)));
  const [snapshot, highWater] = asked.map(({ result }) => result);
  return checkedStored({ snapshot, highWater });
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      for (const store of [SNAPSHOTS, HIGH_WATER]) request.result.createObjectStore(store);
    };
    request.onsuccess = () => {
      const database = request.result;
      const closed = (): void => (opening = undefined);
      // A later version of this package in another tab may need to upgrade: do not stand in its way.
      database.onversionchange = () => {
        database.close();
        closed();
      };
      database.onclose = closed;
      resolve(database);
    };
    request.onerror = request.onblocked = () => reject(failure(request.error));
  });
}

function failure(cause: DOMException | null): PennonError {
  return new PennonError('storage', `IndexedDB failed: ${cause?.message}`, { cause });
}
