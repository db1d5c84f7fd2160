// A flag flipped in the control plane reaches the edge worker and a page; both go on without the control plane, and recover.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launchBrowser } from "./support/browser.mjs";
import { eventually } from "./support/programs.mjs";
import { World } from "./support/world.mjs";

/** The promise: what is flipped shows within this time, at the edge and in the page. */
const WITHIN_MS = 1000;

let world;
let browser;
let page;
const troubles = [];

before(async () => {
  world = await World.start();
  browser = await launchBrowser();
  page = await browser.newPage();
  page.on("pageerror", (error) => troubles.push(`page error: ${error.message}`));
});

after(async () => {
  await browser?.close();
  await world?.end();
});

const status = () => page.evaluate(() => ({ ...document.body.dataset }));
const shown = (flag) => page.evaluate((key) => document.querySelector(`[data-flag="${key}"]`)?.dataset.raw, flag);

/** Waits in the page itself, so that the time is not lengthened by polling from here. */
function pageShows(flag, value, timeout) {
  return page.waitForFunction(([key, raw]) => document.querySelector(`[data-flag="${key}"]`)?.dataset.raw === raw, [flag, value], { timeout, polling: "raf" });
}

test("the page evaluates from the network's snapshot", async () => {
  const address = new URL(world.page.url);
  address.searchParams.set("connection", world.environment.connectionStrings.client);
  await page.goto(address.href);
  await page.waitForFunction(() => document.body.dataset.connected === "true");
  const { source, version } = await status();
  assert.equal(source, "network");
  assert.ok(Number(version) >= 1, `version ${version}`);
  assert.ok(!page.url().includes("pnc_"), "the connection string leaves the address");
});

test("flips reach the edge and the page within one second", async (t) => {
  await eventually("the edge to evaluate", async () => (await world.evaluateAtEdge("new-checkout")).status === 200);
  for (const [state, value] of [["off", false], ["on", true], ["off", false], ["on", true]]) {
    // Publishing merges changes of the same second: a flip right after another would wait for its end.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const start = performance.now();
    await world.flip("new-checkout", state);
    const edge = eventually(`the edge to serve ${value}`, async () => (await world.evaluateAtEdge("new-checkout")).value === value, { within: WITHIN_MS, every: 5 })
      .then(() => performance.now() - start);
    const browserPage = pageShows("new-checkout", String(value), WITHIN_MS).then(() => performance.now() - start);
    const [atEdge, inPage] = await Promise.all([edge, browserPage]);
    t.diagnostic(`${state}: edge after ${atEdge.toFixed(0)} ms, page after ${inPage.toFixed(0)} ms`);
    assert.ok(atEdge < WITHIN_MS && inPage < WITHIN_MS);
  }
});

test("page, edge and control plane agree on a split for every user", async () => {
  for (let n = 0; n < 20; n += 1) {
    const user = `someone-${n}`;
    await page.fill("#user", user);
    const atEdge = await world.evaluateAtEdge("button-colour", { targetingKey: user });
    assert.equal(atEdge.reason, "SPLIT");
    assert.equal(await shown("button-colour"), atEdge.value, user);
  }
});

test("without the control plane, a reloaded page evaluates from its cached snapshot and says so; the edge goes on", async () => {
  const before = { status: await status(), checkout: await shown("new-checkout") };
  await world.controlPlane.end();
  await page.reload();
  await page.waitForFunction(() => document.body.dataset.source === "cache");
  const now = await status();
  assert.equal(now.version, before.status.version);
  assert.equal(now.connected, "false");
  assert.equal(await shown("new-checkout"), before.checkout);
  assert.match(await page.textContent("#source"), /cached snapshot/);
  const atEdge = await world.evaluateAtEdge("new-checkout");
  assert.deepEqual([atEdge.status, String(atEdge.value)], [200, before.checkout]);
});

test("when the control plane is back, page and edge follow it again by themselves", async () => {
  await world.startControlPlane();
  await page.waitForFunction(() => document.body.dataset.connected === "true", undefined, { timeout: 30_000 });
  await world.flip("new-checkout", "off");
  await pageShows("new-checkout", "false", 10_000);
  await eventually("the edge to serve false", async () => (await world.evaluateAtEdge("new-checkout")).value === false, { within: 10_000 });
});

test("a page that was open through all of it had no error of its own", () => {
  assert.deepEqual(troubles, []);
});
