// The real parts together: `pennon serve`, the edge worker on workerd, the example page in Chromium.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { servePage } from "./page-server.mjs";
import { Child, freePort, startPennon, top } from "./programs.mjs";

const PUSH_KEY = "push-key-of-the-end-to-end-tests";

/** One control plane, one edge worker, one page server, each on its own port, in a folder of its own. */
export class World {
  /** @param options `bootstrap`: the CONFIG.json of the first start; `variables`: more of the control plane's environment */
  static async start({ bootstrap, variables = {} } = {}) {
    const world = new World();
    Object.assign(world, { bootstrap, variables });
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
    const env = { ...this.variables, PENNON_EDGES: `${this.edgeUrl}=${PUSH_KEY}` };
    this.controlPlane = await startPennon(this.folder, this.port, { env, bootstrap: this.bootstrap });
  }

  /** Another control plane on the same database, which `variables` has to name. */
  async startReplica() {
    const port = await freePort();
    this.replica = await startPennon(this.folder, port, { env: this.variables, data: "data-of-the-replica" });
    this.replicaUrl = `http://127.0.0.1:${port}`;
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
  evaluateAtEdge(flag, context) {
    return this.evaluateAt(this.edgeUrl, flag, context);
  }

  /** The same anywhere. */
  async evaluateAt(url, flag, context = { targetingKey: "user-1" }) {
    const response = await fetch(`${url}/ofrep/v1/evaluate/flags/${flag}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${this.environment.sdkKeys.server}` },
      body: JSON.stringify({ context }),
    });
    return { status: response.status, ...(await response.json()) };
  }

  async end() {
    await this.page?.close();
    await this.edge?.end();
    await this.replica?.end();
    await this.controlPlane?.end();
    await rm(this.folder, { recursive: true, force: true });
  }
}
