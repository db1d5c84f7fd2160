import type { Closing } from './closing.js';
import type { Connection } from './connection.js';
import { PennonError, asPennonError } from './errors.js';
import {
  MAX_BODY_BYTES,
  MAX_HEAD_BYTES,
  MAX_KEYSET_BYTES,
  MAX_PROBLEM_BYTES,
  REQUEST_TIMEOUT_MS,
} from './limits.js';

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Post {
  readonly method: 'POST';
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The delivery endpoints (core/spec/protocol.md) as functions. Every answer is bounded in time and size. */
export class Transport {
  readonly #connection: Connection;
  readonly #fetch: Fetch;
  readonly #closing: Closing;

  /** @param closing ends all requests. */
  constructor(connection: Connection, fetch: Fetch, closing: Closing) {
    this.#connection = connection;
    this.#fetch = fetch;
    this.#closing = closing;
  }

  head(): Promise<Uint8Array> {
    const { environment, kind } = this.#connection;
    return this.#bytes(`/v1/head/${environment}/${kind}`, MAX_HEAD_BYTES, 'the head of the snapshot');
  }

  /** @param sha256 lower-case hexadecimal */
  body(sha256: string): Promise<Uint8Array> {
    return this.#bytes(`/v1/body/${sha256}`, MAX_BODY_BYTES[this.#connection.kind], 'the body of the snapshot');
  }

  /** What makes one body out of another. */
  delta(from: string, to: string): Promise<Uint8Array> {
    return this.#bytes(`/v1/delta/${from}/${to}`, MAX_BODY_BYTES[this.#connection.kind], 'the change of the snapshot');
  }

  keyset(number: number): Promise<Uint8Array> {
    return this.#bytes(`/v1/keyset/${number}`, MAX_KEYSET_BYTES, `keyset ${number}`);
  }

  /** Opens the stream of heads. Its body has no end, and only `signal` ends it. */
  async stream(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { environment, kind } = this.#connection;
    const what = 'the stream';
    const response = await this.#request(`/v1/stream/${environment}/${kind}`, 'text/event-stream', what, signal);
    if (!response.body) throw new PennonError('response', 'The server answered without a body for the stream.');
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith('text/event-stream')) {
      void response.body.cancel().catch(() => undefined);
      throw new PennonError('response', `The server answered ${type || 'no content type'} where an event stream was expected.`);
    }
    return response.body;
  }

  /** Any other endpoint. */
  ask(path: string, post: Post, limit: number, what: string): Promise<{ status: number; etag: string | null; bytes: Uint8Array }> {
    return this.#load(path, 'application/json', limit, what, post);
  }

  async #bytes(path: string, limit: number, what: string): Promise<Uint8Array> {
    return (await this.#load(path, 'application/octet-stream', limit, what)).bytes;
  }

  /** Ends what takes too long, and everything on close. */
  async #load(path: string, accept: string, limit: number, what: string, post?: Post): Promise<{ status: number; etag: string | null; bytes: Uint8Array }> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    const timer = setTimeout(end, REQUEST_TIMEOUT_MS);
    const stopListening = this.#closing.onClose(end);
    try {
      const response = await this.#request(path, accept, what, ended.signal, post);
      return { status: response.status, etag: response.headers.get('etag'), bytes: await readAtMost(response, limit, what) };
    } catch (thrown) {
      if (ended.signal.aborted && !this.#closing.closed) throw timedOut(what);
      throw asPennonError(thrown, 'network', `Loading ${what} failed`);
    } finally {
      clearTimeout(timer);
      stopListening();
    }
  }

  async #request(path: string, accept: string, what: string, signal: AbortSignal, post?: Post): Promise<Response> {
    const { base, sdkKey, kind } = this.#connection;
    const headers: Record<string, string> = { accept, ...post?.headers };
    let url = base + path;
    // A client key is public and belongs into the address, where caches see it; a server key never does. OFREP knows headers alone.
    if (kind === 'client' && !post) url += `?key=${sdkKey}`;
    else headers['authorization'] = `Bearer ${sdkKey}`;
    let response: Response;
    try {
      response = await this.#fetch(url, { ...post, headers, signal });
    } catch (thrown) {
      throw asPennonError(thrown, 'network', `Loading ${what} failed`);
    }
    if (response.ok || response.status === 304) return response;
    throw await problem(response, what);
  }
}

/** When the server said to come back, in milliseconds. */
export function retryAfter(error: unknown): number | undefined {
  return error instanceof RefusedByServer ? error.retryAfterMs : undefined;
}

class RefusedByServer extends PennonError {
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, status: number, retryAfterMs: number | undefined) {
    super(code, message, { status });
    this.retryAfterMs = retryAfterMs;
  }
}

/** Reads the problem document (RFC 9457) of a refusal; an intermediary's answer may have none. */
async function problem(response: Response, what: string): Promise<PennonError> {
  let code = `http-${response.status}`;
  let detail = '';
  try {
    const text = new TextDecoder().decode(await readAtMost(response, MAX_PROBLEM_BYTES, what));
    const document: unknown = JSON.parse(text);
    if (typeof document === 'object' && document !== null) {
      if ('code' in document && typeof document.code === 'string') code = document.code;
      if ('detail' in document && typeof document.detail === 'string') detail = document.detail;
      else if ('title' in document && typeof document.title === 'string') detail = document.title;
    }
  } catch {
    // Not a problem document: the status alone names the refusal.
  }
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new RefusedByServer(
    code,
    `The server refused ${what} with status ${response.status}${detail ? `: ${detail}` : '.'}`,
    response.status,
    Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined,
  );
}

async function readAtMost(response: Response, limit: number, what: string): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      void reader.cancel().catch(() => undefined);
      throw new PennonError('over-limits', `The server sent more than ${limit} bytes for ${what}.`);
    }
    chunks.push(value);
  }
  if (chunks.length === 1 && chunks[0]) return chunks[0];
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function timedOut(what: string): PennonError {
  return new PennonError('timeout', `Loading ${what} took longer than ${REQUEST_TIMEOUT_MS} ms.`);
}
