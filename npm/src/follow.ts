import type { Backoff } from './backoff.js';
import { bytesFromBase64 } from './base64.js';
import type { Closing } from './closing.js';
import { PennonError, asPennonError } from './errors.js';
import { POLL_MS, STREAM_ABSENT_MS, STREAM_SILENCE_MS } from './limits.js';
import { ServerSentEventParser } from './sse.js';
import { retryAfter, type Transport } from './transport.js';

/** What following reports. None of them throws. */
export interface Followed {
  /**
   * A head arrived, by request or by stream. Resolves when it has been dealt with: to false when it could not be used and
   * it is worth asking again after a pause.
   */
  head(head: Uint8Array): Promise<boolean>;
  /** The stream opened, or ended. */
  connected(connected: boolean): void;
  failed(error: PennonError): void;
}

/** A stream that ended sooner than this counts as a failed attempt, so that a server that hangs up at once is not hammered. */
const STEADY_MS = 5_000;

/** How a server answers that has no stream at all, as an edge worker. */
const NO_STREAM = new Set([404, 405, 501]);

/**
 * Keeps up with the newest head until `closing`: asks for the head, then reads the stream; when that ends or fails, waits and
 * does both again. While streams fail, this is polling, at the pace of the back-off, and where there is none it is polling at
 * a steady pace. What keeps a stream from opening is reported once, not at each poll.
 *
 * @param firstHead a request for the head that is already under way, if there is one
 * @param wait resolves after the time given, or earlier when there is reason to try again (the network is back) or on close
 */
export async function follow(
  transport: Transport,
  backoff: Backoff,
  firstHead: Promise<Uint8Array> | undefined,
  wait: (milliseconds: number) => Promise<void>,
  closing: Closing,
  on: Followed,
): Promise<void> {
  let head: Promise<Uint8Array> | undefined = firstHead;
  let streamAgainAt = 0;
  let reported: PennonError | undefined;
  const connected = (open: boolean): void => {
    if (open) reported = undefined;
    on.connected(open);
  };
  const failed = (thrown: unknown): PennonError => {
    const delay = retryAfter(thrown);
    if (delay !== undefined) backoff.serverAsked(delay);
    return asPennonError(thrown, 'network', 'The connection to the server failed');
  };
  while (!closing.closed) {
    let polling = false;
    try {
      const good = await on.head(await (head ?? transport.head()));
      if (closing.closed) return;
      if (performance.now() >= streamAgainAt) {
        const error = await readStream(transport, backoff, closing, { ...on, connected }).then(() => undefined, failed);
        if (closing.closed) return;
        const absent = error?.status !== undefined && NO_STREAM.has(error.status);
        if (absent) streamAgainAt = performance.now() + STREAM_ABSENT_MS;
        if (error && (error.code !== reported?.code || error.message !== reported.message)) {
          reported = error;
          on.failed(absent ? noStream(error) : error);
        }
      }
      polling = good && performance.now() < streamAgainAt;
    } catch (thrown) {
      if (closing.closed) return;
      on.failed(failed(thrown));
    }
    head = undefined;
    if (polling) backoff.succeeded();
    await wait(polling ? backoff.steady(POLL_MS) : backoff.next());
  }
}

function noStream(error: PennonError): PennonError {
  const message = `The server has no stream of changes; it is asked for them every ${POLL_MS} ms or so instead.`;
  return new PennonError('no-stream', message, { status: error.status, cause: error });
}

/** Reads one stream to its end. Its end is not an error: servers restart, proxies cut connections. */
async function readStream(transport: Transport, backoff: Backoff, closing: Closing, on: Followed): Promise<void> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const stopListening = closing.onClose(end);
  let silent = false;
  const silence = (): void => {
    silent = true;
    end();
  };
  let timer = setTimeout(silence, STREAM_SILENCE_MS);
  let openedAt: number | undefined;
  let goodbye = false;
  try {
    const stream = await transport.stream(ended.signal);
    openedAt = performance.now();
    on.connected(true);
    const parser = new ServerSentEventParser({
      event({ event, data }) {
        if (event === 'head') {
          const head = bytesFromBase64(data);
          if (head) void on.head(head).then((good) => good || end());
          else on.failed(new PennonError('response', 'The stream sent a head that is not base64.'));
        } else if (event === 'goodbye') {
          goodbye = true;
          const delay = reconnectAfter(data);
          backoff.streamEnded(delay);
        }
        // Other events are for newer clients.
      },
      retry: (milliseconds) => backoff.serverSetWindow(milliseconds),
    });
    const reader = stream.getReader();
    try {
      while (!goodbye) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(timer);
        timer = setTimeout(silence, STREAM_SILENCE_MS);
        parser.push(value);
      }
    } finally {
      void reader.cancel().catch(() => undefined);
    }
  } catch (thrown) {
    if (silent) throw new PennonError('timeout', `The stream was silent for ${STREAM_SILENCE_MS} ms.`);
    // Ended from here, because of a head that has been reported.
    if (!ended.signal.aborted) throw thrown;
  } finally {
    clearTimeout(timer);
    stopListening();
    // Ends the request also where cancelling the reader does not.
    ended.abort();
    if (openedAt !== undefined) {
      if (performance.now() - openedAt >= STEADY_MS) backoff.succeeded();
      if (!goodbye) backoff.streamEnded();
      on.connected(false);
    }
  }
}

function reconnectAfter(data: string): number | undefined {
  try {
    const goodbye: unknown = JSON.parse(data);
    if (typeof goodbye !== 'object' || goodbye === null || !('reconnect_after_ms' in goodbye)) return undefined;
    return typeof goodbye.reconnect_after_ms === 'number' ? goodbye.reconnect_after_ms : undefined;
  } catch {
    return undefined;
  }
}
