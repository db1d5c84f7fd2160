import { PennonError } from './errors.js';
import { Failure } from './failure.js';
import { SOCKET_PING_MS } from './limits.js';
import type { Transport } from './transport.js';

/** What a stream tells while it is read. */
export interface Streamed {
  opened(): void;
  /** Frames, whole or cut anywhere. */
  frames(part: Uint8Array | string): void;
}

/** Reads the stream to its end, or to that of `signal`; throws what keeps it from opening. */
export type ReadStream = (transport: Transport, signal: AbortSignal, on: Streamed) => Promise<void>;

/** As server-sent events. */
export const readEvents: ReadStream = async (transport, signal, on) => {
  const path = transport.path('stream');
  const response = await transport.request(path, signal, undefined, { accept: 'text/event-stream' }).catch((thrown: unknown) => {
    throw thrown instanceof Failure ? thrown : new Failure(path, thrown);
  });
  const type = response.headers.get('content-type') ?? '';
  const reader = response.body?.getReader();
  try {
    if (!reader || !type.startsWith('text/event-stream')) {
      throw new PennonError('response', `The server answered ${type || 'no content type'} where an event stream was expected.`);
    }
    on.opened();
    for (let read; !(read = await reader.read()).done; ) on.frames(read.value);
  } finally {
    void reader?.cancel().catch(() => undefined);
  }
};

/** What a server says in the answer to a request for the head when it would rather be followed by a WebSocket. */
const OFFER = { header: 'x-pennon-stream', value: 'websocket' } as const;

/** Whether a WebSocket is to be had: of a server that offers it, on a platform that has one, for a key that may stand in an address. */
export function offersSocket(headers: Headers, { connection }: Transport): boolean {
  return headers.get(OFFER.header) === OFFER.value && connection.kind === 'client' && typeof WebSocket === 'function';
}

/** The same frames over a WebSocket. It costs an edge nothing while it is silent, so it is the client that pings. */
export const readSocket: ReadStream = (transport, signal, on) =>
  new Promise((resolve, reject) => {
    const { base, sdkKey } = transport.connection;
    const socket = new WebSocket(`${base.replace(/^http/, 'ws')}${transport.path('stream')}?key=${sdkKey}`);
    const end = (): void => socket.close();
    signal.addEventListener('abort', end);
    let pings: ReturnType<typeof setInterval> | undefined;
    socket.onopen = () => {
      on.opened();
      pings = setInterval(() => socket.send('ping'), SOCKET_PING_MS);
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') on.frames(data);
    };
    // Its end follows and says as much. Sockets of Node's libraries end the process by an error that nobody listens for.
    socket.onerror = () => undefined;
    socket.onclose = () => {
      clearInterval(pings);
      signal.removeEventListener('abort', end);
      if (pings === undefined && !signal.aborted) reject(new PennonError('network', 'The WebSocket did not open.'));
      else resolve();
    };
  });
