import { Backoff } from './backoff.js';
import { bytesFromBase64 } from './base64.js';
import type { Closing } from './closing.js';
import { PennonError } from './errors.js';
import { POLL_MS, STREAM_ABSENT_MS, STREAM_SILENCE_MS } from './limits.js';
import { describe, retryAfter } from './problems.js';
import { ServerSentEventParser } from './sse.js';
import { offersSocket, readEvents, readSocket, type ReadStream } from './stream.js';
import type { Answer, Transport } from './transport.js';

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

export interface FollowOptions {
  readonly transport: Transport;
  readonly backoff: Backoff;
  /** Whether a WebSocket is taken where the server offers one. */
  readonly webSocket: boolean;
  /** Resolves after the time given, or earlier when there is reason to try again (the network is back) or on close. */
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly closing: Closing;
}

/** A stream that ended sooner than this counts as a failed attempt, so that a server that hangs up at once is not hammered. */
const STEADY_MS = 5_000;

/** How a server answers that has no stream at all. */
const NO_STREAM = new Set([404, 405, 501]);

/**
 * Keeps up with the newest head until `closing`: asks for the head, then reads the stream; when that ends or fails, waits and
 * does both again. While streams fail, this is polling, at the pace of the back-off, and where there is none it is polling at
 * a steady pace. What keeps a stream from opening is reported once, not at each poll.
 *
 * @param firstHead a request for the head that is already under way, if there is one
 */
export async function follow(options: FollowOptions, firstHead: Promise<Answer> | undefined, on: Followed): Promise<void> {
  const { transport, backoff, webSocket, wait, closing } = options;
  let next = firstHead;
  let streamAgainAt = 0;
  let socketAgainAt = 0;
  let reported: PennonError | undefined;
  const streaming: Followed = {
    ...on,
    connected(open) {
      if (open) reported = undefined;
      on.connected(open);
    },
  };
  const failed = async (thrown: unknown): Promise<PennonError> => {
    const error = await describe(thrown, 'network', 'The connection to the server failed');
    const delay = retryAfter(error);
    if (delay !== undefined) backoff.serverAsked(delay);
    return error;
  };
  while (!closing.closed) {
    let polling = false;
    try {
      const { bytes, response } = await (next ?? transport.head());
      const good = await on.head(bytes);
      if (closing.closed) return;
      if (performance.now() >= streamAgainAt) {
        const read = (by: ReadStream): Promise<PennonError | undefined> => readStream(by, options, streaming).then(() => undefined, failed);
        let error: PennonError | undefined;
        const bySocket = webSocket && performance.now() >= socketAgainAt && offersSocket(response.headers, transport);
        // What lies between may let none through: then it is server-sent events for a while.
        if (bySocket && (error = await read(readSocket))) socketAgainAt = performance.now() + STREAM_ABSENT_MS;
        if (!closing.closed && (!bySocket || error)) error = await read(readEvents);
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
      on.failed(await failed(thrown));
    }
    next = undefined;
    if (polling) backoff.succeeded();
    await wait(polling ? backoff.steady(POLL_MS) : backoff.next());
  }
}

function noStream(error: PennonError): PennonError {
  const message = `The server has no stream of changes; it is asked for them every ${POLL_MS} ms or so instead.`;
  return new PennonError('no-stream', message, { status: error.status, cause: error });
}

/** Reads one stream to its end. Its end is not an error: servers restart, proxies cut connections. */
async function readStream(read: ReadStream, { transport, backoff, closing }: FollowOptions, on: Followed): Promise<void> {
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
  const parser = new ServerSentEventParser({
    event({ event, data }) {
      if (event === 'head') {
        let head;
        try {
          head = bytesFromBase64(data);
        } catch {
          return on.failed(new PennonError('response', 'The stream sent a head that is not base64.'));
        }
        void on.head(head).then((good) => good || end());
      } else if (event === 'goodbye') {
        goodbye = true;
        backoff.streamEnded(reconnectAfter(data));
        end();
      }
      // Other events are for newer clients.
    },
    retry: (milliseconds) => backoff.serverSetWindow(milliseconds),
  });
  let fault: unknown;
  try {
    await read(transport, ended.signal, {
      opened() {
        openedAt = performance.now();
        on.connected(true);
      },
      frames(part) {
        clearTimeout(timer);
        timer = setTimeout(silence, STREAM_SILENCE_MS);
        try {
          parser.push(part);
        } catch (thrown) {
          fault ??= thrown;
          end();
        }
      },
    });
  } catch (thrown) {
    // Ended from here, because of a head that has been reported or of a goodbye.
    if (!ended.signal.aborted) fault = thrown;
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
  if (silent) throw new PennonError('timeout', `The stream was silent for ${STREAM_SILENCE_MS} ms.`);
  if (fault) throw fault as Error;
}

function reconnectAfter(data: string): number | undefined {
  try {
    const { reconnect_after_ms: delay } = JSON.parse(data) as { readonly reconnect_after_ms?: unknown };
    return typeof delay === 'number' ? delay : undefined;
  } catch {
    return undefined;
  }
}
