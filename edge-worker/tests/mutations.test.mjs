// What nobody would send: pushes, evaluations and deltas with anything changed in them. They are refused clearly, what is held stays, and
// the instance never stops.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { Random } from "../../judges/random.mjs";
import { startWorkerd, until } from "./support/edge.mjs";
import { startOrigin } from "./support/origin.mjs";
import { environment, pushBody, withFlag } from "./support/world.mjs";

const SEED = 4711;
const PUSHES = 600;
const BODIES = 1_500;
const DELTAS = 24;
/** The worker waits so long for the body of a push (src/push.rs), and a little longer is waited for it. */
const PUSH_TIMEOUT_MS = 20_000;
const PATIENCE_MS = 10_000;

const PRO = { targetingKey: "u1", plan: "pro" };
const JSON_TYPE = "application/json";

/** Whatever can happen to bytes. */
function mutated(bytes, random) {
  const copy = Buffer.from(bytes);
  const at = random.below(Math.max(copy.length, 1));
  const part = copy.subarray(at, at + 1 + random.below(64));
  return random.of(
    () => (copy.length > 0 && (copy[at] ^= 1 << random.below(8)), copy),
    () => (copy.length > 0 && (copy[at] = random.below(256)), copy),
    () => (copy.subarray(at, at + 1 + random.below(16)).fill(random.pick([0, 255])), copy),
    () => copy.subarray(0, at),
    () => copy.subarray(at),
    () => Buffer.concat([copy, part]),
    () => Buffer.concat([copy.subarray(0, at), part, copy.subarray(at)]),
    () => Buffer.concat([copy.subarray(0, at), copy.subarray(at + part.length)]),
    () => (copy.length >= at + 4 && copy.writeUInt32BE(random.pick([0, 1, 0x7fffffff, 0xffffffff, copy.length]), at), copy),
    () => Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256))),
  );
}

/** Head and body of a push (core/spec/protocol.md): what the edge may take whatever stands in the keyset between them. */
function parts(push) {
  try {
    const head = push.subarray(4, 4 + push.readUInt32BE(0));
    const keyset = 4 + head.length;
    return Buffer.concat([head, push.subarray(keyset + 4 + push.readUInt32BE(keyset))]).toString("hex");
  } catch {
    return undefined;
  }
}

/** JSON values in which hardly anything is as it should be. */
function oddValue(random, depth = 0) {
  return random.of(
    () => random.pick([null, true, 0, -0, 1e308, -1, 0.1, 2 ** 53, "", "u1", "\u0000", "\ud800", "x".repeat(5_000), "__proto__"]),
    () => (depth > 5 ? [] : random.list(4, () => oddValue(random, depth + 1))),
    () => (depth > 5 ? {} : Object.fromEntries(random.list(4, () => [random.pick(["", "plan", "targetingKey", "a.b", "/", "__proto__", "\u0000"]), oddValue(random, depth + 1)]))),
  );
}

