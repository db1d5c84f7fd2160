// @openfeature/web-sdk with @openfeature/ofrep-web-provider, pointed at the edge worker: on Node, and across origins in Chromium.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature, ProviderStatus } from "@openfeature/web-sdk";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { startFlags } from "./edge.mjs";

const FREE = { targetingKey: "u1", plan: "free" };
const PRO = { targetingKey: "u1", plan: "pro" };

describe("OpenFeature's web client", () => {
  let flags;
  before(async () => {
    flags = await startFlags();
  });
  after(async () => {
    await OpenFeature.close();
    await flags?.stop();
  });

  const provider = (key, fetchImplementation) =>
    new OFREPWebProvider({
      baseUrl: flags.url, headers: [["Authorization", `Bearer ${key}`]], pollInterval: 0, cacheMode: "disabled", fetchImplementation,
    });

  test("values of every type for one context, and the errors of single flags", async () => {
    await OpenFeature.setContext("values", PRO);
    await OpenFeature.setProviderAndWait("values", provider(flags.keys.client));
    const client = OpenFeature.getClient("values");
    const outcome = ({ value, variant, reason, errorCode }) => [value, variant, reason, errorCode];
    assert.deepEqual(outcome(client.getBooleanDetails("new-checkout", false)), [true, "on", "TARGETING_MATCH", undefined]);
    assert.deepEqual(outcome(client.getStringDetails("theme", "")), ["gold", "gold", "TARGETING_MATCH", undefined]);
    assert.deepEqual(outcome(client.getNumberDetails("page-size", 0)), [50, "large", "STATIC", undefined]);
    assert.deepEqual(outcome(client.getObjectDetails("limits", {})), [{ seats: 100, regions: ["eu", "us"] }, "many", "STATIC", undefined]);
    assert.deepEqual(outcome(client.getBooleanDetails("switched-off", true)), [false, "off", "DISABLED", undefined]);
    assert.equal(client.getBooleanDetails("rollout", false).reason, "SPLIT");
    assert.equal(client.getBooleanDetails("no-such-flag", true).errorCode, "FLAG_NOT_FOUND");
    assert.equal(client.getBooleanDetails("server-only", false).errorCode, "FLAG_NOT_FOUND");
    assert.equal(client.getBooleanDetails("theme", true).errorCode, "TYPE_MISMATCH");
  });

  test("a change of an attribute alone gives new values, although the client sends its old ETag", async () => {
    const sent = [];
    const recording = (input, init) => {
      const request = new Request(input, init);
      return fetch(request).then((answer) => {
        sent.push({ etag: request.headers.get("if-none-match"), status: answer.status });
        return answer;
      });
    };
    await OpenFeature.setContext("etag", FREE);
    await OpenFeature.setProviderAndWait("etag", provider(flags.keys.client, recording));
    const client = OpenFeature.getClient("etag");
    assert.equal(client.getStringValue("theme", ""), "plain");
    await OpenFeature.setContext("etag", PRO);
    assert.equal(client.getStringValue("theme", ""), "gold");
    await OpenFeature.setContext("etag", FREE);
    assert.equal(client.getStringValue("theme", ""), "plain");
    await OpenFeature.setContext("etag", { ...FREE });
    assert.equal(client.getStringValue("theme", ""), "plain");
    assert.ok(sent[1].etag, "the trap is real: the old ETag was sent");
    assert.deepEqual(sent.map((exchange) => exchange.status), [200, 200, 200, 304]);
  });

  test("a flag without its unit has its own error, and the others their values", async () => {
    await OpenFeature.setContext("no-key", { plan: "pro" });
    await OpenFeature.setProviderAndWait("no-key", provider(flags.keys.client));
    const client = OpenFeature.getClient("no-key");
    const details = client.getBooleanDetails("rollout", true);
    assert.deepEqual([details.value, details.errorCode], [true, "TARGETING_KEY_MISSING"]);
    assert.equal(client.getStringValue("theme", ""), "gold");
  });

  test("401: the provider is FATAL", async () => {
    await assert.rejects(OpenFeature.setProviderAndWait("stranger", provider(flags.strangerKeys.client)));
    const client = OpenFeature.getClient("stranger");
    assert.equal(client.providerStatus, ProviderStatus.FATAL);
    assert.equal(client.getBooleanDetails("new-checkout", false).errorCode, "PROVIDER_FATAL");
  });

  test("in Chromium, from a page of another origin", async () => {
    assert.ok(process.env.PENNON_CHROMIUM, "PENNON_CHROMIUM names no browser: run `cargo xtask test`, or set it to a Chromium");
    const bundle = await build({
      stdin: {
        contents: `
          import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
          import { OpenFeature } from "@openfeature/web-sdk";
          globalThis.connect = async (baseUrl, key, context) => {
            await OpenFeature.setContext(context);
            await OpenFeature.setProviderAndWait(new OFREPWebProvider({ baseUrl, headers: [["Authorization", "Bearer " + key]], pollInterval: 0 }));
          };
          globalThis.setContext = (context) => OpenFeature.setContext(context);
          globalThis.theme = () => OpenFeature.getClient().getStringDetails("theme", "default");`,
        resolveDir: fileURLToPath(new URL("./", import.meta.url)),
      },
      bundle: true, write: false, format: "iife", platform: "browser",
    });
    const page_ = `<!doctype html><title>OFREP</title><script>${bundle.outputFiles[0].text.replaceAll("</script", "<\\/script")}</script>`;
    const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page_));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const browser = await chromium.launch({
      executablePath: process.env.PENNON_CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    try {
      const page = await browser.newPage();
      const refused = [];
      page.on("console", (message) => message.type() === "error" && refused.push(message.text()));
      await page.goto(`http://localhost:${server.address().port}/`);
      await page.evaluate(([url, key, context]) => globalThis.connect(url, key, context), [flags.url, flags.keys.client, FREE]);
      assert.equal((await page.evaluate(() => globalThis.theme())).value, "plain");
      await page.evaluate((context) => globalThis.setContext(context), PRO);
      // The provider answers from its cache first and corrects itself when the answer has come.
      await page.waitForFunction(() => globalThis.theme().value === "gold", undefined, { timeout: 10_000 });
      // It never polls: what is published reaches it by the event stream that the answer announced.
      for (const [enabled, expected] of [[false, "plain"], [true, "gold"]]) {
        await flags.publish("theme", enabled);
        await page.waitForFunction((value) => globalThis.theme().value === value, expected, { timeout: 10_000 });
      }
      assert.deepEqual(refused, []);
    } finally {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
