// What pages load once they have flags, or have met something that keeps them from it.
import { NOTHING_IN_IT } from './browser-platform.js';
import { Following, type Means } from './following.js';
import { IndexedDbStorage } from './indexeddb.js';
import { onOnline } from './network.js';
import type { Session } from './session.js';
import { shareBetweenTabs, tabsCanShare } from './tabs.js';

/** @param loadAnswers for a page that may not run WebAssembly */
export function followInBrowser(session: Session, loadAnswers: NonNullable<Means['loadAnswers']>): Following {
  return new Following(session, {
    store: typeof indexedDB === 'undefined' ? undefined : () => new IndexedDbStorage(),
    share: tabsCanShare() ? shareBetweenTabs : undefined,
    onWake: onOnline,
    loadAnswers: wasmIsForbidden() ? loadAnswers : undefined,
  });
}

/** By the page's policy (`script-src` without `wasm-unsafe-eval`), or by the browser's own (lockdown mode). */
function wasmIsForbidden(): boolean {
  try {
    return !new WebAssembly.Module(NOTHING_IN_IT);
  } catch {
    return true;
  }
}
