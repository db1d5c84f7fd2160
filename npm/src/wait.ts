import type { Closing } from './closing.js';
import { MAX_TIMER_MS } from './limits.js';

/**
 * Resolves when the time is over, when there is reason to go on earlier, or on close.
 *
 * @param onWake calls back at such a reason (the network is back); answers how to stop that
 */
export function wait(milliseconds: number, onWake: ((wake: () => void) => () => void) | undefined, closing: Closing): Promise<void> {
  return new Promise((resolve) => {
    if (closing.closed) return resolve();
    const over = (): void => {
      clearTimeout(timer);
      stopWaking?.();
      stopListening();
      resolve();
    };
    const timer = setTimeout(over, Math.min(milliseconds, MAX_TIMER_MS));
    const stopWaking = onWake?.(over);
    const stopListening = closing.onClose(over);
  });
}
