// Programs that a test starts and ends.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const top = fileURLToPath(new URL("../../", import.meta.url));
/** How long any part may take to start or to end, on a busy machine. */
const PATIENCE_MS = 30_000;

/** A port that was free a moment ago. */
export async function freePort() {
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

/** The program `pennon`. */
export function binary() {
  const path = process.env.PENNON_BIN ?? join(top, "target/debug/pennon");
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`cargo xtask build\``);
  return path;
}

/** A child process whose output is kept for the case that a test fails. */
export class Child {
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

/** `pennon serve` on SQLite in a folder, with the sample project; ready when this returns. What it shows once lies in `credentials.json`. */
export async function startPennon(folder, port, { env = {}, bootstrap = join(top, "examples/sample/config.json"), data = "data" } = {}) {
  const ready = join(folder, `${data}.ready.json`);
  await rm(ready, { force: true });
  const pennon = new Child("pennon serve", binary(), [
    "serve",
    ...["--listen", `127.0.0.1:${port}`],
    ...["--data-dir", join(folder, data)],
    ...["--bootstrap", bootstrap],
    ...["--ready-file", ready],
    ...["--credentials-file", join(folder, "credentials.json")],
  ], env);
  await eventually("the control plane to be ready", () => existsSync(ready) || !pennon.running);
  if (!pennon.running) throw new Error(`the control plane ended:\n${pennon.output}`);
  return pennon;
}
