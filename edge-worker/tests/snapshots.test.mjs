// What the edge takes for true, what it keeps, and what it serves when everything behind it is gone.
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { startEdge, startWorkerd, until } from "./support/edge.mjs";
import { withKv } from "./support/kv.mjs";
import { startOrigin } from "./support/origin.mjs";
import { environment, flipped, withFlag } from "./support/world.mjs";

/** Offsets in a head (core/spec/snapshot.md section 2). */
const VERSION_AT = 44;
const SIGNATURE_AT = -1;
const DAY_MS = 24 * 60 * 60 * 1000;

const PRO = { targetingKey: "u1", plan: "pro" };

describe("an edge with its control plane", () => {
  const world = environment();
  const first = world.sign({ version: 10 });
  let origin, edge;
  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(first);
    edge = await startEdge({ connection: world.connection(origin.url, first.fingerprint), pushKey: world.pushKey });
  });
  after(async () => {
    await edge?.stop();
    await edge?.remove();
    await origin?.stop();
  });

  test("a cold edge takes its first snapshot from the control plane and evaluates", async () => {
    const { status, body } = await edge.evaluate("new-checkout", PRO, world.keys.server);
    assert.equal(status, 200);
    assert.deepEqual([body.value, body.variant, body.reason], [true, "on", "TARGETING_MATCH"]);
    assert.equal(await edge.version(), 10);
  });

  test("a newer head at the control plane is picked up by polling", async () => {
    origin.serve(world.sign({ version: 11, configuration: withFlag("new-checkout", false) }));
    await until("version 11", async () => {
      await edge.evaluate("new-checkout", PRO, world.keys.server);
      return (await edge.version()) === 11;
    });
    const { body } = await edge.evaluate("new-checkout", PRO, world.keys.server);
    assert.deepEqual([body.value, body.reason], [false, "DISABLED"]);
  });

  test("a pushed snapshot is in use when the push is answered", async () => {
    const next = world.sign({ version: 12 });
    const pushed = await edge.push(next.edge, next.keyset);
    assert.equal(pushed.status, 200, JSON.stringify(pushed.body));
    assert.deepEqual([pushed.body.version, pushed.body.kind], [12, "edge"]);
    assert.ok(pushed.body.age_ms >= 0);
    const { body } = await edge.evaluate("new-checkout", PRO, world.keys.server);
    assert.equal(body.value, true);
    const again = await edge.push(next.edge, next.keyset);
    assert.equal(again.status, 200, "the same push twice is the same answer");
    origin.serve(next);
  });

  test("a renewed signature over the same body is taken without a new body", async () => {
    const renewed = world.sign({ version: 12, created: Date.now() + 1000 });
    origin.serve(renewed);
    const bodies = () => origin.requests.filter((path) => path.startsWith("/v1/body/")).length;
    const before = bodies();
    const head = await until("the renewed head", async () => {
      const answer = await edge.get(`/v1/head/${world.id}/edge`, { authorization: `Bearer ${world.keys.edge}` });
      const bytes = Buffer.from(await answer.arrayBuffer());
      return bytes.equals(renewed.edge.head) && bytes;
    });
    assert.ok(head.length > 160);
    assert.equal(bodies(), before);
  });

  test("heads, bodies and keysets are passed on byte for byte, with the caching of their kind", async () => {
    const signed = world.sign({ version: 13 });
    for (const kind of ["edge", "client", "server"]) assert.equal((await edge.push(signed[kind], signed.keyset)).status, 200);
    origin.serve(signed);
    const bytes = async (path, headers) => {
      const answer = await edge.get(path, headers);
      assert.equal(answer.status, 200, path);
      return [Buffer.from(await answer.arrayBuffer()), answer.headers];
    };
    const [head, headHeaders] = await bytes(`/v1/head/${world.id}/client?key=${world.keys.client}`);
    assert.deepEqual(head, signed.client.head);
    assert.equal(headHeaders.get("cache-control"), "public, max-age=5, stale-while-revalidate=60, stale-if-error=604800");
    const [body, bodyHeaders] = await bytes(`/v1/body/${signed.client.sha256}?key=${world.keys.client}`);
    assert.deepEqual(body, signed.client.body);
    assert.equal(bodyHeaders.get("cache-control"), "public, max-age=31536000, immutable");
    const server = { authorization: `Bearer ${world.keys.server}` };
    const [serverHead, serverHeaders] = await bytes(`/v1/head/${world.id}/server`, server);
    assert.deepEqual(serverHead, signed.server.head);
    assert.match(serverHeaders.get("cache-control"), /^private/);
    assert.deepEqual((await bytes(`/v1/body/${signed.server.sha256}`, server))[0], signed.server.body);
    assert.deepEqual((await bytes("/v1/keyset/1"))[0], signed.keyset);
    assert.equal((await edge.get("/v1/keyset/2")).status, 404);
  });

  test("a body that was replaced a moment ago can still be read", async () => {
    const old = world.sign({ version: 14 });
    const next = world.sign({ version: 15, configuration: withFlag("theme", false) });
    await edge.push(old.client, old.keyset);
    await edge.push(next.client, next.keyset);
    const answer = await edge.get(`/v1/body/${old.client.sha256}?key=${world.keys.client}`);
    assert.equal(answer.status, 200);
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), old.client.body);

    assert.equal((await edge.push(next.client, next.keyset)).status, 200, "a push that is sent once more");
    assert.equal((await edge.get(`/v1/body/${old.client.sha256}?key=${world.keys.client}`)).status, 200);
  });

  test("whatever a secret key reads is kept by nobody in between", async () => {
    const signed = world.sign({ version: 16 });
    for (const kind of ["edge", "client", "server"]) assert.equal((await edge.push(signed[kind], signed.keyset)).status, 200);
    origin.serve(signed);
    for (const key of [world.keys.server, world.keys.edge]) {
      for (const path of [`/v1/head/${world.id}/client`, `/v1/body/${signed.client.sha256}`, `/v1/head/${world.id}/server`]) {
        const { status, headers } = await edge.get(path, { authorization: `Bearer ${key}` });
        assert.deepEqual([status, headers.get("cache-control")], [200, "private, no-store"], path);
      }
    }
    const { headers } = await edge.get(`/v1/head/${world.id}/client?key=${world.keys.client}`);
    assert.match(headers.get("vary"), /authorization/i, "a key in a header must not be answered to those without");
  });
});

