// The delivery endpoints over real HTTP, serving whatever a test puts there. It checks nothing: that is what the client is for.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { acceptWebSocket } from './web-socket.mjs';

export class DeliveryServer {
  /** What `/v1/head/...` answers and what a stream starts with. */
  head = undefined;
  /** Bodies by hash, as served: a test may damage one. */
  bodies = new Map();
  /** Deltas by the two hashes. */
  deltas = new Map();
  keysets = [];
  /** What is made of a WebSocket, which is offered: `open`, or `refuse`. None is offered otherwise. */
  webSocket = undefined;
  /** Answers instead of an endpoint: `{ status, type, body, headers? }` by the word after `/v1/`. */
  instead = new Map();
  /** What the evaluation endpoint answers: a function of the context to `{ flags, metadata, etag }`. */
  evaluate = undefined;
  requests = [];
  #streams = new Set();
  #server;
  #port = 0;
  #waiting = [];

  static async start(made) {
    const server = new DeliveryServer();
    server.keysets = made.keysets;
    await server.listen();
    return server;
  }

  async listen() {
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on('upgrade', (request, socket) => this.#upgrade(request, socket));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = this.#server.address().port;
  }

  /** Stops as a killed process does: connections are cut. */
  async stop() {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    this.#streams.clear();
    await closed;
  }

  connectionString(made, { environment, kind = 'client', rootFingerprint = made.rootFingerprint }) {
    const key = `${kind === 'client' ? 'pnc' : 'pns'}_${'k'.repeat(43)}`;
    return `http://${key}:${rootFingerprint}@127.0.0.1:${this.#port}/${environment}`;
  }

  /** How many streams are open. */
  get streams() {
    return this.#streams.size;
  }

  /** Serves a snapshot from now on, and announces it on the open streams. */
  publish(snapshot) {
    this.serve(snapshot);
    this.send(snapshot.head);
  }

  /** Serves a snapshot to whoever asks. */
  serve({ head, body }) {
    this.bodies.set(createHash('sha256').update(body).digest('hex'), body);
    this.head = head;
  }

  /** Announces a head on the open streams alone. */
  send(head) {
    for (const stream of this.#streams) stream.write(event(head));
  }

  say(text) {
    for (const stream of this.#streams) stream.write(text);
  }

  /** Ends the open streams, as a server that restarts does. */
  endStreams(last = '') {
    for (const stream of this.#streams) stream.end(last);
    this.#streams.clear();
  }

  count(word) {
    return this.requests.filter(({ path }) => path.startsWith(`/v1/${word}`)).length;
  }

  /** Resolves when there have been so many requests for that endpoint. */
  async requested(word, count) {
    while (this.count(word) < count) await new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #evaluate(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { context } = JSON.parse(Buffer.concat(chunks).toString());
    const answer = this.evaluate?.(context);
    if (!answer) return void response.writeHead(503, { 'content-type': 'text/plain' }).end();
    const { etag, status = 200, ...body } = answer;
    if (etag) response.setHeader('etag', etag);
    if (etag && request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  #note(request) {
    const url = new URL(request.url, 'http://server');
    this.requests.push({ method: request.method, path: url.pathname, key: url.searchParams.get('key'), authorization: request.headers.authorization, upgrade: request.headers.upgrade });
    for (const resolve of this.#waiting.splice(0)) resolve();
    return url;
  }

  #upgrade(request, socket) {
    this.#note(request);
    if (this.webSocket !== 'open') return void socket.destroy();
    const stream = acceptWebSocket(request, socket);
    this.#streams.add(stream);
    socket.on('close', () => this.#streams.delete(stream));
    if (this.head) stream.write(event(this.head));
  }

  #answer(request, response) {
    const url = this.#note(request);
    const [, , word, ...rest] = url.pathname.split('/');
    if (this.webSocket) response.setHeader('x-pennon-stream', 'websocket');
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', 'authorization, content-type, if-none-match');
    response.setHeader('access-control-expose-headers', 'etag, retry-after, x-pennon-stream');
    if (request.method === 'OPTIONS') return void response.end();
    if (url.pathname === '/ofrep/v1/evaluate/flags') return void this.#evaluate(request, response);
    const instead = this.instead.get(word);
    if (instead) {
      response.writeHead(instead.status, { 'content-type': instead.type, ...instead.headers });
      return void response.end(instead.body);
    }
    if (word === 'stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(': ping\n\n');
      if (this.head) response.write(event(this.head));
      this.#streams.add(response);
      response.on('close', () => this.#streams.delete(response));
      return;
    }
    const found = { head: () => this.head, body: () => this.bodies.get(rest[0]), delta: () => this.deltas.get(rest.join('/')), keyset: () => this.keysets[rest[0] - 1] }[word]?.();
    if (!found) {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      return void response.end(JSON.stringify({ title: 'Not found', status: 404, code: 'not-found' }));
    }
    response.setHeader('content-type', 'application/octet-stream');
    response.end(found);
  }
}

function event(head) {
  return `event: head\nid: 1.1\ndata: ${Buffer.from(head).toString('base64')}\n\n`;
}
