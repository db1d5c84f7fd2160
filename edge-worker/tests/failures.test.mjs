// The failure table: each row takes something away from a self-hosted edge (workerd alone) that is being asked all the time, watches what it
// serves meanwhile, gives it back, and waits for the next version. What was served, what was noted and how long recovery took is printed as a table.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startWorkerd, until } from "./support/edge.mjs";
import { startKv } from "./support/kv-server.mjs";
import { startOrigin } from "./support/origin.mjs";
import { environment, flipped, withFlag } from "./support/world.mjs";

const PRO = { targetingKey: "u1", plan: "pro" };
const HOUR_MS = 60 * 60 * 1000;
const MIB = 1024 * 1024;
/** Often, so that a failure meets several refreshes in a short time. */
const REFRESH_MS = "200";
/** How long a failure lasts. */
const LASTS_MS = 700;
/** A caller that is held up for longer than this was held up by the failure. */
const PATIENCE_MS = 1_000;

const rows = [];
after(() => {
  console.log(`# ${"failure".padEnd(46)} ${"served".padEnd(14)} ${"evaluations".padStart(11)} ${"failed".padStart(6)} ${"slowest".padStart(8)} ${"recovery".padStart(9)}  noted`);
  for (const row of rows) {
    console.log(`# ${row.what.padEnd(46)} ${row.served.padEnd(14)} ${String(row.evaluations).padStart(11)} ${String(row.failed).padStart(6)} ${`${row.slowest} ms`.padStart(8)} ${`${row.recovery} ms`.padStart(9)}  ${row.noted}`);
  }
});

