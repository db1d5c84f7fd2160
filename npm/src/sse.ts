import { PennonError } from './errors.js';
import { MAX_EVENT_BYTES } from './limits.js';

/** One server-sent event, without its id: what matters here are heads, which have numbers of their own. */
export interface ServerSentEvent {
  /** `message` when the server named none. */
  readonly event: string;
  readonly data: string;
}

/** What the parser hands out. */
export interface ServerSentEventHandler {
  event(event: ServerSentEvent): void;
  /** `retry:` in milliseconds. */
  retry?(milliseconds: number): void;
}

/**
 * Server-sent events from bytes in chunks cut anywhere, also inside a character or between CR and LF
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
 * `EventSource` is not used because it cannot send headers and hides the status of a refusal.
 */
export class ServerSentEventParser {
  readonly #handler: ServerSentEventHandler;
  // Takes a byte order mark off the start, as the standard asks.
  readonly #decoder = new TextDecoder();
  /** What has no end of line yet. */
  #rest = '';
  #event = '';
  #data: string[] = [];
  #size = 0;

  constructor(handler: ServerSentEventHandler) {
    this.#handler = handler;
  }

  /** @throws PennonError `over-limits` when one event grows over the limit. */
  push(chunk: Uint8Array | string): void {
    // A CR at the end may be the first half of CR LF.
    const lines = (this.#rest + (typeof chunk === 'string' ? chunk : this.#decoder.decode(chunk, { stream: true }))).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
    if (this.#rest.length + this.#size > MAX_EVENT_BYTES) {
      throw new PennonError('over-limits', `The stream sent an event of more than ${MAX_EVENT_BYTES} bytes.`);
    }
  }

  #take(line: string): void {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment: the server's ping
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    switch (field) {
      case 'event':
        this.#event = value;
        break;
      case 'data':
        this.#data.push(value);
        this.#size += value.length;
        break;
      case 'retry':
        if (/^[0-9]{1,9}$/.test(value)) this.#handler.retry?.(Number(value));
        break;
    }
  }

  #dispatch(): void {
    const data = this.#data;
    const event = this.#event || 'message';
    this.#data = [];
    this.#event = '';
    this.#size = 0;
    if (data.length > 0) this.#handler.event({ event, data: data.join('\n') });
  }
}
