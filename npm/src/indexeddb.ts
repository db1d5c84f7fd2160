import { loadStored, transact } from './database.js';
import { checkedStored, isOlder, sameBytes, type SnapshotFiles, type SnapshotStorage, type Stored } from './storage.js';

/**
 * Keeps snapshots in IndexedDB, shared by all tabs of an origin. Reading the mark and writing the snapshot are one
 * transaction, so that of two tabs the one that is behind never overwrites the one that is ahead.
 */
export class IndexedDbStorage implements SnapshotStorage {
  load(name: string): Promise<Stored> {
    return loadStored(name);
  }

  save(name: string, snapshot: SnapshotFiles, highWater: Uint8Array): Promise<void> {
    return transact('readwrite', (snapshots, marks) => {
      const held: IDBRequest<unknown> = marks.get(name);
      held.onsuccess = () => {
        if (held.result instanceof Uint8Array && isOlder(highWater, held.result)) return;
        marks.put(highWater, name);
        snapshots.put(snapshot, name);
      };
    });
  }

  drop(name: string, head: Uint8Array): Promise<void> {
    return transact('readwrite', (snapshots) => {
      const held: IDBRequest<unknown> = snapshots.get(name);
      held.onsuccess = () => {
        const { snapshot } = checkedStored({ snapshot: held.result });
        if (snapshot && sameBytes(snapshot.head, head)) snapshots.delete(name);
      };
    });
  }

  forget(name: string): Promise<void> {
    return transact('readwrite', (snapshots, marks) => {
      snapshots.delete(name);
      marks.delete(name);
    });
  }
}
