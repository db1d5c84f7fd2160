// Where an isolate finds its first snapshot, and what a newer one costs.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startEdge, until } from "./support/edge.mjs";
import { withKv } from "./support/kv.mjs";
import { startOrigin } from "./support/origin.mjs";
import { environment, withFlag } from "./support/world.mjs";

const PRO = { targetingKey: "u1", plan: "pro" };
const HERE = fileURLToPath(new URL("../", import.meta.url));

async function emptied(state) {
  await withKv(state, async (kv) => {
    for (const { name } of (await kv.list()).keys) await kv.delete(name);
  });
}

describe("the first snapshot", () => {
  const world = environment();
  const signed = world.sign({ version: 1 });

  test("comes out of the cache, with KV empty and the control plane gone, and an older push is still refused", async () => {
    const origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    const connection = world.connection(origin.url, signed.fingerprint);
    const warm = await startEdge({ connection, pushKey: world.pushKey });
    assert.equal((await warm.evaluate("theme", PRO, world.keys.client)).body.value, "gold");
    assert.equal((await warm.push(world.sign({ version: 2 }).edge, signed.keyset)).status, 200);
    await warm.stored();
    await warm.stop();
    await origin.stop();
    await emptied(warm.state);
    const cold = await startEdge({ connection, pushKey: world.pushKey, state: warm.state });
    try {
      assert.equal((await cold.evaluate("theme", PRO, world.keys.client)).body.value, "gold");
      assert.equal(await cold.version(), 2);
      assert.equal((await cold.push(signed.edge, signed.keyset)).body.code, "older-version");
    } finally {
      await cold.stop();
      await warm.remove();
    }
  });

  test("KV that is ahead of the cache is found, and what the control plane says is not let fall behind it", async () => {
    const origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    const connection = world.connection(origin.url, signed.fingerprint);
    // Two edges share KV and not the cache, as two data centres do.
    const here = await startEdge({ connection, pushKey: world.pushKey });
    assert.equal((await here.evaluate("theme", PRO, world.keys.client)).body.value, "gold");
    await here.stored();
    await here.stop();
    const there = await startEdge({ connection, pushKey: world.pushKey, state: here.state, cache: "off" });
    assert.equal((await there.push(world.sign({ version: 3, configuration: withFlag("theme", false) }).edge, signed.keyset)).status, 200);
    await there.stop();
    const again = await startEdge({ connection, pushKey: world.pushKey, state: here.state });
    try {
      await until("version 3 out of KV", async () => {
        await again.evaluate("theme", PRO, world.keys.client);
        return (await again.version()) === 3;
      });
      await until("the control plane's older head refused", async () => {
        await again.evaluate("theme", PRO, world.keys.client);
        return (await again.status()).failures["older-version"] > 0;
      });
      assert.equal(await again.version(), 3);
    } finally {
      await again.stop();
      await here.remove();
      await origin.stop();
    }
  });

  test("was bundled at the deployment, when nothing else is to be had; then the control plane's takes its place", async () => {
    let origin = await startOrigin(world.id, world.keys.edge);
    const { port } = origin;
    origin.serve(signed);
    const connection = world.connection(origin.url, signed.fingerprint);
    const dist = await mkdtemp(join(tmpdir(), "pennon-edge-dist-"));
    await cp(join(HERE, "dist"), dist, { recursive: true });
    // Not synchronously: the origin answers from this process.
    const bundling = spawn(process.execPath, [join(HERE, "bundle.mjs"), "--connection", connection, "--dist", dist], { stdio: "inherit" });
    assert.deepEqual(await once(bundling, "exit"), [0, null]);
    await origin.stop();
    const edge = await startEdge({ connection, pushKey: world.pushKey, dist });
    try {
      const { status, body } = await edge.evaluate("theme", PRO, world.keys.client);
      assert.deepEqual([status, body.value], [200, "gold"]);
      assert.equal((await edge.get(`/v1/head/${world.id}/client?key=${world.keys.client}`)).status, 200);
      origin = await startOrigin(world.id, world.keys.edge, port);
      origin.serve(world.sign({ version: 2, configuration: withFlag("theme", false) }));
      await until("version 2", async () => {
        await edge.evaluate("theme", PRO, world.keys.client);
        return (await edge.version()) === 2;
      });
    } finally {
      await edge.stop();
      await edge.remove();
      await origin.stop();
      await rm(dist, { recursive: true });
    }
  });
});

describe("a newer snapshot", () => {
  const world = environment();
  const first = world.sign({ version: 1 });
  const second = world.sign({ version: 2, configuration: withFlag("theme", false) });

  test("is made of the one held by a delta, which the edge passes on as well; a delta that does not fit costs the whole body", async () => {
    const origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(first);
    const connection = world.connection(origin.url, first.fingerprint);
    const edge = await startEdge({ connection, pushKey: world.pushKey });
    const held = (version) =>
      until(`version ${version}`, async () => {
        await edge.evaluate("theme", PRO, world.keys.client);
        return (await edge.version()) === version;
      });
    const asked = (part) => origin.requests.filter((path) => path.includes(part)).length;
    const path = `/v1/delta/${first.edge.sha256}/${second.edge.sha256}`;
    const bearer = (key) => ({ authorization: `Bearer ${key}` });
    try {
      await held(1);
      assert.equal((await edge.get(path, bearer(world.keys.edge))).status, 404);
      origin.serve(second);
      await held(2);
      assert.equal(asked(`/v1/body/${second.edge.sha256}`), 1, "the control plane had no delta");
      const answer = await edge.get(path, bearer(world.keys.edge));
      assert.deepEqual([answer.status, answer.headers.get("cache-control")], [200, "private, no-store"]);
      const delta = Buffer.from(await answer.arrayBuffer());
      assert.ok(delta.length < 300, `${delta.length} bytes`);
      for (const key of [world.keys.client, world.keys.server]) assert.equal((await edge.get(path, bearer(key))).status, 403);

      // Another edge gets from the control plane what this one made.
      origin.serveDelta(first.edge.sha256, second.edge.sha256, delta);
      origin.serve(first);
      const other = await startEdge({ connection, pushKey: world.pushKey });
      try {
        assert.equal((await other.evaluate("theme", PRO, world.keys.client)).body.value, "gold");
        const bodies = asked(`/v1/body/${second.edge.sha256}`);
        origin.serve(second);
        await until("version 2", async () => {
          await other.evaluate("theme", PRO, world.keys.client);
          return (await other.version()) === 2;
        });
        assert.equal((await other.status()).deltas, 1);
        assert.equal(asked(`/v1/body/${second.edge.sha256}`), bodies, "no body was fetched");
        const third = world.sign({ version: 3, configuration: withFlag("page-size", false) });
        origin.serveDelta(second.edge.sha256, third.edge.sha256, delta);
        origin.serve(third);
        await until("version 3", async () => {
          await other.evaluate("theme", PRO, world.keys.client);
          return (await other.version()) === 3;
        });
        const { deltas, failures } = await other.status();
        assert.deepEqual([deltas, failures["malformed-delta"]], [1, 1]);
      } finally {
        await other.stop();
        await other.remove();
      }
    } finally {
      await edge.stop();
      await edge.remove();
      await origin.stop();
    }
  });
});
