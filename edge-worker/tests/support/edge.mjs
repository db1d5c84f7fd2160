// The built worker on workerd, as its own process.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pushBody } from "./world.mjs";

const SERVE = fileURLToPath(new URL("../../serve.mjs", import.meta.url));
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;
const POLL_MS = 50;
/** Shorter than the default 5 s, so that tests of polling take less. */
const REFRESH_MS = "500";

/**
 * Starts an edge; `state` is the folder of its KV, a new one when left out. Its stop() ends the process and keeps the folder.
 */
export async function startEdge({ connection, pushKey, state, refreshMs = REFRESH_MS, environmentKey = "" }) {
  const own = state === undefined;
  const folder = state ?? (await mkdtemp(join(tmpdir(), "pennon-edge-")));
  const child = spawn(process.execPath, [SERVE, "--port", "0", "--state", folder], {
    env: { ...process.env, PENNON_REFRESH_MS: refreshMs, PENNON_ENVIRONMENT: environmentKey, PENNON_CONNECTION: connection, PENNON_PUSH_KEY: pushKey },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (data) => (log += data));
  const exited = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  const url = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the edge did not start in ${START_LIMIT_MS} ms:\n${log}`)), START_LIMIT_MS);
    createInterface({ input: child.stdout }).once("line", (line) => {
      clearTimeout(late);
      resolve(JSON.parse(line).url);
    });
    exited.then(({ code, signal }) => {
      clearTimeout(late);
      reject(new Error(`the edge ended with ${code ?? signal}:\n${log}`));
    });
  });
  const edge = {
    url,
    state: folder,
    log: () => log,
    get: (path, headers = {}) => fetch(url + path, { headers }),
    status: async () => {
      const answer = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${pushKey}` } });
      if (answer.status !== 200) throw new Error(`status answers ${answer.status}: ${await answer.text()}`);
      return answer.json();
    },
    /** The version in use, undefined before the first. */
    version: async (kind = "edge") => (await edge.status()).snapshots.find((held) => held.kind === kind)?.version,
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
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
      const end = await exited;
      clearTimeout(late);
      if (own) edge.remove = () => rm(folder, { recursive: true, force: true });
      return end;
    },
    remove: async () => {},
  };
  return edge;
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
