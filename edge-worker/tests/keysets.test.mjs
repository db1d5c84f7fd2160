// Chains of keysets: a receiver that starts afresh follows them from the first to the newest.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorkerd } from "./support/edge.mjs";
import { startOrigin } from "./support/origin.mjs";
import { environment } from "./support/world.mjs";

test("a chain of a hundred keysets is followed, kept, and gone on with", async () => {
  const world = environment();
  const signed = world.sign({ version: 1, keysets: 100 });
  const origin = await startOrigin(world.id, world.keys.edge);
  origin.serve(signed);
  const connection = world.connection(origin.url, signed.fingerprint);
  const first = await startWorkerd({ connection, pushKey: world.pushKey });
  let edge = first;
  try {
    assert.equal((await edge.evaluate("theme", {}, world.keys.server)).status, 200);
    for (const number of [1, 64, 65, 100]) {
      const answer = await edge.get(`/v1/keyset/${number}`);
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), signed.keysets[number - 1], `keyset ${number}`);
    }
    assert.equal((await edge.get("/v1/keyset/101")).status, 404);
    // A push under a keyset that is not the next one: those between are asked for.
    const next = world.sign({ version: 2, keysets: 104 });
    origin.serve(next);
    const pushed = await edge.push(next.edge, next.keyset);
    assert.deepEqual([pushed.status, pushed.body.version], [200, 2], JSON.stringify(pushed.body));
    await edge.stored();
    await edge.stop();
    await origin.stop();
    edge = await startWorkerd({ connection, pushKey: world.pushKey, state: edge.state });
    assert.equal((await edge.evaluate("theme", {}, world.keys.server)).status, 200, "with nothing behind it");
    const kept = await edge.get("/v1/keyset/104");
    assert.deepEqual(Buffer.from(await kept.arrayBuffer()), next.keyset);
  } finally {
    await edge.stop();
    await first.remove();
    await origin.stop().catch(() => {});
  }
});
