// The Durable Object of an environment: holds the newest heads and tells everybody who listens. It relays bytes; what is a head and which
// one is newer was decided by the Rust code, which verified it (src/hub.rs).
//
// It is JavaScript because it must live on when a snapshot stops the evaluator, and because a sleeping WebSocket must cost nothing: the
// runtime wakes this class without starting WebAssembly.
import { call } from "./instance.mjs";

const DEFAULT_REFRESH_MS = 5_000;
/** Both sides notice a dead connection by it. WebSockets are asked by their clients, and answered without waking this object. */
const PING_MS = 15_000;
const PING_FRAME = ": ping\n\n";
/** A WebSocket that has not asked for so long is taken for dead. */
const SILENCE_MS = 60_000;
/** A reader that has not taken an event for so long is dropped; it comes back and gets the newest head. */
const DEFAULT_SLOW_MS = 30_000;
/**
 * What is sent to a WebSocket between two of its pings, at most, in characters: the runtime keeps for it whatever it does not take. With
 * one publication a second none that pings in time gets a tenth of that.
 */
const MAX_UNHEARD = 256 * 1024;
/** Readers whose key was revoked, or whose object ends, come back spread over this long. */
const RECONNECT_WINDOW_MS = 5_000;
/**
 * An event stream ends after a while, drawn evenly between these, with a goodbye. The runtime does not always say that a reader has gone, and
 * goes on taking what is written to it.
 */
const LEAST_LIFE_MS = 10 * 60_000;
const MOST_LIFE_MS = 30 * 60_000;
const DEFAULT_MAX_STREAMS = 10_000;
const KINDS = ["server", "client", "edge"];

const headFrame = ({ order, bytes }) => {
  const [, epoch, version] = order.split(".");
  return `event: head\nid: ${epoch}.${version}\ndata: ${btoa(String.fromCharCode(...bytes))}\n\n`;
};

/** OFREP's word for "ask again"; the client hands the tag back, so that whoever answers it looks for that version. */
const refetchFrame = ({ order }) => {
  const [, epoch, version] = order.split(".");
  return `event: message\ndata: ${JSON.stringify({ type: "refetchEvaluation", etag: `${epoch}.${version}` })}\n\n`;
};

const goodbyeFrame = () =>
  `event: goodbye\ndata: ${JSON.stringify({ reconnect_after_ms: Math.floor(Math.random() * RECONNECT_WINDOW_MS) })}\n\n`;

/** Negative when the first is older. Orders are `keyset.epoch.version.created`. */
function compare(left, right) {
  const [a, b] = [left, right].map((order) => order.split(".").map(BigInt));
  const at = a.findIndex((part, index) => part !== b[index]);
  return at < 0 ? 0 : a[at] < b[at] ? -1 : 1;
}

export class PennonHub {
  #ctx;
  #env;
  #refreshMs;
  #maxStreams;
  #slowMs;
  /** By kind: `{order, bytes}`. */
  #heads = new Map();
  /** By kind: `{at, agreed}` of the latest comparison with the control plane, and the one under way. */
  #checked = new Map();
  #checking = new Map();
  /** Server-sent event streams. They keep this object awake; WebSockets do not. */
  #readers = new Set();
  #pings;
  /** Whether somebody may be listening whose key is revoked. Not known after a start. */
  #mayBeRevoked = true;

  constructor(ctx, env) {
    this.#ctx = ctx;
    this.#env = env;
    this.#refreshMs = Number(env.PENNON_REFRESH_MS || DEFAULT_REFRESH_MS);
    // The Rust code, which every request passes first, has checked them.
    this.#maxStreams = Number(env.PENNON_MAX_STREAMS || DEFAULT_MAX_STREAMS);
    this.#slowMs = Number(env.PENNON_SLOW_READER_MS || DEFAULT_SLOW_MS);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", PING_FRAME));
    ctx.blockConcurrencyWhile(async () => {
      for (const kind of KINDS) {
        const head = await ctx.storage.get(`head/${kind}`);
        if (head) this.#heads.set(kind, head);
      }
    });
  }

