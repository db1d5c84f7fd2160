import { loadStored } from './database.js';
import { startEvaluator } from './evaluator.js';
import { browserFetch } from './network.js';
import type { Platform } from './platform.js';

/** A WebAssembly module. */
export const NOTHING_IN_IT = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** What every entry point for browsers does alike. @param load gets the evaluator's bytes; the rest are parts that pages do not start with */
export function browserPlatform(load: () => Promise<BufferSource>, parts: Pick<Platform, 'loadFollowing' | 'verifyOtherwise'>): Platform {
  return {
    ...parts,
    fetch: browserFetch,
    async loadEvaluator(anew) {
      // Where none may run, the file is of no use.
      new WebAssembly.Module(NOTHING_IN_IT);
      return startEvaluator(async () => WebAssembly.compile(await load()), anew);
    },
    loadStored: typeof indexedDB === 'undefined' ? undefined : loadStored,
  };
}

/** Loads the file that lies there. */
export async function loadFile(file: string | URL): Promise<BufferSource> {
  const response = await fetch(file);
  if (!response.ok) throw new Error(`${response.status} for ${file}`);
  return response.arrayBuffer();
}