describe("refusals keep the last good snapshot", () => {
  const world = environment();
  const other = environment(world.seeds);
  const good = world.sign({ version: 20 });
  const next = world.sign({ version: 21, configuration: withFlag("new-checkout", false) });
  let origin, edge;
  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(good);
    edge = await startEdge({ connection: world.connection(origin.url, good.fingerprint), pushKey: world.pushKey });
    assert.equal((await edge.push(good.edge, good.keyset)).status, 200);
  });
  after(async () => {
    await edge?.stop();
    await edge?.remove();
    await origin?.stop();
  });

  const stranger = environment().sign({ version: 21 });
  const cases = {
    "a head with one bit of its signature flipped": ["bad-signature", 422, { ...next.edge, head: flipped(next.edge.head, SIGNATURE_AT) }],
    "a head with one bit of its version flipped": ["bad-signature", 422, { ...next.edge, head: flipped(next.edge.head, VERSION_AT + 6) }],
    "a body with one bit flipped": ["body-hash", 422, { ...next.edge, body: flipped(next.edge.body, -1) }],
    "a body that breaks off": ["body-length", 422, { ...next.edge, body: next.edge.body.subarray(0, -1) }],
    "a head of another environment": ["wrong-environment", 422, other.sign({ version: 21 }).edge],
    "a replayed older head": ["older-version", 409, world.sign({ version: 19 }).edge],
    "an older signature over the same version": ["older-version", 409, world.sign({ version: 20, created: Date.now() - DAY_MS }).edge],
    "the same version with another body": ["conflicting-body", 409, world.sign({ version: 20, configuration: withFlag("theme", false), created: Date.now() + 5000 }).edge],
    "a head past its last date": ["expired", 422, world.sign({ version: 21, created: Date.now() - 40 * DAY_MS }).edge],
    "a head by a root that is not in the connection string": ["unknown-key", 422, { ...next.edge, head: foreignSignature(next.edge.head, stranger.edge.head) }],
    "half a head": ["malformed-head", 422, { ...next.edge, head: next.edge.head.subarray(0, 100) }],
  };

  /** The head with the signature of a key that the keyset does not know. */
  function foreignSignature(head, foreign) {
    return Buffer.concat([head.subarray(0, 160), foreign.subarray(160)]);
  }

  for (const [what, [code, status, signed]] of Object.entries(cases)) {
    test(`pushed: ${what} is refused as ${code}`, async () => {
      const before = (await edge.status()).failures[code] ?? 0;
      const answer = await edge.push(signed, next.keyset);
      assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
      if (code !== "malformed-head") {
        const counted = (await edge.status()).failures[code] ?? 0;
        assert.ok(counted > before, `${code} is counted`);
        if (code !== "wrong-environment") assert.equal(answer.body.version, 20, "the answer names the version in use");
      }
      assert.equal(await edge.version(), 20);
      const { body } = await edge.evaluate("new-checkout", PRO, world.keys.server);
      assert.equal(body.value, true, "the last good snapshot answers");
    });
  }

  test("a client snapshot under the name of another kind is refused", async () => {
    const disguised = Buffer.from(next.client.head);
    disguised[6] = 3;
    const answer = await edge.push({ head: disguised, body: next.client.body }, next.keyset);
    assert.deepEqual([answer.status, answer.body.code], [422, "bad-signature"]);
  });

  test("a keyset of another root is refused", async () => {
    const folder = await startEdge({ connection: world.connection(origin.url, stranger.fingerprint), pushKey: world.pushKey });
    try {
      const answer = await folder.push(next.edge, next.keyset);
      assert.deepEqual([answer.status, answer.body.code], [422, "wrong-root"]);
      assert.equal((await folder.evaluate("theme", PRO, world.keys.server)).status, 503);
    } finally {
      await folder.stop();
      await folder.remove();
    }
  });

  test("a push with a wrong key, or none, changes nothing", async () => {
    const wrong = await edge.push(next.edge, next.keyset, "not-the-key");
    assert.deepEqual([wrong.status, wrong.body.code], [401, "key-unknown"]);
    const missing = await fetch(`${edge.url}/v1/push`, { method: "POST", body: "x" });
    assert.deepEqual([missing.status, (await missing.json()).code], [401, "key-missing"]);
    assert.equal(await edge.version(), 20);
  });

  test("a push that is not one is refused with its shape", async () => {
    const answer = await fetch(`${edge.url}/v1/push`, {
      method: "POST", headers: { authorization: `Bearer ${world.pushKey}` }, body: Buffer.from([0, 0, 1, 0, 1]),
    });
    assert.deepEqual([answer.status, (await answer.json()).code], [400, "malformed-push"]);
  });

  const fromOrigin = {
    "a flipped signature": ["bad-signature", () => origin.forgeHead("edge", flipped(next.edge.head, SIGNATURE_AT))],
    "another environment's head": ["wrong-environment", () => origin.forgeHead("edge", other.sign({ version: 21 }).edge.head)],
    "an older head": ["older-version", () => origin.forgeHead("edge", world.sign({ version: 19 }).edge.head)],
    "a body that does not belong to the head": ["body-hash", () => {
      origin.forgeHead("edge", next.edge.head);
      origin.forgeBody(next.edge.sha256, flipped(next.edge.body, -1));
    }],
    "garbage": ["malformed-head", () => origin.forgeHead("edge", Buffer.from("<html>404</html>"))],
    "a server error": ["origin-error", () => origin.answerWith((path) => path.startsWith("/v1/head/") && { status: 500 })],
  };
  for (const [what, [code, break_]] of Object.entries(fromOrigin)) {
    test(`polled: ${what} is counted as ${code}`, async () => {
      const before = (await edge.status()).failures[code] ?? 0;
      break_();
      await until(`${code} in the status`, async () => {
        const { body } = await edge.evaluate("new-checkout", PRO, world.keys.server);
        assert.equal(body.value, true, "the last good snapshot answers throughout");
        return ((await edge.status()).failures[code] ?? 0) > before;
      });
      origin.answerWith();
      assert.equal(await edge.version(), 20);
    });
  }

  test("and when all is well again, the edge goes on by itself", async () => {
    origin.serve(next);
    await until("version 21", async () => {
      await edge.evaluate("new-checkout", PRO, world.keys.server);
      return (await edge.version()) === 21;
    });
  });
});