  async fetch(request) {
    const [, what, kind] = new URL(request.url).pathname.split("/");
    if (what === "head" && request.method === "POST") {
      await this.#take(kind, { order: request.headers.get("x-pennon-order"), bytes: new Uint8Array(await request.arrayBuffer()) });
      await this.#dropRevoked();
      return new Response(null, { status: 204 });
    }
    if (what === "head") return this.#answer(kind);
    return this.#open(what, kind, request);
  }

  /** The newest head, compared with the control plane when that has not been done for a while. */
  async #answer(kind) {
    if (Date.now() - (this.#checked.get(kind)?.at ?? 0) >= this.#refreshMs) {
      await this.#check(kind);
      await this.#dropRevoked();
    }
    const head = this.#heads.get(kind);
    const headers = { "x-pennon-agreed": String(this.#checked.get(kind)?.agreed === true) };
    return head ? new Response(head.bytes, { headers }) : new Response(null, { status: 404, headers });
  }

  /** One comparison at a time; whoever comes meanwhile waits for it. */
  #check(kind) {
    let check = this.#checking.get(kind);
    if (!check) {
      check = this.#compare(kind).finally(() => this.#checking.delete(kind));
      this.#checking.set(kind, check);
    }
    return check;
  }

  async #compare(kind) {
    let agreed = false;
    try {
      const [agrees, order, bytes] = await call((pennon) => pennon.newest_head(this.#env, kind));
      agreed = agrees;
      if (order !== undefined) await this.#take(kind, { order, bytes });
    } catch (error) {
      console.error(`pennon: the hub could not compare the ${kind} head: ${error?.message ?? error}`);
    }
    this.#checked.set(kind, { at: Date.now(), agreed });
  }

  /** Takes a verified head when it is newer, and tells everybody. Memory before storage: what comes meanwhile must see it. */
  async #take(kind, head) {
    const held = this.#heads.get(kind);
    if (held && compare(head.order, held.order) <= 0) return;
    this.#heads.set(kind, head);
    for (const reader of this.#readers) {
      if (reader.kind === kind) this.#send(reader);
    }
    for (const socket of this.#ctx.getWebSockets(kind)) this.#sendSocket(socket, headFrame(head));
    // A revocation is a change of the environment, so it comes with one of these.
    if (kind === "edge") this.#mayBeRevoked = true;
    await this.#ctx.storage.put(`head/${kind}`, head);
  }

  /** Ends the streams of keys that the newest edge snapshot does not admit. What cannot be told now is asked again at the next look. */
  async #dropRevoked() {
    if (!this.#mayBeRevoked) return;
    this.#mayBeRevoked = false;
    try {
      // Another isolate may have verified that head: this one has to have it before it can tell.
      if (!(await this.#knowsNewest())) await this.#check("edge");
      if (!(await this.#knowsNewest())) throw new Error("the newest edge snapshot is not at hand");
      await this.#endRevoked();
    } catch (error) {
      this.#mayBeRevoked = true;
      console.error(`pennon: the hub could not tell whose keys are revoked: ${error?.message ?? error}`);
    }
  }

  async #knowsNewest() {
    const newest = this.#heads.get("edge");
    const by = await call((pennon) => pennon.admits_by(this.#env));
    return newest === undefined || (by !== undefined && compare(by, newest.order) >= 0);
  }

  async #endRevoked() {
    const admitted = new Map();
    const isAdmitted = async (key) => {
      if (!admitted.has(key)) admitted.set(key, await call((pennon) => pennon.is_admitted(this.#env, key)));
      return admitted.get(key);
    };
    for (const reader of [...this.#readers]) {
      if (!(await isAdmitted(reader.key))) this.#end(reader, goodbyeFrame());
    }
    for (const socket of this.#ctx.getWebSockets()) {
      if (await isAdmitted(socket.deserializeAttachment().key)) continue;
      this.#sendSocket(socket, goodbyeFrame());
      socket.close(1000, "the SDK key is no longer admitted");
    }
  }

  async #open(what, kind, request) {
    await this.#keepLooking();
    // Nothing is waited for from here on: of many at once none may slip in above the limit.
    if (this.#readers.size + this.#ctx.getWebSockets().length >= this.#maxStreams) return new Response(null, { status: 503 });
    const key = request.headers.get("x-pennon-key");
    const head = this.#heads.get(kind);
    if (what === "stream" && request.headers.get("upgrade")?.toLowerCase() === "websocket") {
      const [client, server] = Object.values(new WebSocketPair());
      this.#ctx.acceptWebSocket(server, [kind]);
      server.serializeAttachment({ key, openedAt: Date.now(), heardAt: Date.now(), unheard: 0 });
      if (head) this.#sendSocket(server, headFrame(head));
      return new Response(null, { status: 101, webSocket: client });
    }
    const { readable, writable } = new TransformStream();
    const frame = what === "stream" ? headFrame : refetchFrame;
    const reader = { kind, key, frame, writer: writable.getWriter(), sent: undefined, busySince: undefined, until: Date.now() + LEAST_LIFE_MS + Math.random() * (MOST_LIFE_MS - LEAST_LIFE_MS) };
    this.#readers.add(reader);
    // Whoever evaluates here has just done so: there is news from the next change on.
    if (what === "stream") this.#send(reader);
    else reader.sent = head?.order;
    reader.writer.closed.catch(() => this.#forget(reader));
    this.#pings ??= setInterval(() => this.#ping(), Math.min(PING_MS, this.#slowMs));
    return new Response(readable, {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  }

  /** The newest head, unless it has been sent. One write at a time: a slow reader misses what comes between, and nothing piles up. */
  #send(reader) {
    const head = this.#heads.get(reader.kind);
    if (reader.busySince !== undefined || !head || reader.sent === head.order) return;
    reader.sent = head.order;
    this.#write(reader, reader.frame(head));
  }

  #write(reader, frame) {
    reader.busySince = Date.now();
    reader.writer.write(new TextEncoder().encode(frame)).then(
      () => {
        reader.busySince = undefined;
        this.#send(reader);
      },
      () => this.#forget(reader),
    );
  }

  #end(reader, frame) {
    this.#forget(reader);
    reader.writer.write(new TextEncoder().encode(frame)).catch(() => {});
    reader.writer.close().catch(() => {});
  }

  #forget(reader) {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    clearInterval(this.#pings);
    this.#pings = undefined;
  }

  #ping() {
    for (const reader of [...this.#readers]) {
      if (Date.now() > reader.until) this.#end(reader, goodbyeFrame());
      else if (reader.busySince === undefined) this.#write(reader, PING_FRAME);
      else if (Date.now() - reader.busySince > this.#slowMs) {
        this.#forget(reader);
        reader.writer.abort(new Error("this reader is too slow")).catch(() => {});
      }
    }
  }

  /** When its client was heard of last. */
  #heardAt(socket) {
    return this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? socket.deserializeAttachment().openedAt;
  }

  #sendSocket(socket, frame) {
    const attachment = socket.deserializeAttachment();
    const heardAt = this.#heardAt(socket);
    const unheard = (heardAt > attachment.heardAt ? 0 : attachment.unheard) + frame.length;
    try {
      if (unheard > MAX_UNHEARD) {
        socket.close(1013, "this reader is too slow");
        return;
      }
      socket.serializeAttachment({ ...attachment, heardAt, unheard });
      socket.send(frame);
    } catch {
      // It has closed; the runtime forgets it by itself.
    }
  }

  /** While anybody listens, the control plane is asked: a push may never come. */
  async #keepLooking() {
    if ((await this.#ctx.storage.getAlarm()) === null) await this.#ctx.storage.setAlarm(Date.now() + this.#refreshMs);
  }

  async alarm() {
    const sockets = this.#ctx.getWebSockets();
    for (const socket of sockets) {
      if (Date.now() - this.#heardAt(socket) > SILENCE_MS) socket.close(1001, "no ping for too long");
    }
    const kinds = KINDS.filter((kind) => this.#ctx.getWebSockets(kind).length > 0 || [...this.#readers].some((reader) => reader.kind === kind));
    if (kinds.length === 0) return;
    // The edge head tells of revoked keys.
    await Promise.all([...new Set([...kinds, "edge"])].map((kind) => this.#check(kind)));
    await this.#dropRevoked();
    await this.#ctx.storage.setAlarm(Date.now() + this.#refreshMs);
  }

  /** Nothing that a client says is of interest; its ping never comes here. */
  webSocketMessage() {}

  webSocketClose(socket, code) {
    // 1005 and 1006 must not be sent.
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
  }

  webSocketError() {}
}
