import { asPennonError } from './errors.js';
import { startEvaluator } from './evaluator.js';
import { IndexedDbStorage } from './indexeddb.js';
import { browserFetch, onOnline } from './network.js';
import type { Platform } from './platform.js';
import { shareBetweenTabs, tabsCanShare } from './tabs.js';

/** A module without anything in it. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** What every entry point for browsers does alike; `load` and `loadEd25519` get the bytes of WebAssembly modules. */
export function browserPlatform(load: () => Promise<BufferSource>, loadEd25519: () => Promise<BufferSource>): Platform {
  return {
    fetch: browserFetch,
    onWake: onOnline,
    loadEvaluator: () => startEvaluator(async () => WebAssembly.compile(await load())),
    loadEd25519: async () => WebAssembly.compile(await loadEd25519()),
    loadAnswers: wasmIsForbidden() ? async () => (await import('./answers.js')).Answers : undefined,
    defaultStorage: () => (typeof indexedDB === 'undefined' ? undefined : new IndexedDbStorage()),
    share: tabsCanShare() ? shareBetweenTabs : undefined,
  };
}

/** Loads the file that lies there. */
export async function loadFile(file: string | URL): Promise<BufferSource> {
  const response = await fetch(file);
  if (!response.ok) throw asPennonError(`${response.status} for ${String(file)}`, 'evaluator', 'Loading the WebAssembly file failed');
  return response.arrayBuffer();
}

/** By the page's policy (`script-src` without `wasm-unsafe-eval`), or by the browser's own (lockdown mode). */
function wasmIsForbidden(): boolean {
  try {
    return !new WebAssembly.Module(EMPTY_MODULE);
  } catch {
    return true;
  }
}
