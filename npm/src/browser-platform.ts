import { IndexedDbStorage } from './indexeddb.js';
import type { SnapshotStorage } from './storage.js';
import { shareBetweenTabs, tabsCanShare } from './tabs.js';

/** What every entry point for browsers does alike. */
export const browser = {
  defaultStorage: (): SnapshotStorage | undefined => (typeof indexedDB === 'undefined' ? undefined : new IndexedDbStorage()),

  // `no-cache`: a head from the browser's own cache may be minutes old. Bodies are named by their hash and may stay there.
  fetch: (url: string, init: RequestInit): Promise<Response> => fetch(url, url.includes('/v1/head/') ? { ...init, cache: 'no-cache' } : init),

  onWake(wake: () => void): () => void {
    addEventListener('online', wake);
    return () => removeEventListener('online', wake);
  },

  share: tabsCanShare() ? shareBetweenTabs : undefined,
};
