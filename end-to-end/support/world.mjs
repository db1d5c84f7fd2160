// The real parts together: `pennon serve`, the edge worker on workerd, the example page in Chromium.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { servePage } from "./page-server.mjs";

const top = fileURLToPath(new URL("../../", import.meta.url));
const PUSH_KEY = "push-key-of-the-end-to-end-tests";
/** How long any part may take to start or to end, on a busy machine. */
const PATIENCE_MS = 30_000;

/** A port that was free a moment ago. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Calls `probe` until it answers something, or says what was waited for. */
export async function eventually(what, probe, { within = PATIENCE_MS, every = 20 } = {}) {
  const deadline = performance.now() + within;
  let last;
  do {
    try {
      const answer = await probe();
      if (answer) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  } while (performance.now() < deadline);
  throw new Error(`waited ${within} ms in vain for ${what}${last ? `: ${last.message}` : ""}`, { cause: last });
}

function binary() {
  const path = process.env.PENNON_BIN ?? join(top, "target/debug/pennon");
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`cargo xtask build\``);
  return path;
}

/** A child process whose output is kept for the case that a test fails. */
class Child {
  constructor(name, command, args, env) {
    this.name = name;
    this.output = "";
    this.process = spawn(command, args, { cwd: top, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.ended = once(this.process, "exit");
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        this.output = (this.output + text).slice(-20_000);
      });
    }
  }

  get running() {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  async end(signal = "SIGTERM") {
    if (!this.running) return;
    this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill("SIGKILL"), PATIENCE_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

/** One control plane, one edge worker, one page server, each on its own port, in a folder of its own. */
export class World {
  static async start() {
    const world = new World();
    world.folder = await mkdtemp(join(tmpdir(), "pennon-end-to-end-"));
    [world.port, world.edgePort] = [await freePort(), await freePort()];
    world.url = `http://127.0.0.1:${world.port}`;
    world.edgeUrl = `http://127.0.0.1:${world.edgePort}`;
    try {
      await world.startControlPlane();
      world.credentials = JSON.parse(await readFile(join(world.folder, "credentials.json"), "utf8"));
      world.environment = world.credentials.environments.find(({ key }) => key === "development");
      await world.startEdge();
      world.page = await servePage(join(top, "examples/browser/dist"));
    } catch (error) {
      await world.end();
      throw error;
    }
    return world;
  }

  async startControlPlane() {
    const ready = join(this.folder, "ready.json");
    await rm(ready, { force: true });
    this.controlPlane = new Child("pennon serve", binary(), [
      "serve",
      ...["--listen", `127.0.0.1:${this.port}`],
      ...["--data-dir", join(this.folder, "data")],
      ...["--bootstrap", join(top, "examples/sample/config.json")],
      ...["--ready-file", ready],
      ...["--credentials-file", join(this.folder, "credentials.json")],
    ], { PENNON_EDGES: `${this.edgeUrl}=${PUSH_KEY}` });
    await eventually("the control plane to be ready", () => {
      if (!this.controlPlane.running) throw new Error(`it ended:\n${this.controlPlane.output}`);
      return existsSync(ready);
    });
  }

  async startEdge() {
    this.edge = new Child("edge worker", process.execPath, [
      join(top, "edge-worker/serve.mjs"),
      ...["--port", String(this.edgePort)],
      ...["--state", join(this.folder, "edge")],
    ], { PENNON_CONNECTION: this.environment.connectionStrings.edge, PENNON_PUSH_KEY: PUSH_KEY });
    for await (const line of createInterface({ input: this.edge.process.stdout })) {
      if (!line.includes('"ready":true')) continue;
      // Leaving the loop pauses the stream; a full pipe would stop the worker.
      this.edge.process.stdout.resume();
      return;
    }
    throw new Error(`the edge worker ended:\n${this.edge.output}`);
  }

  /** Turns a flag on or off through the admin API. */
  async flip(flag, state) {
    const path = `/admin/projects/default/environments/development/flags/${flag}/${state}`;
    const response = await fetch(this.url + path, { method: "POST", headers: { authorization: `Bearer ${this.credentials.adminToken}` } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** Evaluates one flag at the edge, with the server key. */
  async evaluateAtEdge(flag, context = { targetingKey: "user-1" }) {
    const response = await fetch(`${this.edgeUrl}/ofrep/v1/evaluate/flags/${flag}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${this.environment.sdkKeys.server}` },
      body: JSON.stringify({ context }),
    });
    return { status: response.status, ...(await response.json()) };
  }

  async end() {
    await this.page?.close();
    await this.edge?.end();
    await this.controlPlane?.end();
    await rm(this.folder, { recursive: true, force: true });
  }
}
