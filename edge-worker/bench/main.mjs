// What the edge worker costs on workerd, beside a worker in JavaScript that parses the same body and answers with a constant of the same
// length (floor.mjs). Both get the same requests in turn, in short rounds; CPU is that of their processes, because a worker's own clock
// stands still. Run by `cargo xtask bench edge`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startWorkerd } from "../tests/support/edge.mjs";
import { startOrigin } from "../tests/support/origin.mjs";
import { environment } from "../tests/support/world.mjs";

const LIMITS = { single: 1.4, bulk: 2.5, coldMs: 30 };
const ROUNDS = 9;
const ROUND_MS = 1_000;
const WARM_UP_MS = 2_000;
const CONNECTIONS = 16;
const COLD_STARTS = 7;
const TICK_MS = 10;

const CONTEXT = { targetingKey: "user-4711", plan: "pro", country: "DE", age: 34, email: "somebody@example.com", beta: true };

/** Flags as they are in life: some plain, some with rules, some that split. */
function configuration(count) {
  const flag = (index) => ({
    type: "boolean", clientVisible: true, enabled: true, offVariant: "off",
    variants: [{ key: "on", value: true }, { key: "off", value: false }],
    rules: index % 3 === 0 ? [] : [
      { id: "staff", when: { ends_with: { attribute: "email", values: ["@corp.example"] } }, serve: { variant: "on" } },
      { id: "pro", when: { all: [{ equals: { attribute: "plan", value: "pro" } }, { in: { attribute: "country", values: ["FR", "IT", "ES"] } }] }, serve: { variant: "on" } },
    ],
    fallthrough: index % 2 === 0 ? { variant: "off" } : {
      split: { by: { salt: index.toString(16).padStart(32, "0") }, weights: [{ variant: "on", weight: 30000 }, { variant: "off", weight: 70000 }] },
    },
  });
  return {
    format: 1, segments: {},
    attributes: { plan: { type: "string" }, country: { type: "string" }, email: { type: "string" } },
    flags: Object.fromEntries(Array.from({ length: count }, (_, index) => [`flag-${index}`, flag(index)])),
  };
}

/** CPU that a process has had, user and system, in milliseconds. */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

function post(agent, url, path, key, body) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body), authorization: `Bearer ${key}` };
    const sent = request(url + path, { method: "POST", agent, headers }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk)).on("end", () => resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    sent.on("error", reject).end(body);
  });
}

/** A round: requests without a pause on every connection; what one of them cost the process. */
async function round({ agent, url, path, key, body, pid }, milliseconds) {
  const from = performance.now();
  const cpu = cpuMs(pid);
  const times = [];
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    while (performance.now() - from < milliseconds) {
      const sent = performance.now();
      const { status } = await post(agent, url, path, key, body);
      if (status !== 200) throw new Error(`${url}${path} answers ${status}`);
      times.push(performance.now() - sent);
    }
  }));
  const took = performance.now() - from;
  times.sort((a, b) => a - b);
  return { cpuUs: ((cpuMs(pid) - cpu) * 1000) / times.length, perS: (times.length * 1000) / took, p99: times[Math.floor(times.length * 0.99)] };
}

async function startFloor(answer) {
  const folder = await mkdtemp(join(tmpdir(), "pennon-floor-"));
  const file = join(folder, "floor.capnp");
  await writeFile(join(folder, "floor.mjs"), readFileSync(fileURLToPath(new URL("floor.mjs", import.meta.url))));
  await writeFile(join(folder, "answer.json"), answer);
  await writeFile(file, `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "floor", worker = (compatibilityDate = "2026-07-01", modules = [(name = "floor.mjs", esModule = embed "floor.mjs")],
    bindings = [(name = "ANSWER", text = embed "answer.json")]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "floor")],
);`);
  const workerd = fileURLToPath(new URL("../../node_modules/workerd/bin/workerd", import.meta.url));
  const child = spawn(workerd, ["serve", file, "--control-fd=3"], { stdio: ["ignore", "inherit", "inherit", "pipe"] });
  const [line] = await once(createInterface({ input: child.stdio[3] }), "line");
  return {
    url: `http://127.0.0.1:${JSON.parse(line).port}`,
    pid: child.pid,
    async stop() {
      child.kill();
      await once(child, "exit");
      await rm(folder, { recursive: true });
    },
  };
}

