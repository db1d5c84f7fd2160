import { MAX_TIMER_MS } from './limits.js';

/**
 * Resolves when the time is over, when there is reason to go on earlier, or on close.
 *
 * @param onWake calls back at such a reason (the network is back); answers how to stop that
 */
export function wait(milliseconds: number, onWake: ((wake: () => void) => () => void) | undefined, closed: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (closed.aborted) return resolve();
    const over = (): void => {
      clearTimeout(timer);
      stopWaking?.();
      closed.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, Math.min(milliseconds, MAX_TIMER_MS));
    const stopWaking = onWake?.(over);
    closed.addEventListener('abort', over);
  });
}
