// The rows of the failure table that need the real control plane: it is killed, and its Redis is taken away, while the edge is being
// asked without a pause. What was served and how long recovery took is printed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { eventually } from "./support/programs.mjs";
import { World } from "./support/world.mjs";

const FLAG = "new-checkout";
const LASTS_MS = 1_500;

const own = process.env.PENNON_TEST_OWN_REDIS ? JSON.parse(process.env.PENNON_TEST_OWN_REDIS) : undefined;
if (!own && process.env.CI) throw new Error("PENNON_TEST_OWN_REDIS names no Redis: run `cargo xtask test end-to-end`");

async function startRedis() {
  const [program, ...args] = own.command;
  const child = spawn(program, args, { stdio: "ignore" });
  const { hostname, port } = new URL(own.url);
  await eventually("Redis to answer", async () => {
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    socket.destroy();
    return true;
  });
  return async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
  };
}

describe("the failure table, with the real control plane", { skip: own ? false : "PENNON_TEST_OWN_REDIS is not set" }, () => {
  let world, stopRedis;
  before(async () => {
    stopRedis = await startRedis();
    world = await World.start({ variables: { PENNON_REDIS: own.url } });
  });
  after(async () => {
    await world?.end();
    await stopRedis?.();
  });

  const evaluate = async () => {
    const answer = await fetch(`${world.edgeUrl}/ofrep/v1/evaluate/flags/${FLAG}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${world.environment.sdkKeys.client}` },
      body: JSON.stringify({ context: { targetingKey: "u1" } }),
    });
    return { status: answer.status, ...(await answer.json()) };
  };

  async function row(t, what, { fail, heal }) {
    await world.flip(FLAG, "on");
    await eventually("the flag to be on", async () => (await evaluate()).reason !== "DISABLED");
    const seen = { evaluations: 0, failed: [], reasons: new Set() };
    let going = true;
    const asking = (async () => {
      while (going) {
        const { status, reason } = await evaluate().catch((error) => ({ status: error.message }));
        seen.evaluations++;
        if (status === 200) seen.reasons.add(reason);
        else seen.failed.push(status);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await fail();
    await new Promise((resolve) => setTimeout(resolve, LASTS_MS));
    going = false;
    await asking;
    await heal();
    const healed = performance.now();
    await world.flip(FLAG, "off");
    await eventually("the flag to be off at the edge", async () => (await evaluate()).reason === "DISABLED");
    const recovery = Math.round(performance.now() - healed);
    t.diagnostic(`${what}: served ${[...seen.reasons].join(", ")}, ${seen.evaluations} evaluations, ${seen.failed.length} failed, recovery ${recovery} ms`);
    assert.ok(seen.evaluations > 20, `${seen.evaluations} evaluations`);
    assert.deepEqual(seen.failed, []);
    assert.ok(!seen.reasons.has("DISABLED"), "what was held is served");
    assert.ok(recovery < 10_000, `${recovery} ms`);
  }

  test("the control plane is killed", (t) =>
    row(t, "control plane killed", { fail: () => world.controlPlane.end("SIGKILL"), heal: () => world.startControlPlane() }));

  test("Redis is stopped; changes are published all the same", (t) => row(t, "Redis stopped", { fail: () => stopRedis(), heal: async () => {} }));

  test("Redis comes back", (t) =>
    row(t, "Redis back", {
      fail: async () => {
        stopRedis = await startRedis();
      },
      heal: async () => {},
    }));
});
