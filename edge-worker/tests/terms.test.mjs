// What the environment says of those who ask, carried in the edge snapshot and kept to with nothing behind the edge.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startEdge, startWorkerd } from "./support/edge.mjs";
import { startOrigin } from "./support/origin.mjs";
import { environment } from "./support/world.mjs";

const SHOP = "https://shop.example";
const ELSEWHERE = "https://elsewhere.example";

describe("terms of the environment", () => {
  const world = environment();
  const signed = world.sign({ version: 1, origins: [SHOP], requestsPerMinute: 40 });
  let origin, first, edge, connection;
  const head = (edge, from, key = world.keys.client) => edge.get(`/v1/head/${world.id}/client?key=${key}`, from ? { origin: from } : {});
  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    connection = world.connection(origin.url, signed.fingerprint);
    first = edge = await startWorkerd({ connection, pushKey: world.pushKey });
    assert.equal((await head(edge)).status, 200);
    await edge.stored();
    // From here on there is nothing behind the edge, and it starts anew.
    await origin.stop();
    await edge.stop();
    edge = await startWorkerd({ connection, pushKey: world.pushKey, state: edge.state });
  });
  after(async () => {
    await edge?.stop();
    await first?.remove();
  });

  test("pages of other origins may neither ask nor read", async () => {
    const good = await head(edge, SHOP);
    assert.deepEqual([good.status, good.headers.get("access-control-allow-origin")], [200, SHOP]);
    assert.match(good.headers.get("vary"), /origin/);
    const bad = await head(edge, ELSEWHERE);
    assert.deepEqual([bad.status, bad.headers.get("access-control-allow-origin"), (await bad.json()).code], [403, null, "origin-not-allowed"]);
    const program = await head(edge);
    assert.deepEqual([program.status, program.headers.get("access-control-allow-origin")], [200, null]);
    assert.match(program.headers.get("vary"), /origin/, "a cache may hand it to a page");
    const refused = await edge.evaluate("theme", {}, world.keys.server, { origin: ELSEWHERE });
    assert.deepEqual([refused.status, refused.body.code, refused.body.errorCode, refused.body.key], [403, "origin-not-allowed", "GENERAL", "theme"]);
    for (const [from, allowed] of [[SHOP, SHOP], [ELSEWHERE, null]]) {
      const preflight = await fetch(`${edge.url}/ofrep/v1/evaluate/flags`, { method: "OPTIONS", headers: { origin: from } });
      assert.deepEqual([preflight.status, preflight.headers.get("access-control-allow-origin")], [204, allowed]);
    }
  });

  test("a key that is used too often has to wait; keys that nobody knows count for nobody", async () => {
    const stranger = environment().keys;
    for (let number = 0; number < 60; number++) assert.equal((await head(edge, SHOP, stranger.client)).status, 401);
    const answers = [];
    // A slow machine may see one or two more become due.
    while (answers.at(-1)?.status !== 429 && answers.length < 60) answers.push(await edge.evaluate("theme", {}, world.keys.server));
    const refused = answers.pop();
    assert.deepEqual([refused.status, refused.body.code, refused.body.errorCode], [429, "too-many-requests", "GENERAL"]);
    assert.ok(Number(refused.headers.get("retry-after")) <= 2);
    assert.ok(answers.length >= 40 && answers.every(({ status }) => status === 200), `${answers.length} were answered`);
  });

  test("a pushed change of the terms is in force when the push is answered", async () => {
    const next = world.sign({ version: 2, origins: [ELSEWHERE] });
    assert.equal((await edge.push(next.edge, next.keyset)).status, 200);
    assert.equal((await head(edge, ELSEWHERE)).status, 200);
    assert.equal((await head(edge, SHOP)).status, 403);
    assert.equal((await edge.evaluate("theme", {}, world.keys.server)).status, 200, "no limit any more");
    const open = world.sign({ version: 3 });
    assert.equal((await edge.push(open.edge, open.keyset)).status, 200);
    assert.equal((await head(edge, SHOP)).headers.get("access-control-allow-origin"), "*");
  });
});

test("each address of a public key is counted, a network of version 6 as one", async () => {
  const world = environment();
  const signed = world.sign({ version: 1, requestsPerMinute: 3 });
  const origin = await startOrigin(world.id, world.keys.edge);
  origin.serve(signed);
  const edge = await startEdge({ connection: world.connection(origin.url, signed.fingerprint), pushKey: world.pushKey, cf: {} });
  const ask = async (address) => (await edge.evaluate("theme", {}, world.keys.client, { "cf-connecting-ip": address })).status;
  try {
    const of = async (...addresses) => {
      const statuses = [];
      for (const address of addresses) statuses.push(await ask(address));
      return statuses;
    };
    assert.deepEqual(await of(...Array(4).fill("192.0.2.1")), [200, 200, 200, 429]);
    assert.deepEqual(await of("192.0.2.2"), [200]);
    assert.deepEqual(await of("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8:0:1::1"), [200, 200, 200, 429, 200]);
    // A flood of addresses does not free the one that has to wait.
    for (let number = 0; number < 600; number++) await ask(`198.51.${number >> 8}.${number & 255}`);
    assert.equal(await ask("192.0.2.1"), 429);
  } finally {
    await edge.stop();
    await edge.remove();
    await origin.stop();
  }
});
