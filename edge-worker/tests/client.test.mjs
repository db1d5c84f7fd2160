// The npm package's client at this edge: it takes the WebSocket that the edge offers, which costs nothing while it is silent.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { createClient } from "pennon/node";
import WebSocket from "ws";
import { startWorkerd } from "./support/edge.mjs";
import { startOrigin } from "./support/origin.mjs";
import { environment } from "./support/world.mjs";

/** Resolves once the client's status is so. */
const until = (client, is) =>
  new Promise((resolve) => {
    const look = () => is(client.status) && (stop(), resolve(client.status));
    const stop = client.on("status", look);
    look();
  });

describe("a client of the npm package", () => {
  const world = environment();
  const signed = world.sign({ version: 1 });
  let origin, edge, client, opened, asked;

  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    edge = await startWorkerd({ connection: world.connection(origin.url, signed.fingerprint), pushKey: world.pushKey });
  });
  afterEach(() => {
    client?.close();
    delete globalThis.WebSocket;
  });
  after(async () => {
    await edge?.stop();
    await edge?.remove();
    await origin?.stop();
  });

  function connect(Socket) {
    [opened, asked] = [[], []];
    globalThis.WebSocket = class extends (Socket ?? WebSocket) {
      constructor(url) {
        super(url);
        opened.push(new URL(url));
      }
    };
    const address = edge.url.replace("http://", `http://${world.keys.client}:${signed.fingerprint}@`);
    client = createClient(`${address}/${world.id}`, {
      context: { targetingKey: "u1", plan: "pro" },
      backoff: { baseMs: 5, capMs: 50 },
      fetch: (url, init) => {
        asked.push(new URL(url).pathname.split("/")[2]);
        return fetch(url, init);
      },
    });
    return client;
  }

  let version = 1;
  async function follows() {
    version += 1;
    const next = world.sign({ version });
    origin.serve(next);
    assert.equal((await edge.push(next.client, next.keyset)).status, 200);
    await until(client, (status) => status.version === version);
    assert.equal(client.boolean("new-checkout", false), true);
  }

  test("is followed by WebSocket, with one request for the head and none for events", async () => {
    connect();
    await client.ready();
    await until(client, ({ connected }) => connected);
    await follows();
    assert.deepEqual([opened.length, opened[0].protocol, opened[0].searchParams.get("key")], [1, "ws:", world.keys.client]);
    assert.equal(asked.includes("stream"), false);
    assert.equal(asked.filter((word) => word === "head").length, 1);
  });

  test("falls back to server-sent events where no WebSocket comes through, and tries it no more for a while", async () => {
    // Nothing listens there.
    connect(class extends WebSocket {
      constructor() {
        super("ws://127.0.0.1:1/");
      }
    });
    await client.ready();
    await until(client, ({ connected }) => connected);
    await follows();
    assert.deepEqual([opened.length, asked.filter((word) => word === "stream").length], [1, 1]);
    assert.equal(client.status.lastError, undefined);
  });
});