describe("an edge without its control plane", () => {
  const world = environment();
  const signed = world.sign({ version: 30 });

  test("starts again from KV, keeps its high-water mark, and recovers by itself", async () => {
    let origin = await startOrigin(world.id, world.keys.edge);
    const { port } = origin;
    origin.serve(signed);
    const connection = world.connection(origin.url, signed.fingerprint);
    const warm = await startEdge({ connection, pushKey: world.pushKey });
    assert.equal((await warm.evaluate("theme", PRO, world.keys.client)).body.value, "gold");
    assert.equal((await warm.get(`/v1/head/${world.id}/client?key=${world.keys.client}`)).status, 200);
    await warm.stored();
    await origin.stop();
    await warm.stop();

    const cold = await startEdge({ connection, pushKey: world.pushKey, state: warm.state });
    try {
      const { status, body } = await cold.evaluate("theme", PRO, world.keys.client);
      assert.deepEqual([status, body.value, body.reason], [200, "gold", "TARGETING_MATCH"]);
      const head = await cold.get(`/v1/head/${world.id}/client?key=${world.keys.client}`);
      assert.deepEqual(Buffer.from(await head.arrayBuffer()), signed.client.head);
      const body_ = await cold.get(`/v1/body/${signed.client.sha256}?key=${world.keys.client}`);
      assert.deepEqual(Buffer.from(await body_.arrayBuffer()), signed.client.body);

      const replayed = await cold.push(world.sign({ version: 29 }).edge, signed.keyset);
      assert.deepEqual([replayed.status, replayed.body.code], [409, "older-version"]);
      await until("the outage in the status", async () => {
        assert.equal((await cold.evaluate("theme", PRO, world.keys.client)).body.value, "gold");
        return (await cold.status()).failures["origin-unreachable"] > 0;
      });

      origin = await startOrigin(world.id, world.keys.edge, port);
      origin.serve(world.sign({ version: 31, configuration: withFlag("theme", false) }));
      await until("version 31", async () => {
        await cold.evaluate("theme", PRO, world.keys.client);
        return (await cold.version()) === 31;
      });
      assert.equal((await cold.evaluate("theme", PRO, world.keys.client)).body.value, "plain");
    } finally {
      await cold.stop();
      await warm.remove();
      await origin.stop();
    }
  });

  test("what lies in KV is verified like anything else, and its mark alone still refuses a replay", async () => {
    const origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    const connection = world.connection(origin.url, signed.fingerprint);
    const first = await startEdge({ connection, pushKey: world.pushKey });
    assert.equal((await first.evaluate("theme", PRO, world.keys.client)).status, 200);
    await first.stored();
    await first.stop();
    await origin.stop();

    const bodyKey = await withKv(first.state, async (kv) => {
      const { keys } = await kv.list();
      const { name } = keys.find(({ name }) => name.endsWith(`/body/${signed.edge.sha256}`));
      await kv.put(name, flipped(Buffer.from(await kv.get(name, "arrayBuffer")), -1));
      return name;
    });
    const damaged = await startEdge({ connection, pushKey: world.pushKey, state: first.state, cache: "off" });
    assert.equal((await damaged.evaluate("theme", PRO, world.keys.client)).status, 503, "a damaged body is not evaluated");
    assert.equal((await damaged.status()).failures["body-hash"], 1);
    await damaged.stop();

    await withKv(first.state, (kv) => kv.delete(bodyKey));
    const bare = await startEdge({ connection, pushKey: world.pushKey, state: first.state, cache: "off" });
    try {
      const replayed = await bare.push(world.sign({ version: 29 }).edge, signed.keyset);
      assert.deepEqual([replayed.status, replayed.body.code], [409, "older-version"]);
      assert.equal((await bare.push(world.sign({ version: 32 }).edge, signed.keyset)).status, 200);
    } finally {
      await bare.stop();
      await first.remove();
    }
  });

  test("with nothing in KV it says so and answers OFREP clients in their words", async () => {
    const origin = await startOrigin(world.id, world.keys.edge);
    await origin.stop();
    const edge = await startEdge({ connection: world.connection(origin.url, signed.fingerprint), pushKey: world.pushKey });
    try {
      const { status, headers, body } = await edge.evaluate("theme", PRO, world.keys.client);
      assert.equal(status, 503);
      assert.deepEqual([body.key, body.errorCode, body.code], ["theme", "PROVIDER_NOT_READY", "no-snapshot"]);
      assert.equal(headers.get("retry-after"), "1");
      assert.equal((await edge.get("/healthz")).status, 200);
      assert.equal((await edge.push(signed.edge, signed.keyset)).status, 200, "a push is enough to begin");
      assert.equal((await edge.evaluate("theme", PRO, world.keys.client)).body.value, "gold");
    } finally {
      await edge.stop();
      await edge.remove();
    }
  });

  test("a control plane that never answers holds nobody up once a snapshot is held", async () => {
    const origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    const edge = await startEdge({ connection: world.connection(origin.url, signed.fingerprint), pushKey: world.pushKey });
    try {
      assert.equal((await edge.push(signed.edge, signed.keyset)).status, 200);
      origin.answerWith(() => "hang");
      const asked = origin.nextRequest();
      await until("the refresh that will hang", async () => {
        await edge.evaluate("theme", PRO, world.keys.server);
        return Promise.race([asked.then(() => true), new Promise((resolve) => setTimeout(resolve, 10, false))]);
      });
      const start = performance.now();
      for (let i = 0; i < 20; i += 1) assert.equal((await edge.evaluate("theme", PRO, world.keys.server)).body.value, "gold");
      assert.ok(performance.now() - start < 2000, "twenty evaluations while the control plane hangs");
      await until("the timeout in the status", async () => (await edge.status()).failures["origin-unreachable"] > 0);
    } finally {
      await edge.stop();
      await edge.remove();
      await origin.stop();
    }
  });
});