describe("with anything changed in them", () => {
  const world = environment();
  const first = world.sign({ version: 1 });
  const second = world.sign({ version: 2, configuration: withFlag("theme", false) });
  const random = new Random(SEED);
  let origin, edge;
  let version = 1;
  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(first);
    edge = await startWorkerd({ connection: world.connection(origin.url, first.fingerprint), pushKey: world.pushKey, refreshMs: "100" });
    await theme("gold");
  });
  after(async () => {
    await edge?.stop();
    await edge?.remove();
    await origin?.stop();
  });

  async function theme(expected) {
    const { status, body } = await edge.evaluate("theme", PRO, world.keys.server);
    assert.deepEqual([status, body.value], [200, expected]);
  }

  const neverStopped = () => assert.doesNotMatch(edge.log(), /instance stopped|RuntimeError|panicked/);

  test("a push is taken when head and body are what was signed, and refused otherwise", async () => {
    const counts = { taken: 0, refused: 0 };
    for (let number = 0; number < PUSHES; number++) {
      const whole = pushBody(world.resigned(first.edge, version + 1), first.keyset);
      const body = mutated(whole, random);
      const answer = await fetch(`${edge.url}/v1/push`, { method: "POST", headers: { authorization: `Bearer ${world.pushKey}` }, body });
      const told = await answer.json();
      const sound = parts(body) === parts(whole);
      const what = `push ${number} (${body.toString("hex").slice(0, 200)}...) is answered with ${answer.status} ${JSON.stringify(told)}`;
      if (sound) assert.deepEqual([answer.status, told.version], [200, ++version], what);
      else assert.ok([400, 409, 413, 422].includes(answer.status) && told.code && told.detail, what);
      counts[sound ? "taken" : "refused"] += 1;
    }
    assert.ok(counts.refused > PUSHES / 2 && counts.taken > 0, JSON.stringify(counts));
    assert.equal(await edge.version(), version);
    await theme("gold");
    neverStopped();
  });

  test("an evaluation answers with an outcome, or says what is wrong", async () => {
    const good = JSON.stringify({ context: { ...PRO, age: 34, tags: ["a", { b: null }], since: "2026-01-01T00:00:00Z" } });
    const counts = {};
    for (let number = 0; number < BODIES; number++) {
      const body = random.of(
        () => mutated(Buffer.from(good), random),
        () => JSON.stringify({ context: oddValue(random) }),
        () => JSON.stringify(oddValue(random)),
        () => "[".repeat(random.below(2_000)),
      );
      const path = random.pick(["", "/theme", "/rollout", "/nothing", "/%00", `/${encodeURIComponent("🚩")}`, "/%ff"]);
      const headers = { "content-type": JSON_TYPE, authorization: `Bearer ${random.pick([world.keys.server, world.keys.client])}` };
      const answer = await fetch(`${edge.url}/ofrep/v1/evaluate/flags${path}`, { method: "POST", headers, body });
      const text = await answer.text();
      const what = `${path} with ${String(body).slice(0, 200)} is answered with ${answer.status} ${text.slice(0, 200)}`;
      assert.ok([200, 400, 404].includes(answer.status), what);
      const told = JSON.parse(text);
      if (answer.status === 200) assert.ok(path === "" ? Array.isArray(told.flags) : "reason" in told, what);
      else assert.ok(["PARSE_ERROR", "INVALID_CONTEXT", "FLAG_NOT_FOUND", "TARGETING_KEY_MISSING"].includes(told.errorCode) && told.errorDetails, what);
      counts[answer.status] = (counts[answer.status] ?? 0) + 1;
    }
    for (const status of [200, 400, 404]) assert.ok(counts[status] > 20, JSON.stringify(counts));
    await theme("gold");
    neverStopped();
  });

  test("a delta leads to the signed body, or the whole body is fetched", async () => {
    // The edge makes the delta that is then changed.
    const serve = async (signed, value) => {
      version += 1;
      origin.serve({ ...signed, edge: world.resigned(signed.edge, version) }, ["edge"]);
      await until(`version ${version}`, async () => {
        await edge.evaluate("theme", PRO, world.keys.server);
        return (await edge.version()) === version;
      });
      await theme(value);
    };
    await serve(second, "plain");
    const answer = await edge.get(`/v1/delta/${first.edge.sha256}/${second.edge.sha256}`, { authorization: `Bearer ${world.keys.edge}` });
    assert.equal(answer.status, 200);
    const delta = Buffer.from(await answer.arrayBuffer());
    for (let number = 0; number < DELTAS; number++) {
      await serve(first, "gold");
      origin.serveDelta(first.edge.sha256, second.edge.sha256, mutated(delta, random));
      await serve(second, "plain");
    }
    const { failures } = await edge.status();
    assert.ok(failures["malformed-delta"] > DELTAS / 2, JSON.stringify(failures));
    neverStopped();
  });

  test("a push whose body does not arrive is given up", { timeout: PUSH_TIMEOUT_MS + PATIENCE_MS }, async () => {
    const { port } = new URL(edge.url);
    const socket = connect(Number(port), "127.0.0.1");
    let text = "";
    const answered = new Promise((resolve, reject) => {
      socket.setEncoding("latin1").on("error", reject).on("close", resolve).on("data", (data) => {
        text += data;
        if (text.includes("body-too-slow")) resolve();
      });
    });
    const started = performance.now();
    socket.write(`POST /v1/push HTTP/1.1\r\nhost: edge\r\nauthorization: Bearer ${world.pushKey}\r\ncontent-length: 1000\r\n\r\nabc`);
    await answered;
    socket.destroy();
    assert.match(text, /^HTTP\/1\.1 408 /);
    assert.ok(performance.now() - started >= PUSH_TIMEOUT_MS - 1_000);
    await theme("plain");
  });
});
