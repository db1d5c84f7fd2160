// @openfeature/server-sdk with @openfeature/ofrep-provider, pointed at the edge worker.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";
import { startFlags } from "./edge.mjs";

describe("OpenFeature's Node client", () => {
  let flags, client;
  const connect = async (domain, headers) => {
    await OpenFeature.setProviderAndWait(domain, new OFREPProvider({ baseUrl: flags.url, headers }));
    return OpenFeature.getClient(domain);
  };
  before(async () => {
    flags = await startFlags();
    client = await connect("server", [["Authorization", `Bearer ${flags.keys.server}`]]);
  });
  after(async () => {
    await OpenFeature.close();
    await flags?.stop();
  });

  const PRO = { targetingKey: "u1", plan: "pro" };
  const outcome = ({ value, variant, reason, errorCode }) => ({ value, variant, reason, errorCode });

  test("values of every type, with variant and reason", async () => {
    assert.deepEqual(outcome(await client.getBooleanDetails("new-checkout", false, PRO)), {
      value: true, variant: "on", reason: "TARGETING_MATCH", errorCode: undefined,
    });
    assert.deepEqual(outcome(await client.getStringDetails("theme", "default", { targetingKey: "u1" })), {
      value: "plain", variant: "plain", reason: "DEFAULT", errorCode: undefined,
    });
    assert.deepEqual(outcome(await client.getNumberDetails("ratio", 1, PRO)), {
      value: 0.25, variant: "quarter", reason: "STATIC", errorCode: undefined,
    });
    assert.deepEqual(outcome(await client.getObjectDetails("limits", {}, PRO)), {
      value: { seats: 100, regions: ["eu", "us"] }, variant: "many", reason: "STATIC", errorCode: undefined,
    });
    assert.deepEqual(outcome(await client.getBooleanDetails("switched-off", true, PRO)), {
      value: false, variant: "off", reason: "DISABLED", errorCode: undefined,
    });
    assert.equal((await client.getBooleanDetails("rollout", false, PRO)).reason, "SPLIT");
    assert.equal((await client.getStringDetails("theme", "default", PRO)).flagMetadata.rule, "pro", "the rule is named");
  });

  test("FLAG_NOT_FOUND: an unknown flag, and a hidden one for a client key", async () => {
    const unknown = await client.getBooleanDetails("no-such-flag", true, PRO);
    assert.deepEqual([unknown.value, unknown.errorCode, unknown.reason], [true, "FLAG_NOT_FOUND", "ERROR"]);
    const visitor = await connect("client-key", [["X-API-Key", flags.keys.client]]);
    const hidden = await visitor.getBooleanDetails("server-only", false, PRO);
    assert.deepEqual([hidden.value, hidden.errorCode], [false, "FLAG_NOT_FOUND"]);
    assert.equal(await visitor.getBooleanValue("new-checkout", false, PRO), true);
  });

  test("TYPE_MISMATCH: the flag is of another type", async () => {
    const details = await client.getBooleanDetails("theme", true, PRO);
    assert.deepEqual([details.value, details.errorCode], [true, "TYPE_MISMATCH"]);
  });

  test("TARGETING_KEY_MISSING: a split without its unit", async () => {
    const details = await client.getBooleanDetails("rollout", true, {});
    assert.deepEqual([details.value, details.errorCode], [true, "TARGETING_KEY_MISSING"]);
  });

  test("without a good key every evaluation is an error with the default", async () => {
    const stranger = await connect("stranger", [["Authorization", `Bearer ${flags.strangerKeys.server}`]]);
    const details = await stranger.getStringDetails("theme", "default", PRO);
    assert.deepEqual([details.value, details.reason, details.errorCode], ["default", "ERROR", "GENERAL"]);
  });

  test("a flag switched off is seen by the next evaluation", async () => {
    await flags.publish("new-checkout", false);
    assert.deepEqual(outcome(await client.getBooleanDetails("new-checkout", true, PRO)), {
      value: false, variant: "off", reason: "DISABLED", errorCode: undefined,
    });
    await flags.publish("new-checkout", true);
    assert.equal(await client.getBooleanValue("new-checkout", false, PRO), true);
  });
});
