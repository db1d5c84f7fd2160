// Signing keys are rotated, and the old one is revoked, under a control plane, an edge worker, a Node program and a page that run: all of them
// follow by themselves, and no evaluation fails meanwhile.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { join } from "node:path";

import { MemoryStorage, createClient } from "pennon";

import { launchBrowser } from "./support/browser.mjs";
import { binary, eventually } from "./support/programs.mjs";
import { World } from "./support/world.mjs";

/** Where a head names its keyset, and its signature the key: core/spec/snapshot.md section 2. */
const KEYSET_AT = 148;
const KEY_ID_AT = 161;

let world;
let browser;
let page;
let node;
const storage = new MemoryStorage();
/** Evaluations until now, by where, and those that were not as they should be. */
const evaluated = { edge: 0, node: 0, page: 0 };
const failures = [];
let evaluating = true;
let loops;

const signed = (head) => {
  const bytes = Buffer.from(head);
  return { keyset: bytes.readUInt32BE(KEYSET_AT), key: bytes.subarray(KEY_ID_AT, KEY_ID_AT + 8).toString("hex") };
};

/** The head that a client stored after it accepted it, and its body. */
async function heldByNode() {
  const { connectionStrings, id } = world.environment;
  const root = connectionStrings.server.match(/:([A-Za-z0-9_-]{43})@/)[1];
  const { snapshot } = await storage.load(`${root}/${id}/server`);
  return signed(snapshot.head);
}

async function heldByPage() {
  const head = await page.evaluate(async () => {
    const request = indexedDB.open("pennon");
    await new Promise((resolve, reject) => Object.assign(request, { onsuccess: resolve, onerror: reject }));
    const all = request.result.transaction("snapshots").objectStore("snapshots").getAll();
    await new Promise((resolve, reject) => Object.assign(all, { onsuccess: resolve, onerror: reject }));
    request.result.close();
    return all.result.map(({ head }) => [...head])[0];
  });
  return signed(head);
}

async function heldByEdge() {
  const response = await fetch(`${world.edgeUrl}/v1/status`, { headers: { authorization: `Bearer ${world.environment.sdkKeys.server}` } });
  const { snapshots } = await response.json();
  // What it hands to others as well, which is what its own holders verify.
  const kinds = await Promise.all(snapshots.map(async ({ kind, keyset }) => {
    const key = kind === "edge" ? world.environment.sdkKeys.edge : world.environment.sdkKeys.server;
    const head = await fetch(`${world.edgeUrl}/v1/head/${world.environment.id}/${kind}`, { headers: { authorization: `Bearer ${key}` } });
    return { ...signed(await head.arrayBuffer()), reported: keyset };
  }));
  return kinds.reduce((oldest, held) => (held.keyset < oldest.keyset ? held : oldest));
}

const everyone = { edge: heldByEdge, node: heldByNode, page: heldByPage };

/** Waits until all of them hold heads under this keyset, and answers the keys that signed these. */
async function followed(keyset) {
  const keys = await Promise.all(Object.entries(everyone).map(([who, held]) =>
    eventually(`the ${who} to hold a head under keyset ${keyset}`, async () => {
      const { keyset: at, key } = await held();
      return at === keyset && key;
    })));
  return new Set(keys);
}

async function keys(...args) {
  const { stdout } = await promisify(execFile)(binary(), ["keys", ...args, "--data-dir", join(world.folder, "data")]);
  return [...stdout.matchAll(/^ {2}key {2}([0-9a-f]{16})/gm)].map(([, id]) => id);
}

/** Evaluates until the end, and notes what failed. */
async function evaluate(where, once) {
  while (evaluating) {
    const problem = await once().catch((error) => error.message);
    evaluated[where] += 1;
    if (problem) failures.push(`${where}, evaluation ${evaluated[where]}: ${problem}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

before(async () => {
  world = await World.start();
  node = createClient(world.environment.connectionStrings.server, { storage, context: { targetingKey: "user-1" } });
  await node.ready();
  browser = await launchBrowser();
  page = await browser.newPage();
  const address = new URL(world.page.url);
  address.searchParams.set("connection", world.environment.connectionStrings.client);
  await page.goto(address.href);
  await page.waitForFunction(() => document.body.dataset.connected === "true");
  await eventually("the edge to evaluate", async () => (await world.evaluateAtEdge("new-checkout")).status === 200);
  const wanted = node.boolean("new-checkout", false);
  loops = Promise.all([
    evaluate("edge", async () => {
      const { status, value } = await world.evaluateAtEdge("new-checkout");
      return status === 200 && value === wanted ? undefined : `${status} ${value}`;
    }),
    evaluate("node", async () => {
      const { value, errorCode } = node.details("new-checkout", !wanted);
      return errorCode ?? (value === wanted ? undefined : `${value}`);
    }),
    evaluate("page", async () => {
      const raw = await page.evaluate(() => document.querySelector('[data-flag="new-checkout"]')?.dataset.raw);
      return raw === String(wanted) ? undefined : String(raw);
    }),
  ]);
});

after(async () => {
  evaluating = false;
  await loops;
  node?.close();
  await browser?.close();
  await world?.end();
});

let first;

test("at first everybody holds what the first key signed", async () => {
  [first] = await keys("list");
  assert.deepEqual(await followed(1), new Set([first]));
});

test("`keys rotate`: everybody comes to the new key by themselves", async (t) => {
  const begun = performance.now();
  const [kept, second] = await keys("rotate");
  assert.equal(kept, first);
  assert.deepEqual(await followed(2), new Set([second]));
  t.diagnostic(`everybody holds what the new key signed after ${(performance.now() - begun).toFixed(0)} ms`);
});

test("`keys revoke`: the old key is worth nothing any more, to anybody", async () => {
  const [, second] = await keys("list");
  assert.deepEqual(await keys("revoke", first), [second]);
  assert.deepEqual(await followed(3), new Set([second]));
});

test("a change after it reaches everybody, and nothing failed meanwhile", async () => {
  evaluating = false;
  await loops;
  for (const [where, count] of Object.entries(evaluated)) assert.ok(count > 20, `${count} evaluations in the ${where}`);
  assert.deepEqual(failures, []);
  const wanted = !node.boolean("new-checkout", false);
  await world.flip("new-checkout", wanted ? "on" : "off");
  await eventually("the node program to have the change", async () => node.boolean("new-checkout", !wanted) === wanted);
  await eventually("the edge to have the change", async () => (await world.evaluateAtEdge("new-checkout")).value === wanted);
  await page.waitForFunction((raw) => document.querySelector('[data-flag="new-checkout"]')?.dataset.raw === raw, String(wanted));
});