/** Measures the edge and the floor in turn. The ratio is that of each pair of rounds, so that what else the machine does touches both. */
async function compare(name, edge, path, key, limit) {
  const body = JSON.stringify({ context: CONTEXT });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const { text } = await post(agent, edge.url, path, key, body);
  const floor = await startFloor(text);
  const subjects = [floor, edge].map(({ url, pid }) => ({ agent: new Agent({ keepAlive: true, maxSockets: CONNECTIONS }), url, pid, path, key, body }));
  for (const subject of subjects) await round(subject, WARM_UP_MS);
  const rounds = [];
  for (let number = 0; number < ROUNDS; number++) {
    const pair = [];
    for (const subject of subjects) pair.push(await round(subject, ROUND_MS));
    rounds.push(pair);
  }
  await floor.stop();
  const of = (at, what) => median(rounds.map((pair) => pair[at][what]));
  const ratio = median(rounds.map(([plain, ours]) => ours.cpuUs / plain.cpuUs));
  for (const [at, who] of [[0, "a worker that answers a constant"], [1, "pennon"]]) {
    console.log(`${name.padEnd(24)} ${who.padEnd(34)} ${of(at, "cpuUs").toFixed(0).padStart(6)} us CPU ${of(at, "perS").toFixed(0).padStart(7)} requests/s ${of(at, "p99").toFixed(1).padStart(6)} ms p99`);
  }
  console.log(`${name.padEnd(24)} ratio ${ratio.toFixed(2)} (limit ${limit}), answer ${text.length} bytes`);
  return ratio <= limit;
}

const worlds = [1_000, 100].map((count) => {
  const world = environment();
  return { world, signed: world.sign({ version: 1, configuration: configuration(count) }) };
});
const running = [];
async function start({ world, signed }) {
  const origin = await startOrigin(world.id, world.keys.edge);
  origin.serve(signed);
  const connection = world.connection(origin.url, signed.fingerprint);
  const edge = await startWorkerd({ connection, pushKey: world.pushKey, refreshMs: "5000" });
  running.push(edge, origin);
  const { status } = await edge.evaluate("flag-1", CONTEXT, world.keys.server);
  if (status !== 200) throw new Error(`the edge answers ${status}`);
  return { edge, connection };
}

let good = true;
try {
  const thousand = await start(worlds[0]);
  good = (await compare("one flag of 1,000", thousand.edge, "/ofrep/v1/evaluate/flags/flag-1", worlds[0].world.keys.server, LIMITS.single)) && good;
  const hundred = await start(worlds[1]);
  good = (await compare("all of 100 flags", hundred.edge, "/ofrep/v1/evaluate/flags", worlds[1].world.keys.server, LIMITS.bulk)) && good;

  // Cold isolates with the snapshot in KV, where the run before left it.
  const { world } = worlds[0];
  await thousand.edge.stop();
  const cold = [];
  for (let start = 0; start < COLD_STARTS; start++) {
    const edge = await startWorkerd({ connection: thousand.connection, pushKey: world.pushKey, refreshMs: "5000", state: thousand.edge.state });
    const from = performance.now();
    const { status } = await edge.evaluate("flag-1", CONTEXT, world.keys.server);
    cold.push(performance.now() - from);
    if (status !== 200) throw new Error(`a cold edge answers ${status}`);
    await edge.stop();
  }
  console.log(`first request of a cold isolate with 1,000 flags: ${median(cold).toFixed(1)} ms median, ${Math.min(...cold).toFixed(1)} ms least (limit ${LIMITS.coldMs} ms)`);
  good = median(cold) <= LIMITS.coldMs && good;
} finally {
  for (const each of running) {
    await each.stop();
    await each.remove?.();
  }
}
if (!good) {
  console.error("the edge worker is over a limit");
  process.exitCode = 1;
}
