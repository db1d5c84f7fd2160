import type { Closing } from './closing.js';
import type { Connection } from './connection.js';
import { Failure } from './failure.js';
import { MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_KEYSET_BYTES, REQUEST_TIMEOUT_MS } from './limits.js';

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Post {
  readonly method: 'POST';
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** What an endpoint answered. */
export interface Answer {
  readonly response: Response;
  readonly bytes: Uint8Array;
}

/** The delivery endpoints (core/spec/protocol.md) as functions. Every answer is bounded in time and size; what fails is a `Failure`. */
export interface Transport {
  readonly connection: Connection;
  head(): Promise<Answer>;
  /** @param sha256 lower-case hexadecimal */
  body(sha256: string): Promise<Uint8Array>;
  keyset(number: number): Promise<Uint8Array>;
  /** Of the environment. */
  path(word: 'head' | 'stream'): string;
  /** A whole answer. Ends what takes too long, and everything on close. */
  load(path: string, limit: number, post?: Post): Promise<Answer>;
  /** An answer that is good. Its body is still to come, and `signal` alone ends it. */
  request(path: string, signal: AbortSignal, post?: Post, headers?: Record<string, string>): Promise<Response>;
}

/** @param closing ends all requests. */
export function openTransport(connection: Connection, fetch: Fetch, closing: Closing): Transport {
  const { base, sdkKey, kind, environment } = connection;
  const path = (word: string): string => `/v1/${word}/${environment}/${kind}`;
  const transport: Transport = {
    connection,
    path,
    head: () => transport.load(path('head'), MAX_HEAD_BYTES),
    body: async (sha256) => (await transport.load(`/v1/body/${sha256}`, MAX_BODY_BYTES[kind])).bytes,
    keyset: async (number) => (await transport.load(`/v1/keyset/${number}`, MAX_KEYSET_BYTES)).bytes,
    async load(at, limit, post) {
      const ended = new AbortController();
      const end = (): void => ended.abort();
      const timer = setTimeout(end, REQUEST_TIMEOUT_MS);
      const stopListening = closing.onClose(end);
      try {
        const response = await transport.request(at, ended.signal, post);
        return { response, bytes: await readAtMost(response, limit) };
      } catch (thrown) {
        throw ended.signal.aborted && !closing.closed ? new Failure(at, 'timeout') : thrown instanceof Failure ? thrown : new Failure(at, thrown);
      } finally {
        clearTimeout(timer);
        stopListening();
      }
    },
    async request(at, signal, post, headers = { ...post?.headers }) {
      let url = base + at;
      // A client key is public and belongs into the address, where caches see it; a server key never does. OFREP knows headers alone.
      if (kind === 'client' && !post) url += `?key=${sdkKey}`;
      else headers['authorization'] = `Bearer ${sdkKey}`;
      const response = await fetch(url, { ...post, headers, signal });
      if (response.ok || response.status === 304) return response;
      throw new Failure(at, response);
    },
  };
  return transport;
}

/** @throws the limit, when there is more */
export async function readAtMost(response: Response, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (let read; reader && !(read = await reader.read()).done; ) {
    size += read.value.length;
    if (size > limit) {
      void reader.cancel().catch(() => undefined);
      throw limit;
    }
    chunks.push(read.value);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
