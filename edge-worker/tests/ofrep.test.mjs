// OpenFeature Remote Evaluation, as bytes on the wire. The official clients are in end-to-end/ofrep.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { after, before, describe, test } from "node:test";
import { startEdge } from "./support/edge.mjs";
import { startOrigin } from "./support/origin.mjs";
import { CONFIGURATION, environment, withFlag } from "./support/world.mjs";

const CLIENT_FLAGS = Object.keys(CONFIGURATION.flags).filter((key) => CONFIGURATION.flags[key].clientVisible).sort();

describe("OFREP", () => {
  const world = environment();
  const signed = world.sign({ version: 1 });
  let origin, edge;
  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    edge = await startEdge({ connection: world.connection(origin.url, signed.fingerprint), pushKey: world.pushKey });
  });
  after(async () => {
    await edge?.stop();
    await edge?.remove();
    await origin?.stop();
  });
  const { client, server } = world.keys;

  test("values of every type, with variant and reason", async () => {
    const expected = {
      "new-checkout": [true, "on", "TARGETING_MATCH"],
      "theme": ["gold", "gold", "TARGETING_MATCH"],
      "page-size": [50, "large", "STATIC"],
      "ratio": [0.25, "quarter", "STATIC"],
      "limits": [{ seats: 100, regions: ["eu", "us"] }, "many", "STATIC"],
      "switched-off": [false, "off", "DISABLED"],
      "server-only": [true, "on", "STATIC"],
    };
    for (const [flag, outcome] of Object.entries(expected)) {
      const { status, headers, body } = await edge.evaluate(flag, { targetingKey: "u1", plan: "pro" }, server);
      assert.equal(status, 200);
      assert.match(headers.get("content-type"), /^application\/json/);
      assert.deepEqual([body.value, body.variant, body.reason], outcome, flag);
      assert.equal(body.key, flag);
    }
    assert.equal((await edge.evaluate("new-checkout", { targetingKey: "blocked" }, server)).body.value, false);
  });

  test("numbers of a context are read to the last bit", async () => {
    const [number, below] = [0.9073038322028689, 0.9073038322028688];
    const flag = {
      type: "boolean", enabled: true, offVariant: "off", variants: [{ key: "on", value: true }, { key: "off", value: false }],
      rules: [{ id: "same", when: { equals: { attribute: "ratio", value: number } }, serve: { variant: "on" } }],
      fallthrough: { variant: "off" },
    };
    const exact = world.sign({ version: 1, configuration: { format: 1, segments: {}, attributes: { ratio: { type: "number" } }, flags: { exact: flag } } });
    const own = await startOrigin(world.id, world.keys.edge);
    own.serve(exact);
    const other = await startEdge({ connection: world.connection(own.url, exact.fingerprint), pushKey: world.pushKey });
    const values = [];
    for (const ratio of [number, below]) values.push((await other.evaluate("exact", { ratio }, server)).body.value);
    await other.stop();
    await other.remove();
    await own.stop();
    assert.deepEqual(values, [true, false]);
  });

  test("a split is stable per user and near its weights", async () => {
    let on = 0;
    for (let i = 0; i < 200; i += 1) {
      const { body } = await edge.evaluate("rollout", { targetingKey: `user-${i}` }, server);
      assert.equal(body.reason, "SPLIT");
      on += body.value;
    }
    assert.ok(on > 70 && on < 130, `${on} of 200`);
  });

  test("a split without its unit is TARGETING_KEY_MISSING", async () => {
    const { status, body } = await edge.evaluate("rollout", {}, server);
    assert.deepEqual([status, body.key, body.errorCode], [400, "rollout", "TARGETING_KEY_MISSING"]);
    assert.ok(body.errorDetails);
  });

  test("an unknown flag is FLAG_NOT_FOUND, and for a client key so is a hidden one", async () => {
    for (const [flag, key] of [["no-such-flag", server], ["no-such-flag", client], ["server-only", client], ["with%20space", client]]) {
      const { status, body } = await edge.evaluate(flag, { targetingKey: "u1" }, key);
      assert.deepEqual([status, body.key, body.errorCode], [404, decodeURIComponent(flag), "FLAG_NOT_FOUND"]);
      assert.ok(body.errorDetails);
    }
  });

  test("a body that is no request is a named error with the key", async () => {
    const send = async (body, headers = {}) => {
      const answer = await fetch(`${edge.url}/ofrep/v1/evaluate/flags/theme`, {
        method: "POST", body, headers: { authorization: `Bearer ${server}`, "content-type": "application/json", ...headers },
      });
      return [answer.status, await answer.json()];
    };
    for (const [text, errorCode] of [["{", "PARSE_ERROR"], ["[1]", undefined], ['{"context":5}', "INVALID_CONTEXT"], ['{"context":{"targetingKey":{}}}', "INVALID_CONTEXT"]]) {
      const [status, body] = await send(text);
      assert.deepEqual([status, body.key], [400, "theme"], text);
      if (errorCode) assert.equal(body.errorCode, errorCode, text);
      else assert.ok(["PARSE_ERROR", "INVALID_CONTEXT"].includes(body.errorCode), text);
    }
    const [status, body] = await send(JSON.stringify({ context: { filler: "x".repeat(300 * 1024) } }));
    assert.deepEqual([status, body.key, body.errorCode, body.code], [413, "theme", "INVALID_CONTEXT", "body-too-large"]);
  });

  for (const [name, key, size, chunked, refused] of [
    ["that is too long", server, 300 * 1024, false, 413],
    ["that turns out too long", server, 300 * 1024, true, 413],
    ["of somebody unknown", "pns_nobody", 300 * 1024, false, 401],
    ["of somebody unknown, in parts", "pns_nobody", 300 * 1024, true, 401],
  ]) {
    test(`a body ${name} costs its sender no connection`, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const sockets = new Set();
      const post = (body, authorization) =>
        new Promise((resolve, reject) => {
          const length = chunked ? {} : { "content-length": body.length };
          const headers = { authorization: `Bearer ${authorization}`, "content-type": "application/json", ...length };
          const sent = request(`${edge.url}/ofrep/v1/evaluate/flags/theme`, { method: "POST", agent, headers }, (answer) => {
            sockets.add(answer.socket);
            answer.resume().on("error", reject).on("end", () => resolve(answer.statusCode));
          });
          sent.on("error", reject).end(body);
        });
      for (let turn = 0; turn < 5; turn++) {
        assert.equal(await post("x".repeat(size), key), refused);
        assert.equal(await post('{"context":{"targetingKey":"u1"}}', server), 200);
      }
      assert.equal(sockets.size, 1);
      agent.destroy();
    });
  }

  for (const [name, key, chunked, refused] of [
    ["that is too long", server, false, 413],
    ["that turns out too long", server, true, 413],
    ["of somebody unknown", "pns_nobody", true, 401],
  ]) {
    test(`nobody waits for the rest of a body ${name} and does not come`, async () => {
      const length = chunked ? {} : { "content-length": 300 * 1024 };
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", ...length };
      const sent = request(`${edge.url}/ofrep/v1/evaluate/flags/theme`, { method: "POST", headers, signal: AbortSignal.timeout(10_000) });
      const answered = once(sent, "response");
      sent.write("x".repeat(200 * 1024));
      const [answer] = await answered;
      assert.equal(answer.statusCode, refused);
      sent.on("error", () => {}).destroy();
    });
  }

  test("bulk: a server key gets every flag, a client key those for clients", async () => {
    const all = await edge.evaluate(undefined, { targetingKey: "u1" }, server);
    assert.deepEqual(all.body.flags.map((flag) => flag.key).sort(), Object.keys(CONFIGURATION.flags).sort());
    const some = await edge.evaluate(undefined, { targetingKey: "u1" }, client);
    assert.deepEqual(some.body.flags.map((flag) => flag.key).sort(), CLIENT_FLAGS);
    assert.match(some.headers.get("content-type"), /^application\/json/);
  });

  test("bulk: a flag that fails does not spoil the others", async () => {
    const { status, body } = await edge.evaluate(undefined, { plan: "pro" }, client);
    assert.equal(status, 200);
    const rollout = body.flags.find((flag) => flag.key === "rollout");
    assert.deepEqual([rollout.errorCode, "value" in rollout], ["TARGETING_KEY_MISSING", false]);
    assert.equal(body.flags.find((flag) => flag.key === "theme").value, "gold");
  });

  test("the ETag covers the whole context, the key's rights and the version", async () => {
    const ask = (context, key, etag) => edge.evaluate(undefined, context, key, etag ? { "if-none-match": etag } : {});
    const first = await ask({ targetingKey: "u1", plan: "free" }, client);
    const etag = first.headers.get("etag");
    assert.match(etag, /^(W\/)?"[^"]+"$/);
    const same = await ask({ plan: "free", targetingKey: "u1" }, client, etag);
    assert.deepEqual([same.status, same.body, same.headers.get("etag")], [304, undefined, etag], "another order of names is the same context");
    const changed = await ask({ targetingKey: "u1", plan: "pro" }, client, etag);
    assert.equal(changed.status, 200, "an attribute alone changes it");
    assert.equal(changed.body.flags.find((flag) => flag.key === "theme").value, "gold");
    assert.equal((await ask({ targetingKey: "u1", plan: "free" }, server, etag)).status, 200, "a server key sees more flags");
    const next = world.sign({ version: 2, configuration: withFlag("theme", false) });
    assert.equal((await edge.push(next.edge, next.keyset)).status, 200);
    origin.serve(next);
    assert.equal((await ask({ targetingKey: "u1", plan: "free" }, client, etag)).status, 200, "a new version changes it");
  });

  test("without a good key: 401 and 403, with key and errorCode", async () => {
    const answer = await fetch(`${edge.url}/ofrep/v1/evaluate/flags/theme`, { method: "POST", body: "{}" });
    const body = await answer.json();
    assert.deepEqual([answer.status, body.code, body.key, body.errorCode], [401, "key-missing", "theme", "GENERAL"]);
  });

  test("X-API-Key does as well as Authorization", async () => {
    const answer = await fetch(`${edge.url}/ofrep/v1/evaluate/flags/page-size`, {
      method: "POST", body: '{"context":{}}', headers: { "x-api-key": client, "content-type": "application/json" },
    });
    assert.equal((await answer.json()).value, 50);
  });
});
