import type { Closing } from './closing.js';
import { PennonError } from './errors.js';

/** First and longest wait before a part is loaded again, in milliseconds. */
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/**
 * Loads a part of this package that pages do not start with, however often that fails: the network may be gone, or the file, since there
 * is a newer release of the page. Bundlers' own loaders ask again; a browser's modules that failed once do so until the page is loaded
 * again. Once also when it is closed already, for what is left to do then.
 */
export async function loadPart<Part>(load: () => Promise<Part>, closing: Closing, failed: (error: PennonError) => void): Promise<Part | undefined> {
  let most = FIRST_MS;
  do {
    try {
      return await load();
    } catch (thrown) {
      failed(new PennonError('part', `Loading a part of pennon failed: ${String(thrown)}`, { cause: thrown }));
    }
    await new Promise((resolve) => setTimeout(resolve, most * (0.5 + Math.random() / 2)));
    most = Math.min(most * 2, LONGEST_MS);
  } while (!closing.closed);
  return undefined;
}
