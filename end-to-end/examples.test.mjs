// The examples for servers, as a reader would run them: a Rust service that evaluates in its own process, a Python program that asks the edge.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer, request } from "node:http";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { createInterface } from "node:readline";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { binary, eventually } from "./support/programs.mjs";
import { World } from "./support/world.mjs";

const examples = fileURLToPath(new URL("../examples/", import.meta.url));

let world;
before(async () => {
  world = await World.start();
  await eventually("the edge to evaluate", async () => (await world.evaluateAtEdge("new-checkout")).status === 200);
});
after(() => world?.end());

/** A program that answers lines, ended with the test. */
class Program {
  constructor(command, args, env) {
    this.process = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
    this.errors = "";
    this.process.stderr.setEncoding("utf8").on("data", (text) => (this.errors += text));
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async line() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`it ended:\n${this.errors}`);
    return value;
  }

  async ask(text) {
    this.process.stdin.write(`${text}\n`);
    return JSON.parse(await this.line());
  }

  async end() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill();
    await ended;
  }
}

describe("the Rust service", () => {
  let service;
  let url;
  before(async () => {
    const program = join(dirname(binary()), "rust-server");
    service = new Program(program, [], { PENNON_CONNECTION: world.environment.connectionStrings.server, LISTEN: "127.0.0.1:0" });
    url = (await service.line()).match(/http:\S+/)[0];
  });
  after(() => service?.end());

  const shop = async (user, country = "") => (await fetch(`${url}/?user=${user}&country=${country}`)).json();
  const checkout = async (user = "user-1") => (await shop(user)).checkout;

  test("evaluates from a verified snapshot", async () => {
    await eventually("the first snapshot", async () => (await shop("someone")).version !== null);
    assert.equal((await shop("someone", "DE")).banner, "Willkommen im Laden");
    assert.equal((await shop("someone", "FR")).banner, "Welcome to the shop");
  });

  test("follows a change by the stream", async () => {
    const now = await checkout();
    await world.flip("new-checkout", now === "new" ? "off" : "on");
    await eventually("the change", async () => (await checkout()) !== now);
  });

  test("goes on while Pennon is away, and follows it again when it is back", async () => {
    const held = await checkout();
    await world.controlPlane.end("SIGKILL");
    for (let round = 0; round < 20; round += 1) assert.equal(await checkout(), held);
    await world.startControlPlane();
    await world.flip("new-checkout", held === "new" ? "off" : "on");
    await eventually("the change after the restart", async () => (await checkout()) !== held);
  });
});

describe("the Python program", () => {
  let shop;
  let front;
  /** What the front answers instead of the edge, for so many requests. */
  let refusing = 0;
  let asked = 0;

  before(async () => {
    assert.ok(process.env.PENNON_PYTHON, "PENNON_PYTHON names no interpreter with examples/python/requirements.txt: run `cargo xtask test end-to-end`");
    const edge = new URL(world.edgeUrl);
    front = createServer((incoming, outgoing) => {
      asked += 1;
      if (refusing > 0) {
        refusing -= 1;
        incoming.resume();
        return void outgoing.writeHead(503, { "retry-after": "0" }).end();
      }
      const { method, headers, url: path } = incoming;
      const forward = request({ host: edge.hostname, port: edge.port, method, path, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode, answer.headers);
        answer.pipe(outgoing);
      });
      forward.on("error", () => outgoing.destroy());
      incoming.pipe(forward);
    }).listen(0, "127.0.0.1");
    await once(front, "listening");
    shop = new Program(process.env.PENNON_PYTHON, [join(examples, "python", "shop.py")], {
      PENNON_URL: `http://127.0.0.1:${front.address().port}`,
      PENNON_SDK_KEY: world.environment.sdkKeys.server,
    });
  });
  after(async () => {
    await shop?.end();
    front?.closeAllConnections();
    front?.close();
  });

  test("evaluates at the edge, and keeps the answer for a moment", async () => {
    const first = await shop.ask("someone");
    assert.deepEqual([first.banner, first.error], ["Willkommen im Laden", null]);
    const { value } = await world.evaluateAtEdge("new-checkout", { targetingKey: "someone", country: "DE" });
    assert.equal(first.checkout, value ? "new" : "old");
    const before = asked;
    const again = await shop.ask("someone");
    assert.deepEqual([again.checkout, again.reason, asked], [first.checkout, "CACHED", before]);
  });

  test("asks again when the edge cannot answer at once", async () => {
    refusing = 2;
    const answer = await shop.ask("somebody-else");
    assert.deepEqual([answer.error, refusing], [null, 0]);
  });

  test("goes on with what it was told when nobody answers, and says STALE", async () => {
    const known = await shop.ask("someone");
    // Past the time for which an answer counts as fresh; the example's own clock is the machine's.
    await new Promise((resolve) => setTimeout(resolve, 5_100));
    refusing = Infinity;
    const stale = await shop.ask("someone");
    assert.deepEqual([stale.checkout, stale.banner, stale.reason, stale.error], [known.checkout, known.banner, "STALE", null]);
    const stranger = await shop.ask("stranger");
    assert.deepEqual([stranger.checkout, stranger.banner, stranger.reason], ["old", "Welcome", "ERROR"]);
    refusing = 0;
    assert.equal((await shop.ask("stranger")).error, null);
  });
});
