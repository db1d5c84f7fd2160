// The built worker on workerd, as its own process.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pushBody } from "./world.mjs";

const SERVE = fileURLToPath(new URL("../../serve.mjs", import.meta.url));
const EXAMPLE = fileURLToPath(new URL("../../../examples/self-hosted-edge/", import.meta.url));
const WORKERD = fileURLToPath(new URL("../../../node_modules/workerd/bin/workerd", import.meta.url));
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;
const POLL_MS = 50;
/** Shorter than the default 5 s, so that tests of polling take less. */
const REFRESH_MS = "500";

/** What tests ask of an edge at an address. */
function asked(url, pushKey) {
  return {
    url,
    get: (path, headers = {}) => fetch(url + path, { headers }),
    status: async () => {
      const answer = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${pushKey}` } });
      if (answer.status !== 200) throw new Error(`status answers ${answer.status}: ${await answer.text()}`);
      return answer.json();
    },
    /** The version in use, undefined before the first. */
    async version(kind = "edge") {
      return (await this.status()).snapshots.find((held) => held.kind === kind)?.version;
    },
    /** Resolves when KV has everything that is held. */
    stored() {
      return until("KV to have what is held", async () => (await this.status()).snapshots.every(({ stored }) => stored));
    },
    push: async (signed, keyset, key = pushKey) => {
      const answer = await fetch(`${url}/v1/push`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/octet-stream" },
        body: pushBody(signed, keyset),
      });
      return { status: answer.status, body: await answer.json() };
    },
    evaluate: async (flag, context, key, headers = {}) => {
      const answer = await fetch(`${url}/ofrep/v1/evaluate/flags${flag === undefined ? "" : `/${flag}`}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${key}`, ...headers },
        body: JSON.stringify({ context }),
      });
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, body: text === "" ? undefined : JSON.parse(text) };
    },
  };
}

/** A process that says on one line of its output where it listens, as `address` reads it. */
async function startProcess(command, args, { env, output, address }) {
  const stdio = ["ignore", "pipe", "pipe", ...(output > 2 ? ["pipe"] : [])];
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (data) => (log += data));
  if (output !== 1) child.stdout.setEncoding("utf8").on("data", (data) => (log += data));
  const exited = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  const url = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the edge did not start in ${START_LIMIT_MS} ms:\n${log}`)), START_LIMIT_MS);
    createInterface({ input: child.stdio[output] }).once("line", (line) => {
      clearTimeout(late);
      resolve(address(JSON.parse(line)));
    });
    exited.then(({ code, signal }) => {
      clearTimeout(late);
      reject(new Error(`the edge ended with ${code ?? signal}:\n${log}`));
    });
  });
  return {
    url,
    child,
    log: () => log,
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
      const end = await exited;
      clearTimeout(late);
      return end;
    },
  };
}

/**
 * Starts an edge; `state` is the folder of its KV, a new one when left out. Its stop() ends the process and keeps the folder.
 */
export async function startEdge({ connection, pushKey, state, refreshMs = REFRESH_MS, environmentKey = "", cache = "on", dist, cf, maxStreams, env = {} }) {
  const own = state === undefined;
  const folder = state ?? (await mkdtemp(join(tmpdir(), "pennon-edge-")));
  const more = [...(dist ? ["--dist", dist] : []), ...(cf ? ["--cf", JSON.stringify(cf)] : [])];
  const started = await startProcess(process.execPath, [SERVE, "--port", "0", "--state", folder, ...more], {
    env: {
      PENNON_REFRESH_MS: refreshMs, PENNON_ENVIRONMENT: environmentKey, PENNON_CONNECTION: connection, PENNON_PUSH_KEY: pushKey,
      PENNON_CACHE: cache, ...(maxStreams && { PENNON_MAX_STREAMS: String(maxStreams) }), ...env,
    },
    output: 1,
    address: ({ url }) => url,
  });
  const remove = () => (own ? rm(folder, { recursive: true, force: true }) : undefined);
  return { ...asked(started.url, pushKey), state: folder, log: started.log, stop: started.stop, remove };
}

/**
 * Starts the self-hosted edge of the examples on workerd alone. `kv` is the address of what plays KV; without it, it is the example's own.
 */
export async function startWorkerd({ connection, pushKey, state, refreshMs = REFRESH_MS, kv, maxStreams, env = {} }) {
  const own = state === undefined;
  const folder = state ?? (await mkdtemp(join(tmpdir(), "pennon-workerd-")));
  let config = join(EXAMPLE, "pennon.capnp");
  if (kv) {
    const text = await readFile(config, "utf8");
    const changed = text.replace('(name = "kv", worker = .kv)', `(name = "kv", external = (address = "${kv}", http = ()))`);
    if (changed === text) throw new Error(`${config} has no service kv to replace`);
    config = join(EXAMPLE, `failing-${process.pid}-${kv.replace(":", "-")}.capnp`);
    await writeFile(config, changed);
  }
  const started = await startProcess(
    WORKERD,
    ["serve", config, "--socket-addr", "http=127.0.0.1:0", "--directory-path", `state=${folder}`, "--control-fd=3"],
    {
      env: { PENNON_REFRESH_MS: refreshMs, PENNON_CONNECTION: connection, PENNON_PUSH_KEY: pushKey, ...(maxStreams && { PENNON_MAX_STREAMS: String(maxStreams) }), ...env },
      output: 3,
      address: ({ port }) => `http://127.0.0.1:${port}`,
    },
  ).finally(() => (kv ? rm(config) : undefined));
  const remove = () => (own ? rm(folder, { recursive: true, force: true }) : undefined);
  return { ...asked(started.url, pushKey), pid: started.child.pid, state: folder, log: started.log, stop: started.stop, remove };
}

/** Asks again until `check` yields something true, and answers that. */
export async function until(what, check, limitMs = 15_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