/** Evaluates without a pause until stopped; the value tells versions apart. */
function ask(edge, key) {
  const seen = { evaluations: 0, failed: [], slowest: 0, values: new Set() };
  let going = true;
  const done = (async () => {
    while (going) {
      const from = performance.now();
      const { status, body } = await edge.evaluate("theme", PRO, key).catch((error) => ({ status: error.message }));
      seen.slowest = Math.max(seen.slowest, Math.round(performance.now() - from));
      seen.evaluations++;
      if (status === 200) seen.values.add(`${body.value} ${body.reason}`);
      else seen.failed.push(status);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return { seen, stop: async () => ((going = false), await done, seen) };
}

describe("the failure table", () => {
  const world = environment();
  const other = environment(world.seeds);
  /** What is held: an even version, in which `theme` is gold. */
  let version = 10;
  let origin, kv, edge, signed;
  /** Whatever is wrong with a snapshot comes under an odd version, in which `theme` is plain: it would be seen at once. */
  const make = (number, more = {}) => world.sign({ version: number, configuration: withFlag("theme", number % 2 === 0), ...more });
  const bad = (more) => make(version + 1, more);
  const taken = () =>
    until(`version ${version}`, async () => {
      await edge.evaluate("theme", PRO, world.keys.client);
      return (await edge.version()) === version;
    });

  before(async () => {
    signed = make(version);
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    kv = await startKv();
    edge = await startWorkerd({ connection: world.connection(origin.url, signed.fingerprint), pushKey: world.pushKey, refreshMs: REFRESH_MS, kv: kv.address });
    assert.equal((await edge.evaluate("theme", PRO, world.keys.client)).status, 200);
  });
  after(async () => {
    await edge?.stop();
    await edge?.remove();
    await kv?.stop();
    await origin?.stop();
  });

  /** One row: what fails, how, what the status then says, and how it ends. */
  async function row(what, { fail, noted, heal = () => {} }) {
    const before = (await edge.status()).failures;
    const asking = ask(edge, world.keys.client);
    await fail();
    const end = performance.now() + LASTS_MS;
    if (noted) await until(`${noted} to be noted`, async () => ((await edge.status()).failures[noted] ?? 0) > (before[noted] ?? 0));
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, end - performance.now())));
    const during = await asking.stop();
    const { failures } = await edge.status();
    await heal();
    version += 2;
    signed = make(version);
    const healed = performance.now();
    origin.serve(signed);
    await taken();
    const recovery = Math.round(performance.now() - healed);
    const news = Object.keys(failures).filter((code) => failures[code] > (before[code] ?? 0));
    rows.push({ what, served: [...during.values].join(", "), evaluations: during.evaluations, failed: during.failed.length, slowest: during.slowest, recovery, noted: news.join(", ") || "nothing" });
    assert.ok(during.evaluations > 10, `${during.evaluations} evaluations`);
    assert.deepEqual(during.failed, [], "no evaluation failed");
    assert.ok(during.slowest < PATIENCE_MS, `an evaluation took ${during.slowest} ms`);
    assert.deepEqual([...during.values], ["gold TARGETING_MATCH"], "what was served meanwhile");
    if (!noted) assert.deepEqual(news, []);
    assert.ok(recovery < 5_000, `recovery took ${recovery} ms`);
  }
  /** The control plane answers something else than the head. */
  const head = (bytes) => () => origin.forgeHead("edge", bytes);

  test("the control plane is gone", async () => {
    const { port } = origin;
    await row("control plane gone", {
      fail: () => origin.stop(),
      noted: "origin-unreachable",
      heal: async () => (origin = await startOrigin(world.id, world.keys.edge, port)),
    });
  });
  test("the control plane answers 500", () =>
    row("control plane answers 500", { fail: () => origin.answerWith(() => ({ status: 500 })), noted: "origin-error", heal: () => origin.answerWith() }));
  test("the control plane hangs", () =>
    row("control plane hangs", { fail: () => origin.answerWith(() => "hang"), noted: "origin-unreachable", heal: () => origin.answerWith() }));
  test("the control plane answers garbage", () => row("control plane answers garbage", { fail: head(Buffer.alloc(235, 0xa5)), noted: "malformed-head" }));
  test("a body is cut off", () =>
    row("body cut off", {
      fail() {
        const cut = bad();
        origin.serve(cut);
        origin.forgeBody(cut.edge.sha256, cut.edge.body.subarray(0, 500));
      },
      noted: "body-length",
    }));
  test("a body of the right length has another hash", () =>
    row("body damaged", {
      fail() {
        const damaged = bad();
        origin.serve(damaged);
        origin.forgeBody(damaged.edge.sha256, flipped(damaged.edge.body, -1));
      },
      noted: "body-hash",
    }));
  test("the head of another environment", () => row("another environment's head", { fail: head(other.sign({ version: 99 }).edge.head), noted: "wrong-environment" }));
  test("a head of another kind", () => row("head of another kind", { fail: () => origin.forgeHead("edge", signed.client.head), noted: "wrong-kind" }));
  test("a head with a damaged signature", () => row("damaged signature", { fail: () => origin.forgeHead("edge", flipped(bad().edge.head, -1)), noted: "bad-signature" }));
  test("an older head", () => row("older head", { fail: head(make(5).edge.head), noted: "older-version" }));
  test("an equal version with another hash", () =>
    row("equal version, another hash", {
      fail: () => origin.serve(world.sign({ version, configuration: withFlag("theme", false) })),
      noted: "conflicting-body",
    }));
  test("an expired head", () => row("expired head", { fail: () => origin.serve(bad({ created: Date.now() - 2 * HOUR_MS, lifetime: HOUR_MS })), noted: "expired" }));
  for (const [what, shift] of [["ahead", HOUR_MS], ["behind", -HOUR_MS]]) {
    // It is no failure: what is signed under a wrong clock is taken, and what comes after it under the right one as well.
    test(`the control plane's clock is an hour ${what}`, () =>
      row(`control plane's clock an hour ${what}`, {
        fail() {
          version += 2;
          origin.serve(make(version, { created: Date.now() + shift }));
          return taken();
        },
      }));
  }
  test("a body over the limit of 10 MiB", () => {
    // Signing it takes this process longer than an evaluation may.
    const large = bad({ bodies: { edge: Buffer.alloc(10 * MIB + 1) } });
    return row("body over 10 MiB", { fail: () => origin.serve(large), noted: "over-limits" });
  });
  for (const [what, field, value] of [["10,001 flags", 16, 10_001], ["60,001 chunks", 12, 60_001]]) {
    test(`a signed body of ${what}`, () => {
      const body = Buffer.from(signed.edge.body);
      body.writeUInt32LE(value, field);
      return row(`body of ${what}`, { fail: () => origin.serve(bad({ bodies: { edge: body } })), noted: "over-limits" });
    });
  }
  test("a head over the limit of 32 KiB", () => row("head over 32 KiB", { fail: head(world.resigned(signed.edge, version + 1, 33_000).head), noted: "origin-too-large" }));
  test("a signed body that is none", () => row("signed body that is none", { fail: () => origin.serve(bad({ bodies: { edge: Buffer.alloc(5_000, 0x5a) } })), noted: "malformed-body" }));
  test("KV fails, and what the control plane has is taken all the same", () =>
    row("KV fails", {
      fail() {
        kv.fails();
        version += 2;
        origin.serve(make(version));
        return taken();
      },
      noted: "kv-unavailable",
      heal: () => kv.well(),
    }));

  test("KV is slow: a cold start waits a second for it at most, then asks the control plane", async () => {
    kv.isSlow(5_000);
    const connection = world.connection(origin.url, signed.fingerprint);
    const cold = await startWorkerd({ connection, pushKey: world.pushKey, refreshMs: REFRESH_MS, kv: kv.address });
    const from = performance.now();
    try {
      const { status, body } = await cold.evaluate("theme", PRO, world.keys.client);
      const took = Math.round(performance.now() - from);
      assert.deepEqual([status, body.value], [200, "gold"]);
      assert.ok(took > 900 && took < 2_500, `${took} ms`);
      assert.ok((await cold.status()).failures["kv-slow"] > 0);
      rows.push({ what: "KV slow at a cold start", served: body.value, evaluations: 1, failed: 0, slowest: took, recovery: took, noted: "kv-slow" });
    } finally {
      kv.well();
      await cold.stop();
      await cold.remove();
    }
  });

  test("a first start with nothing: callers are told, take their defaults, and it recovers by itself", async () => {
    const away = await startOrigin(world.id, world.keys.edge);
    await away.stop();
    const connection = world.connection(away.url, signed.fingerprint);
    const first = await startWorkerd({ connection, pushKey: world.pushKey, refreshMs: REFRESH_MS });
    let back;
    try {
      const { status, headers, body } = await first.evaluate("theme", PRO, world.keys.client);
      assert.deepEqual([status, headers.get("retry-after"), body.errorCode], [503, "1", "PROVIDER_NOT_READY"]);
      back = await startOrigin(world.id, world.keys.edge, away.port);
      back.serve(signed);
      const from = performance.now();
      await until("the first snapshot", async () => (await first.evaluate("theme", PRO, world.keys.client)).status === 200);
      const recovery = Math.round(performance.now() - from);
      rows.push({ what: "first start offline", served: "the default", evaluations: 1, failed: 1, slowest: 0, recovery, noted: "origin-unreachable" });
      assert.ok(recovery < 3_000);
    } finally {
      await first.stop();
      await first.remove();
      await back?.stop();
    }
  });
});

test("the self-hosted edge keeps its snapshots over a restart, and streams", async () => {
  const world = environment();
  const signed = world.sign({ version: 1 });
  const origin = await startOrigin(world.id, world.keys.edge);
  origin.serve(signed);
  const connection = world.connection(origin.url, signed.fingerprint);
  let edge = await startWorkerd({ connection, pushKey: world.pushKey });
  const { state, remove } = edge;
  try {
    assert.equal((await edge.evaluate("theme", PRO, world.keys.client)).body.value, "gold");
    const ended = new AbortController();
    const stream = await fetch(`${edge.url}/v1/stream/${world.id}/client?key=${world.keys.client}`, { signal: ended.signal });
    const { value: chunk } = await stream.body.getReader().read();
    assert.ok(new TextDecoder().decode(chunk).includes(signed.client.head.toString("base64")));
    ended.abort();
    await edge.stored();
    await edge.stop();
    await origin.stop();
    edge = await startWorkerd({ connection, pushKey: world.pushKey, state });
    assert.equal((await edge.evaluate("theme", PRO, world.keys.client)).body.value, "gold");
  } finally {
    await edge.stop();
    await remove();
  }
});
