// The simple evaluation API. What it answers is core's, tested there and at the control plane; here, that the edge speaks it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startEdge } from "./support/edge.mjs";
import { startOrigin } from "./support/origin.mjs";
import { environment } from "./support/world.mjs";

describe("simple evaluation", () => {
  const world = environment();
  const signed = world.sign({ version: 1 });
  const { client, server } = world.keys;
  let origin, edge;
  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    edge = await startEdge({ connection: world.connection(origin.url, signed.fingerprint), pushKey: world.pushKey, environmentKey: "staging" });
  });
  after(async () => {
    await edge?.stop();
    await edge?.remove();
    await origin?.stop();
  });
  const ask = async (path, key, init = {}) => {
    const headers = { ...(key ? { authorization: `Bearer ${key}` } : {}), ...init.headers };
    const answer = await fetch(`${edge.url}/api/v1/flags/${path}`, { ...init, headers });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  };
  const batch = (body, key) =>
    ask("batch", key, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });

  test("one flag", async () => {
    const { status, headers, body } = await ask("page-size?userId=u1", server);
    assert.equal(status, 200);
    assert.deepEqual(body, { key: "page-size", enabled: true, value: 50, variant: "large", reason: "STATIC" });
    assert.equal(headers.get("cache-control"), "private, no-cache");
    assert.equal(headers.get("access-control-allow-origin"), "*");
    const blocked = await ask("new-checkout?userId=blocked", server);
    assert.deepEqual([blocked.body.enabled, blocked.body.reason], [false, "TARGETING_MATCH"]);
    assert.equal((await ask("switched-off", server)).body.reason, "DISABLED");
    assert.equal((await ask(`page-size?key=${client}`)).status, 200);
  });

  test("what is wrong is a problem with a code", async () => {
    for (const [path, key, status, code] of [
      ["no-such-flag", server, 404, "flag-not-found"],
      ["server-only", client, 404, "flag-not-found"],
      ["rollout", server, 400, "targeting-key-missing"],
      ["page-size?plan=pro", server, 400, "query"],
      ["page-size", undefined, 401, "key-missing"],
      [`page-size?key=${server}`, undefined, 400, "key-in-query"],
    ]) {
      const answer = await ask(path, key);
      assert.deepEqual([answer.status, answer.body.code], [status, code], path);
      assert.equal(answer.headers.get("content-type"), "application/problem+json", path);
    }
    assert.equal((await ask("page-size", server, { method: "POST" })).status, 405);
    assert.equal((await ask("batch", server)).status, 405);
  });

  test("another environment than the key's is refused", async () => {
    for (const [name, status] of [[world.id, 200], ["", 200], ["staging", 200], ["0".repeat(32), 403], ["production", 403]]) {
      assert.equal((await ask(`page-size?environment=${name}`, server)).status, status, name);
      assert.equal((await batch({ flags: ["page-size"], environment: name }, server)).status, status, name);
    }
  });

  test("a batch with a context", async () => {
    const { status, body } = await batch({ context: { targetingKey: "u1", plan: "pro" }, flags: ["theme", "new-checkout", "no-such-flag"] }, server);
    assert.equal(status, 200);
    assert.deepEqual(body.flags.map((flag) => [flag.key, flag.enabled, flag.value]), [
      ["theme", true, "gold"], ["new-checkout", true, true], ["no-such-flag", false, null],
    ]);
    assert.equal(body.flags[2].errorCode, "FLAG_NOT_FOUND");
    assert.equal(body.version, 1);
    assert.equal((await batch({ user: "u1" }, server)).status, 400);
    assert.ok((await batch({}, client)).body.flags.every((flag) => flag.key !== "server-only"));
  });
});
