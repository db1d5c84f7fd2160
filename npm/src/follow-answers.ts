// What goes on when the server's first answer is there; loaded apart from it.
import { backoffOf } from './backoff.js';
import type { PennonError } from './errors.js';
import type { FlagClientOptions } from './flag-client.js';
import { follow, type Followed, type FollowOptions } from './follow.js';
import { onOnline } from './network.js';
import { retryAfter } from './problems.js';
import type { Answer } from './transport.js';
import { wait } from './wait.js';

export { describe } from './problems.js';

export interface FollowAnswersOptions extends Pick<FollowOptions, 'transport' | 'closing'> {
  readonly given: FlagClientOptions;
}

/** Keeps up with the newest head, in a browser. */
export function followAnswers({ given, transport, closing }: FollowAnswersOptions, firstHead: Promise<Answer>, on: Followed): Promise<void> {
  return follow(
    { transport, closing, backoff: backoffOf(given), webSocket: given.webSocket ?? true, wait: (milliseconds) => wait(milliseconds, onOnline, closing) },
    firstHead,
    on,
  );
}

/** Attempts until it succeeds or the client is closed, after waits that grow, or that the server asked for. @param failure the latest */
export async function again({ given, closing }: FollowAnswersOptions, attempt: () => Promise<boolean>, failure: () => PennonError | undefined): Promise<void> {
  const backoff = backoffOf(given);
  do {
    const error = failure();
    const delay = error && retryAfter(error);
    if (delay !== undefined) backoff.serverAsked(delay);
    await wait(backoff.next(), onOnline, closing);
  } while (!closing.closed && !(await attempt()));
}
