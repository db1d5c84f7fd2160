// Who may read what, with the real control plane and the real edge worker: each refusal by its own name.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { eventually } from "./support/programs.mjs";
import { World } from "./support/world.mjs";

let world;
let other;

before(async () => {
  world = await World.start();
  other = world.credentials.environments.find(({ key }) => key === "production");
  await eventually("the edge to evaluate", async () => (await world.evaluateAtEdge("new-checkout")).status === 200);
});
after(() => world?.end());

const withHeader = (key) => ({ headers: { authorization: `Bearer ${key}` } });

for (const [place, origin] of [["control plane", () => world.url], ["edge worker", () => world.edgeUrl]]) {
  describe(`at the ${place}`, () => {
    const cases = [
      ["a client key in the query reads the client head", 200, undefined, () => [`/v1/head/${world.environment.id}/client?key=${world.environment.sdkKeys.client}`]],
      ["a client key asking for a server snapshot", 403, "key-kind", () => [`/v1/head/${world.environment.id}/server?key=${world.environment.sdkKeys.client}`]],
      ["a client key asking for an edge snapshot", 403, "key-kind", () => [`/v1/head/${world.environment.id}/edge?key=${world.environment.sdkKeys.client}`]],
      ["a client key of another environment", 403, "key-environment", () => [`/v1/head/${world.environment.id}/client?key=${other.sdkKeys.client}`]],
      ["a server key in the query", 400, "key-in-query", () => [`/v1/head/${world.environment.id}/client?key=${world.environment.sdkKeys.server}`]],
      ["no key", 401, "key-missing", () => [`/v1/head/${world.environment.id}/client`]],
      ["a key that nobody made", 401, "key-unknown", () => [`/v1/head/${world.environment.id}/client`, withHeader(`pnc_${"A".repeat(43)}`)]],
    ];
    for (const [what, status, code, request] of cases) {
      test(`${what}: ${code ?? status}`, async () => {
        const [path, options] = request();
        const response = await fetch(origin() + path, options);
        assert.equal(response.status, status);
        if (code) assert.equal((await response.json()).code, code);
        else assert.equal((await response.arrayBuffer()).byteLength, 235);
      });
    }
  });
}

test("a client key evaluates what is for clients, and finds nothing else", async () => {
  const evaluate = async (flag, key) => {
    const response = await fetch(`${world.edgeUrl}/ofrep/v1/evaluate/flags/${flag}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ context: { targetingKey: "user-1" } }),
    });
    return [response.status, (await response.json()).errorCode];
  };
  assert.deepEqual(await evaluate("order-limit", world.environment.sdkKeys.server), [200, undefined]);
  assert.deepEqual(await evaluate("order-limit", world.environment.sdkKeys.client), [404, "FLAG_NOT_FOUND"]);
});
