// Who may ask for what, and what a browser needs to be allowed to ask.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startEdge } from "./support/edge.mjs";
import { startOrigin } from "./support/origin.mjs";
import { environment } from "./support/world.mjs";

describe("admission", () => {
  const world = environment();
  const elsewhere = environment(world.seeds);
  const signed = world.sign({ version: 1 });
  let origin, edge;
  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    origin.knows(Object.values(elsewhere.keys));
    edge = await startEdge({ connection: world.connection(origin.url, signed.fingerprint), pushKey: world.pushKey });
  });
  after(async () => {
    await edge?.stop();
    await edge?.remove();
    await origin?.stop();
  });

  const bearer = (key) => ({ authorization: `Bearer ${key}` });
  const refused = async (answer, status, code) => {
    const body = await answer.json();
    assert.deepEqual([answer.status, body.code, body.status], [status, code, status], JSON.stringify(body));
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    assert.equal(answer.headers.get("access-control-allow-origin"), "*");
    assert.ok(body.title && body.type && body.detail.length > 10, "says what to do");
    if (status === 401) assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    return body;
  };

  test("no key: key-missing", async () => {
    await refused(await edge.get(`/v1/head/${world.id}/client`), 401, "key-missing");
    await refused(await edge.get(`/v1/body/${signed.client.sha256}`), 401, "key-missing");
    await refused(await edge.get("/v1/status"), 401, "key-missing");
  });

  test("a key that nobody knows: key-unknown", async () => {
    const stranger = environment().keys;
    await refused(await edge.get(`/v1/head/${world.id}/client?key=${stranger.client}`), 401, "key-unknown");
    await refused(await edge.get(`/v1/head/${world.id}/server`, bearer(stranger.server)), 401, "key-unknown");
    await refused(await edge.get(`/v1/head/${world.id}/server`, bearer("nonsense")), 401, "key-unknown");
  });

  test("a client key asking for a server snapshot: key-kind", async () => {
    await refused(await edge.get(`/v1/head/${world.id}/server?key=${world.keys.client}`), 403, "key-kind");
    await refused(await edge.get(`/v1/head/${world.id}/edge?key=${world.keys.client}`), 403, "key-kind");
    await refused(await edge.get(`/v1/head/${world.id}/edge`, bearer(world.keys.server)), 403, "key-kind");
    await refused(await edge.get("/v1/status", bearer(world.keys.client)), 403, "key-kind");
  });

  test("knowing a body's hash is no capability: key-kind", async () => {
    assert.equal((await edge.get(`/v1/head/${world.id}/server`, bearer(world.keys.server))).status, 200);
    await refused(await edge.get(`/v1/body/${signed.server.sha256}?key=${world.keys.client}`), 403, "key-kind");
    await refused(await edge.get(`/v1/body/${signed.edge.sha256}`, bearer(world.keys.server)), 403, "key-kind");
  });

  test("a key of another environment: key-environment", async () => {
    await refused(await edge.get(`/v1/head/${world.id}/client?key=${elsewhere.keys.client}`), 403, "key-environment");
    await refused(await edge.get(`/v1/head/${elsewhere.id}/client?key=${world.keys.client}`), 403, "key-environment");
    const { status, body } = await edge.evaluate("theme", {}, elsewhere.keys.server);
    assert.deepEqual([status, body.code, body.key, body.errorCode], [403, "key-environment", "theme", "GENERAL"]);
    const asked = origin.requests.length;
    assert.equal((await edge.evaluate("theme", {}, elsewhere.keys.server)).status, 403);
    assert.equal(origin.requests.slice(asked).filter((path) => path.endsWith("/server")).length, 0, "the verdict is remembered");
  });

  test("a secret key in an address: key-in-query", async () => {
    await refused(await edge.get(`/v1/head/${world.id}/server?key=${world.keys.server}`), 400, "key-in-query");
    await refused(await edge.get(`/v1/head/${world.id}/server?key=${world.keys.server}`, bearer(world.keys.server)), 400, "key-in-query");
    await refused(await edge.get(`/v1/head/${world.id}/edge?key=pne_short`), 400, "key-in-query");
  });

  test("each key reads its kind, in each place that it may stand", async () => {
    const reads = [
      [`/v1/head/${world.id}/client?key=${world.keys.client}`, {}],
      [`/v1/head/${world.id}/client`, bearer(world.keys.client)],
      [`/v1/head/${world.id}/client`, { "x-api-key": world.keys.client }],
      [`/v1/head/${world.id}/client`, bearer(world.keys.server)],
      [`/v1/head/${world.id}/server`, bearer(world.keys.server)],
      [`/v1/head/${world.id}/edge`, bearer(world.keys.edge)],
      ["/v1/status", bearer(world.keys.server)],
      ["/v1/status", bearer(world.pushKey)],
      ["/healthz", {}],
    ];
    for (const [path, headers] of reads) assert.equal((await edge.get(path, headers)).status, 200, path);
  });

  test("unknown paths, kinds, hashes and methods are named", async () => {
    await refused(await edge.get("/nothing"), 404, "not-found");
    await refused(await edge.get(`/v1/head/${world.id}/everything`, bearer(world.keys.server)), 404, "not-found");
    await refused(await edge.get(`/v1/body/${"0".repeat(64)}`, bearer(world.keys.server)), 404, "not-found");
    for (const number of ["+1", "01", "-1", "0"]) await refused(await edge.get(`/v1/keyset/${number}`), 404, "not-found");
    const hash = "0".repeat(64);
    for (const [path, allowed] of [
      [`/v1/head/${world.id}/client`, "GET, HEAD"], [`/v1/body/${hash}`, "GET, HEAD"], [`/v1/delta/${hash}/${hash}`, "GET, HEAD"], ["/v1/keyset/1", "GET, HEAD"],
      [`/v1/stream/${world.id}/client`, "GET, HEAD"], ["/ofrep/v1/stream", "GET, HEAD"], ["/v1/status", "GET, HEAD"], ["/healthz", "GET, HEAD"], ["/api/v1/flags/theme", "GET, HEAD"],
      ["/v1/push", "POST"], ["/api/v1/flags/batch", "POST"], ["/ofrep/v1/evaluate/flags", "POST"], ["/ofrep/v1/evaluate/flags/theme", "POST"],
    ]) {
      for (const method of [allowed === "POST" ? "GET" : "POST", "PUT", "DELETE", "PROPFIND"]) {
        const answer = await fetch(edge.url + path, { method });
        assert.equal(answer.headers.get("allow"), allowed, `${method} ${path}`);
        await refused(answer, 405, "method-not-allowed");
      }
    }
    await refused(await edge.get("/v1/body/zz", bearer(world.keys.server)), 404, "not-found");
    const get = await edge.get("/ofrep/v1/evaluate/flags/theme", bearer(world.keys.server));
    assert.equal(get.headers.get("allow"), "POST");
    // An OFREP client finds what it looks for in it as well.
    const { key, errorCode } = await refused(get, 405, "method-not-allowed");
    assert.deepEqual([key, errorCode], ["theme", "GENERAL"]);
  });

  test("a browser of any origin may send the headers of OFREP and read ETag and Retry-After", async () => {
    const preflight = await fetch(`${edge.url}/ofrep/v1/evaluate/flags`, {
      method: "OPTIONS",
      headers: {
        origin: "https://shop.example", "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,if-none-match,x-api-key",
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
    const allowed = preflight.headers.get("access-control-allow-headers").toLowerCase().split(/,\s*/);
    for (const name of ["content-type", "authorization", "x-api-key", "if-none-match"]) assert.ok(allowed.includes(name), name);
    assert.match(preflight.headers.get("access-control-allow-methods"), /POST/);
    const { headers } = await edge.evaluate(undefined, { targetingKey: "u1" }, world.keys.client);
    assert.equal(headers.get("access-control-allow-origin"), "*");
    const exposed = headers.get("access-control-expose-headers").toLowerCase().split(/,\s*/);
    for (const name of ["etag", "retry-after"]) assert.ok(exposed.includes(name), name);
  });

  test("a key made a moment ago is admitted at once, a revoked one no longer after the next snapshot", async () => {
    // Polling is put off, so that only the unknown key can be the reason to look.
    const slow = await startEdge({ connection: world.connection(origin.url, signed.fingerprint), pushKey: world.pushKey, refreshMs: "300000" });
    try {
      assert.equal((await slow.evaluate("theme", {}, world.keys.client)).status, 200);
      const fresh = environment().keys.server;
      assert.equal((await slow.evaluate("theme", {}, fresh)).status, 401);
      const other = environment().keys.client;
      origin.admits([fresh, other]);
      origin.serve(world.sign({ version: 2, admitted: { ...world.keys, server: fresh, client: other } }));
      assert.equal((await slow.evaluate("theme", {}, other)).status, 200, "looked up, refreshed, admitted");
      assert.equal((await slow.evaluate("theme", {}, fresh)).status, 200, "the earlier verdict does not outlive the snapshot");
      assert.equal((await slow.evaluate("theme", {}, world.keys.client)).body.code, "key-unknown", "revoked");
    } finally {
      await slow.stop();
      await slow.remove();
    }
  });

  test("a deployment narrows the origins whose pages may ask and read", async () => {
    origin.serve(signed);
    const connection = world.connection(origin.url, signed.fingerprint);
    const shop = await startEdge({ connection, pushKey: world.pushKey, env: { PENNON_ORIGINS: "https://shop.example, https://www.shop.example" } });
    const head = (from) => shop.get(`/v1/head/${world.id}/client?key=${world.keys.client}`, from ? { origin: from } : {});
    try {
      const good = await head("https://www.shop.example");
      assert.deepEqual([good.status, good.headers.get("access-control-allow-origin")], [200, "https://www.shop.example"]);
      assert.match(good.headers.get("vary"), /origin/);
      const bad = await head("https://elsewhere.example");
      assert.deepEqual([bad.status, bad.headers.get("access-control-allow-origin"), (await bad.json()).code], [403, null, "origin-not-allowed"]);
      assert.equal((await head()).status, 200, "a program has no origin");
      const preflight = await fetch(`${shop.url}/ofrep/v1/evaluate/flags`, { method: "OPTIONS", headers: { origin: "https://elsewhere.example" } });
      assert.equal(preflight.headers.get("access-control-allow-origin"), null);
    } finally {
      await shop.stop();
      await shop.remove();
    }
  });

  test("a deployment narrows how often a key may be used, a public one at one address alone", async () => {
    origin.serve(signed);
    const connection = world.connection(origin.url, signed.fingerprint);
    const slow = await startEdge({
      connection, pushKey: world.pushKey, cf: {}, env: { PENNON_REQUESTS_PER_MINUTE: "3" },
    });
    const ask = (key, address = "192.0.2.1") => slow.evaluate("theme", {}, key, { "cf-connecting-ip": address });
    try {
      const server = [];
      for (let number = 0; number < 7; number++) server.push(await ask(world.keys.server));
      const refused_ = server.find(({ status }) => status === 429);
      assert.deepEqual(server.map(({ status }) => status), [200, 200, 200, 429, 429, 429, 429]);
      assert.equal(refused_.body.errorCode, "GENERAL");
      assert.ok(Number(refused_.headers.get("retry-after")) <= 60);
      for (let number = 0; number < 7; number++) await ask(world.keys.client);
      assert.equal((await ask(world.keys.client, "192.0.2.2")).status, 200, "another address");
    } finally {
      await slow.stop();
      await slow.remove();
    }
  });

  test("a missing binding is an answer that says which", async () => {
    const bare = await startEdge({ connection: "https://nothing.example/", pushKey: world.pushKey });
    try {
      const { status, body } = await bare.evaluate("theme", {}, world.keys.client);
      assert.deepEqual([status, body.code], [500, "misconfigured"]);
      assert.match(body.detail, /PENNON_CONNECTION/);
    } finally {
      await bare.stop();
      await bare.remove();
    }
  });
});
