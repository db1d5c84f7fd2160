// Readers of streams that take nothing: they cost a bounded amount of memory, are dropped, and get the newest head when they come back.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { startWorkerd, until } from "./support/edge.mjs";
import { startOrigin } from "./support/origin.mjs";
import { environment } from "./support/world.mjs";

/** Heads as large as they may be, so that few of them fill what lies between two processes. */
const PADDING = 32_000;
const HEADS = 300;
const READERS = 20;
/**
 * Of the edge's process, for all readers, with what it has not yet collected (some 100 MB). Kept whole, what was sent to them would be 260 MB
 * more.
 */
const MAX_GROWTH_BYTES = 180 * 1024 * 1024;

const rss = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
/** The versions of heads in what a stream sent. */
const versions = (text) => [...text.matchAll(/^id: 0\.(\d+)$/gm)].map(([, version]) => Number(version));

describe("slow readers", () => {
  const world = environment();
  const signed = world.sign({ version: 1 });
  let origin, connection;
  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    connection = world.connection(origin.url, signed.fingerprint);
  });
  after(() => origin?.stop());

  async function edgeWith(env, work) {
    const edge = await startWorkerd({ connection, pushKey: world.pushKey, refreshMs: "300000", env });
    let version = 1;
    const publish = async (many) => {
      for (let number = 0; number < many; number++) {
        const pushed = await edge.push(world.resigned(signed.client, ++version, PADDING), signed.keyset);
        assert.equal(pushed.status, 200, JSON.stringify(pushed.body));
      }
      return version;
    };
    try {
      await work({ edge, publish, path: `/v1/stream/${world.id}/client?key=${world.keys.client}` });
    } finally {
      await edge.stop();
      await edge.remove();
    }
  }

  /** A reader of events by hand, because `fetch` reads ahead. Takes the first head; nothing when the edge is full. */
  async function admitted(edge, path) {
    const { hostname, port } = new URL(edge.url);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    let text = "";
    socket.setEncoding("latin1").on("data", (data) => (text += data));
    socket.write(`GET ${path} HTTP/1.1\r\nhost: edge\r\n\r\n`);
    await until("the first head, or a refusal", () => versions(text).length > 0 || text.startsWith("HTTP/1.1 503 "));
    if (versions(text).length === 0) return void socket.destroy();
    return { socket, text: () => text, closed: new Promise((resolve) => socket.once("close", resolve)) };
  }

  async function reader(edge, path) {
    const open = await admitted(edge, path);
    assert.ok(open, "the edge is full");
    return open;
  }

  test("of events: dropped, and the next stream begins with the newest head", () =>
    edgeWith({ PENNON_SLOW_READER_MS: "1000", PENNON_MAX_STREAMS: String(READERS + 1) }, async ({ edge, publish, path }) => {
      // What the process grows by of itself, with nobody who listens.
      await publish(HEADS);
      const slow = [];
      for (let number = 0; number < READERS; number++) slow.push(await reader(edge, path));
      const good = await reader(edge, path);
      for (const { socket } of slow) socket.pause();
      const before = rss(edge.pid);
      const newest = await publish(HEADS);
      await until("the reader that reads to have the newest", () => versions(good.text()).at(-1) === newest);
      const grown = rss(edge.pid) - before;
      assert.ok(grown < MAX_GROWTH_BYTES, `${READERS} slow readers cost ${Math.round(grown / 1024 / 1024)} MB`);
      // They hold their places until they are dropped: each that is free again is taken.
      const others = [];
      await until("the slow ones to be dropped", async () => {
        const other = await admitted(edge, path);
        if (other) others.push(other);
        return others.length === READERS;
      });
      for (const { socket } of slow) socket.resume();
      await Promise.all(slow.map(({ closed }) => closed));
      for (const { text } of slow) assert.ok(versions(text()).at(-1) < newest, "it was dropped before the end");
      for (const { text } of others) assert.equal(versions(text())[0], newest);
      for (const { socket } of [good, ...others]) socket.destroy();
    }));

  test("of events: one that is back in time misses what came between, and gets the newest", () =>
    edgeWith({ PENNON_SLOW_READER_MS: "600000" }, async ({ edge, publish, path }) => {
      const slow = await reader(edge, path);
      slow.socket.pause();
      const newest = await publish(HEADS);
      slow.socket.resume();
      await until("the newest head", () => versions(slow.text()).at(-1) === newest);
      const seen = versions(slow.text());
      assert.ok(seen.length < HEADS / 2, `it was sent ${seen.length} of ${HEADS} heads`);
      slow.socket.destroy();
    }));

  test("of WebSockets: closed when it takes nothing, and the next one begins with the newest head", () =>
    edgeWith({ PENNON_SLOW_READER_MS: "1000" }, async ({ edge, publish, path }) => {
      const open = async () => {
        const socket = new WebSocket(edge.url.replace("http", "ws") + path);
        let text = "";
        socket.on("message", (message) => (text += message));
        const closed = once(socket, "close");
        await until("the first head", () => versions(text).length > 0);
        return { socket, text: () => text, closed };
      };
      await publish(HEADS);
      const slow = [];
      for (let number = 0; number < READERS; number++) slow.push(await open());
      const good = await open();
      // Whoever pings is heard of, and stays.
      good.socket.on("message", () => good.socket.send("ping"));
      good.socket.send("ping");
      for (const { socket } of slow) socket._socket.pause();
      const before = rss(edge.pid);
      const newest = await publish(HEADS);
      await until("the reader that reads to have the newest", () => versions(good.text()).at(-1) === newest);
      const grown = rss(edge.pid) - before;
      assert.ok(grown < MAX_GROWTH_BYTES, `${READERS} slow readers cost ${Math.round(grown / 1024 / 1024)} MB`);
      for (const { socket } of slow) socket._socket.resume();
      for (const { socket, closed, text } of slow) {
        await until("the close frame", () => socket.readyState >= WebSocket.CLOSING);
        // Else it waits for the other side to end the connection, for half a minute.
        socket.terminate();
        const [code] = await closed;
        assert.equal(code, 1013);
        assert.ok(versions(text()).at(-1) < newest, "it was closed before the end");
      }
      const back = await open();
      assert.equal(versions(back.text())[0], newest);
      back.socket.terminate();
      good.socket.terminate();
    }));
});