describe("isolates that did not serve the head", () => {
  const world = environment();
  const first = world.sign({ version: 40 });
  const second = world.sign({ version: 41, configuration: withFlag("theme", false) });
  const server = { authorization: `Bearer ${world.keys.server}` };
  const paths = (origin, part) => origin.requests.filter((path) => path.includes(part));
  const body = async (edge, { sha256, body: expected }, headers) => {
    const key = headers ? "" : `?key=${world.keys.client}`;
    const answer = await edge.get(`/v1/body/${sha256}${key}`, headers);
    assert.equal(answer.status, 200, await (answer.ok ? "" : answer.text()));
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), expected);
  };

  let origin, connection, state;
  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(first);
    connection = world.connection(origin.url, first.fingerprint);
  });
  after(() => origin?.stop());

  test("a body is loaded from the control plane, once for all who ask at the same time", async () => {
    // Polling is put off, so that only the requests can be the reason to look.
    const edge = await startEdge({ connection, pushKey: world.pushKey, refreshMs: "300000" });
    state = edge.state;
    try {
      await Promise.all(Array.from({ length: 12 }, () => body(edge, first.client)));
      assert.equal(paths(origin, "/head/").length, 2, `edge and client: ${origin.requests}`);
      await body(edge, first.server, server);
      assert.equal((await edge.get(`/v1/body/${first.server.sha256}?key=${world.keys.client}`)).status, 403);

      // Another isolate has taken the next version, and its head is known.
      origin.serve(second);
      await body(edge, second.client);
      await body(edge, second.server, server);
      const unknown = await edge.get(`/v1/body/${"0".repeat(64)}`, server);
      assert.deepEqual([unknown.status, (await unknown.json()).code], [404, "not-found"]);
    } finally {
      await edge.stop();
    }
  });

  test("a body is loaded from KV while the control plane is away, also the one before, by those who may read its kind", async () => {
    origin.answerWith(() => ({ status: 503 }));
    const edge = await startEdge({ connection, pushKey: world.pushKey, state });
    try {
      await body(edge, first.client);
      await body(edge, second.client);
      await body(edge, first.server, server);
      await body(edge, second.server, server);
      for (const { sha256 } of [first.server, second.server]) {
        assert.notEqual((await edge.get(`/v1/body/${sha256}?key=${world.keys.client}`)).status, 200);
      }
    } finally {
      await edge.stop();
      origin.answerWith();
    }
  });

  test("damaged keysets in KV are had from the control plane, and the stored head still refuses a replay", async () => {
    await withKv(state, async (kv) => {
      const { name } = (await kv.list()).keys.find(({ name }) => name.endsWith("/keysets"));
      await kv.put(name, flipped(Buffer.from(await kv.get(name, "arrayBuffer")), 20));
    });
    origin.serve(first); // an older head, honestly signed
    const edge = await startEdge({ connection, pushKey: world.pushKey, state });
    try {
      await edge.get(`/v1/head/${world.id}/client?key=${world.keys.client}`);
      assert.equal(await edge.version("client"), 41);
      const replayed = await edge.push(first.client, first.keyset);
      assert.deepEqual([replayed.status, replayed.body.code], [409, "older-version"]);
    } finally {
      await edge.stop();
    }
  });

  test("a head in KV that was overwritten with rubbish is no reason to serve nothing", async () => {
    await withKv(state, async (kv) => {
      const { name } = (await kv.list()).keys.find(({ name }) => name.endsWith("/client/head"));
      await kv.put(name, Buffer.alloc(216, 0xff));
    });
    const edge = await startEdge({ connection, pushKey: world.pushKey, state, cache: "off" });
    try {
      const head = await edge.get(`/v1/head/${world.id}/client?key=${world.keys.client}`);
      assert.deepEqual([head.status, Buffer.from(await head.arrayBuffer())], [200, first.client.head]);
    } finally {
      await edge.stop();
      await edge.remove();
    }
  });

  test("a crowd at a cold edge costs a control plane that hangs a few requests, not one each", async () => {
    origin.answerWith(() => "hang");
    const edge = await startEdge({ connection, pushKey: world.pushKey });
    const asked = origin.requests.length;
    try {
      const stranger = environment().keys.client;
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => edge.get(`/v1/head/${world.id}/client?key=${stranger}`)),
      );
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [503]);
      assert.ok(origin.requests.length - asked <= 4, `${origin.requests.length - asked} requests`);
    } finally {
      origin.answerWith();
      await edge.stop();
      await edge.remove();
    }
  });
});

