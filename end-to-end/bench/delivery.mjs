// `cargo xtask bench delivery`: how long from the admin API's answer to a change until an evaluation shows it, at another replica (PostgreSQL and
// Redis), at the edge worker on workerd, and in a page in Chromium; with 1,000 flags and 1,000 streams open.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

import { launchBrowser } from "../support/browser.mjs";
import { eventually } from "../support/programs.mjs";
import { World } from "../support/world.mjs";

const FLAGS = 1_000;
const STREAMS = 1_000;
const CHANGES = 150;
/** Changes further apart than a second are published at once. */
const SPACED_MS = 1_100;
const POLL_MS = 2;
/** What each place is to reach, in milliseconds, at the 99th percentile. */
const GOALS = { "another replica": 100, "the edge worker": 250, "a page in Chromium": 500 };
const FLAG = "new-checkout";

const sample = JSON.parse(await readFile(fileURLToPath(new URL("../../examples/sample/config.json", import.meta.url)), "utf8"));
for (let number = Object.keys(sample.flags).length; number < FLAGS; number += 1) {
  sample.flags[`flag-${number}`] = sample.flags["banner-text"];
}
const bootstrap = join(tmpdir(), `pennon-delivery-${process.pid}.json`);
await writeFile(bootstrap, JSON.stringify(sample));

const { PENNON_TEST_POSTGRES: database, PENNON_TEST_REDIS: redis } = process.env;
assert.ok(database && redis, "PENNON_TEST_POSTGRES or PENNON_TEST_REDIS is not set: run `cargo xtask bench delivery`");
const world = await World.start({
  bootstrap,
  variables: {
    PENNON_DATABASE: database,
    PENNON_REDIS: redis,
    PENNON_SECRET: "ef".repeat(32),
    PENNON_RATE_PER_ADDRESS: "0",
    PENNON_RATE_PER_CREDENTIAL: "0",
  },
});
const browser = await launchBrowser();
let streams;
try {
  await world.startReplica();
  const page = await browser.newPage();
  const address = new URL(world.page.url);
  address.searchParams.set("connection", world.environment.connectionStrings.client);
  await page.goto(address.href);
  await page.waitForFunction(() => document.body.dataset.connected === "true");
  await eventually("the edge to evaluate", async () => (await world.evaluateAtEdge(FLAG)).status === 200);
  streams = await openStreams();

  const times = Object.fromEntries(Object.keys(GOALS).map((place) => [place, []]));
  let value = (await world.evaluateAtEdge(FLAG)).value;
  for (let change = 0; change < CHANGES; change += 1) {
    await new Promise((resolve) => setTimeout(resolve, SPACED_MS));
    value = !value;
    const changed = page.evaluate(([flag, raw]) => new Promise((resolve) => {
      const shown = document.querySelector(`[data-flag="${flag}"]`);
      const look = () => shown.dataset.raw === raw && resolve();
      new MutationObserver(look).observe(shown, { attributes: true });
      look();
    }), [FLAG, String(value)]);
    await world.flip(FLAG, value ? "on" : "off");
    const answered = performance.now();
    const shows = async (url) => {
      // Without a pause the asking itself would take the processor from what is measured.
      while ((await world.evaluateAt(url, FLAG)).value !== value) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    };
    await Promise.all([
      ["another replica", shows(world.replicaUrl)],
      ["the edge worker", shows(world.edgeUrl)],
      ["a page in Chromium", changed],
    ].map(([place, arrival]) => arrival.then(() => times[place].push(Math.max(0, performance.now() - answered)))));
  }

  console.log(`From the admin API's answer to an evaluation that shows the change, ${CHANGES} changes, ${FLAGS} flags, ${STREAMS} streams open:`);
  let reached = true;
  for (const [place, goal] of Object.entries(GOALS)) {
    const sorted = times[place].sort((a, b) => a - b);
    const at = (share) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)];
    const p99 = at(0.99);
    reached &&= p99 < goal;
    console.log(`  ${place.padEnd(20)} p50 ${at(0.5).toFixed(0).padStart(4)} ms   p90 ${at(0.9).toFixed(0).padStart(4)} ms   p99 ${p99.toFixed(0).padStart(4)} ms   to reach: ${goal} ms${p99 < goal ? "" : "   NOT REACHED"}`);
  }
  process.exitCode = reached ? 0 : 1;
} finally {
  await streams?.terminate();
  await rm(bootstrap);
  await browser.close();
  await world.end();
}

/** Streams of clients, half of them at each replica. */
async function openStreams() {
  const path = `/v1/stream/${world.environment.id}/client?key=${world.environment.sdkKeys.client}`;
  const urls = [world.replicaUrl, world.url].map((url) => url + path);
  const streams = new Worker(new URL("streams.mjs", import.meta.url), { workerData: { urls, count: STREAMS } });
  // The end of the run cuts them: an error before they are open is the only one that counts.
  await once(streams, "message");
  streams.on("error", () => {});
  return streams;
}
