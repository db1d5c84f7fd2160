// A snapshot that stops the evaluator: its caller gets the default, everybody else goes on, and the snapshot before it comes back.
// The worker under test panics at a flag that is made for it (feature `crash`).
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startEdge } from "./support/edge.mjs";
import { startOrigin } from "./support/origin.mjs";
import { CONFIGURATION, environment, withFlag } from "./support/world.mjs";

const PRO = { targetingKey: "u1", plan: "pro" };
const DEADLY = "crash-the-evaluator";
const dist = fileURLToPath(new URL("../dist-crash/", import.meta.url));

test("a panic costs one evaluation its default; at the third the snapshot before is used, by a new isolate too", async () => {
  const world = environment();
  const good = world.sign({ version: 1 });
  const deadly = structuredClone(CONFIGURATION);
  deadly.flags[DEADLY] = { ...deadly.flags["server-only"], clientVisible: true };
  const bad = world.sign({ version: 2, configuration: deadly });
  const origin = await startOrigin(world.id, world.keys.edge);
  origin.serve(good);
  const connection = world.connection(origin.url, good.fingerprint);
  let edge = await startEdge({ connection, pushKey: world.pushKey, dist });
  const { state } = edge;
  const works = async () => {
    const { status, body } = await edge.evaluate("theme", PRO, world.keys.client);
    assert.deepEqual([status, body.value], [200, "gold"]);
  };
  try {
    await works();
    await edge.stored();
    origin.serve(bad);
    assert.equal((await edge.push(bad.edge, bad.keyset)).status, 200);
    for (let crash = 1; crash <= 3; crash++) {
      assert.equal(await edge.version(), 2);
      const { status, body } = await edge.evaluate(DEADLY, PRO, world.keys.client);
      assert.deepEqual([status, body.key, body.errorCode, body.code], [500, DEADLY, "GENERAL", "evaluator-stopped"], `crash ${crash}`);
      await works();
    }
    const afterwards = async () => {
      await works();
      const { body } = await edge.evaluate(DEADLY, PRO, world.keys.client);
      assert.equal(body.errorCode, "FLAG_NOT_FOUND", "the snapshot before does not have it");
      const { snapshots, crashed } = await edge.status();
      assert.equal(snapshots.find(({ kind }) => kind === "edge").version, 1);
      assert.deepEqual(crashed, [bad.edge.sha256]);
    };
    await afterwards();
    assert.equal((await edge.push(bad.edge, bad.keyset)).body.code, "snapshot-crashed");
    await edge.stop();
    // A new isolate, to which the control plane offers it again.
    edge = await startEdge({ connection, pushKey: world.pushKey, dist, state });
    await afterwards();
    await edge.stop();
    edge = await startEdge({ connection, pushKey: world.pushKey, dist, state, cache: "off" });
    await afterwards();
    // What is mended has another hash.
    const mended = world.sign({ version: 3, configuration: withFlag("theme", false) });
    assert.equal((await edge.push(mended.edge, mended.keyset)).status, 200);
    assert.equal((await edge.evaluate("theme", PRO, world.keys.client)).body.value, "plain");
  } finally {
    await edge.stop();
    await edge.remove();
    await origin.stop();
  }
});
