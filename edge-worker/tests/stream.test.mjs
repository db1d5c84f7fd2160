// Streams of the environment's Durable Object.
import assert from "node:assert/strict";
import { on, once } from "node:events";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { startWorkerd } from "./support/edge.mjs";
import { startOrigin } from "./support/origin.mjs";
import { environment, withFlag } from "./support/world.mjs";

const PRO = { targetingKey: "u1", plan: "pro" };

/** Reads events one by one; comments are dropped. */
async function listen(url, headers = {}) {
  const ended = new AbortController();
  const answer = await fetch(url, { headers, signal: ended.signal });
  const events = (async function* () {
    let text = "";
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of blocks) if (!block.startsWith(":")) yield parsed(block);
    }
  })();
  return { answer, next: async () => (await events.next()).value, close: () => ended.abort() };
}

const parsed = (block) => Object.fromEntries(block.split("\n").filter(Boolean).map((line) => line.split(/: (.*)/s)));
const bytes = (event) => Buffer.from(event.data, "base64");

describe("streams", () => {
  const world = environment();
  const signed = world.sign({ version: 1 });
  const key = `key=${world.keys.client}`;
  let origin, edge, connection;
  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    connection = world.connection(origin.url, signed.fingerprint);
    edge = await startWorkerd({ connection, pushKey: world.pushKey, maxStreams: 5 });
  });
  after(async () => {
    await edge?.stop();
    await edge?.remove();
    await origin?.stop();
  });
  const path = (kind) => `${edge.url}/v1/stream/${world.id}/${kind}`;

  test("the current head comes at once, then what is pushed, then what the control plane is found to have", async () => {
    const stream = await listen(`${path("client")}?${key}`);
    assert.match(stream.answer.headers.get("content-type"), /^text\/event-stream/);
    assert.equal(stream.answer.headers.get("cache-control"), "no-store");
    assert.equal(stream.answer.headers.get("access-control-allow-origin"), "*");
    const first = await stream.next();
    assert.deepEqual([first.event, first.id, bytes(first)], ["head", "0.1", signed.client.head]);
    const second = world.sign({ version: 2 });
    origin.serve(second);
    assert.equal((await edge.push(second.client, second.keyset)).status, 200);
    assert.deepEqual(bytes(await stream.next()), second.client.head);
    const third = world.sign({ version: 3 });
    origin.serve(third);
    const polled = await stream.next();
    assert.deepEqual([polled.id, bytes(polled)], ["0.3", third.client.head]);
    stream.close();
  });

  test("over WebSocket the same frames, and a ping that wakes nobody", async () => {
    const socket = new WebSocket(`${path("client").replace("http", "ws")}?${key}`);
    // From the start: what comes while nobody waits must not be lost.
    const messages = on(socket, "message");
    const next = async () => (await messages.next()).value[0].toString();
    const event = parsed(await next());
    const head = await edge.get(`/v1/head/${world.id}/client?${key}`);
    assert.deepEqual([event.event, bytes(event)], ["head", Buffer.from(await head.arrayBuffer())]);
    socket.send("ping");
    assert.equal(await next(), ": ping\n\n");
    const fourth = world.sign({ version: 4 });
    origin.serve(fourth);
    assert.equal((await edge.push(fourth.client, fourth.keyset)).status, 200);
    assert.deepEqual(bytes(parsed(await next())), fourth.client.head);
    socket.close();
    await once(socket, "close");
  });

  test("who may not read a kind may not hear of it", async () => {
    assert.equal((await fetch(path("client"))).status, 401);
    assert.equal((await fetch(`${path("server")}?${key}`)).status, 403);
    assert.equal((await fetch(`${path("everything")}?${key}`)).status, 404);
    assert.equal((await fetch(`${edge.url}/v1/stream/${"0".repeat(32)}/client?${key}`)).status, 403);
  });

  test("OpenFeature's clients are told to ask again, and get the version they were told of", async () => {
    const bulk = await edge.evaluate(undefined, PRO, world.keys.client);
    assert.deepEqual(bulk.body.eventStreams, [{ type: "sse", endpoint: { requestUri: `/ofrep/v1/stream?${key}` } }]);
    assert.equal((await edge.evaluate(undefined, PRO, world.keys.server)).body.eventStreams, undefined, "no secret key in an address");
    const stream = await listen(edge.url + bulk.body.eventStreams[0].endpoint.requestUri);
    const fifth = world.sign({ version: 5, configuration: withFlag("theme", false) });
    origin.serve(fifth);
    const told = await stream.next();
    assert.equal(told.event, "message");
    const { type, etag } = JSON.parse(told.data);
    assert.deepEqual([type, etag], ["refetchEvaluation", "0.5"]);
    const again = await fetch(`${edge.url}/ofrep/v1/evaluate/flags?flagConfigEtag=${etag}`, {
      method: "POST",
      headers: { authorization: `Bearer ${world.keys.client}`, "content-type": "application/json" },
      body: JSON.stringify({ context: PRO }),
    });
    assert.equal((await again.json()).flags.find((flag) => flag.key === "theme").value, "plain");
    stream.close();
  });

  test("a revoked key's stream ends with a goodbye", async () => {
    const stream = await listen(path("server"), { authorization: `Bearer ${world.keys.server}` });
    assert.equal((await stream.next()).event, "head");
    const { server, ...others } = world.keys;
    const revoked = world.sign({ version: 6, admitted: others });
    origin.serve(revoked);
    assert.equal((await edge.push(revoked.edge, revoked.keyset)).status, 200);
    let event = await stream.next();
    if (event.event === "head") event = await stream.next();
    assert.equal(event.event, "goodbye");
    assert.ok(JSON.parse(event.data).reconnect_after_ms <= 5_000);
    assert.equal(await stream.next(), undefined);
  });

  test("more than it may hold: 503 and when to come back", async () => {
    const open = [];
    let full;
    while (open.length <= 5) {
      const stream = await listen(`${path("client")}?${key}`);
      open.push(stream);
      if (stream.answer.status !== 200) {
        full = stream.answer;
        break;
      }
    }
    assert.ok(full, "none was refused");
    assert.deepEqual([full.status, full.headers.get("retry-after"), full.headers.get("content-type")], [503, "5", "application/problem+json"]);
    for (const stream of open) stream.close();
  });
});