test("bodies travel compressed where the receiver can read that", async () => {
  // On workerd alone: in front of it there may be somebody who asks in a receiver's place.
  const world = environment();
  const signed = world.sign({ version: 1 });
  const origin = await startOrigin(world.id, world.keys.edge);
  origin.serve(signed);
  const edge = await startWorkerd({ connection: world.connection(origin.url, signed.fingerprint), pushKey: world.pushKey });
  const get = (accepted) =>
    new Promise((resolve, reject) => {
      const headers = accepted ? { "accept-encoding": accepted } : {};
      const asked = request(`${edge.url}/v1/body/${signed.client.sha256}?key=${world.keys.client}`, { headers }, async (answer) => {
        const chunks = [];
        for await (const chunk of answer) chunks.push(chunk);
        resolve({ coding: answer.headers["content-encoding"], vary: answer.headers.vary, bytes: Buffer.concat(chunks) });
      });
      asked.on("error", reject).end();
    });
  try {
    for (const accepted of [undefined, "identity", "gzip;q=0, br;q=0.0"]) {
      const plain = await get(accepted);
      assert.deepEqual([plain.coding, plain.bytes], [undefined, signed.client.body], accepted);
      assert.match(plain.vary, /accept-encoding/);
    }
    for (const [accepted, coding, read] of [["gzip", "gzip", gunzipSync], ["br, gzip", "br", brotliDecompressSync], ["gzip, br;q=0", "gzip", gunzipSync]]) {
      const coded = await get(accepted);
      assert.equal(coded.coding, coding, accepted);
      assert.deepEqual(read(coded.bytes), signed.client.body, accepted);
      assert.ok(coded.bytes.length < signed.client.body.length);
    }
  } finally {
    await edge.stop();
    await edge.remove();
    await origin.stop();
  }
});
