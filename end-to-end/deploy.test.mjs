// examples/deploy, as far as it can be checked without a container runtime: its variables are those that the programs know, its build is
// the README's, and a control plane starts with its settings.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";

import { binary, Child, eventually, freePort, top } from "./support/programs.mjs";

const folder = join(top, "examples/deploy");
const text = (name) => readFile(join(folder, name), "utf8");
const compose = parse(await text("compose.yaml"), { merge: true });
const REPLICAS = ["pennon-a", "pennon-b"];

/** The values of `.env`, as somebody fills it in. */
async function filledIn() {
  const lines = (await text(".env.example")).split("\n").filter((line) => /^[A-Z_]+=/.test(line));
  const values = new Map(lines.map((line) => line.split(/=(.*)/s, 2)));
  values.set("PENNON_SECRET", randomBytes(32).toString("hex"));
  for (const name of ["POSTGRES_PASSWORD", "PENNON_PUSH_KEY"]) values.set(name, randomBytes(24).toString("hex"));
  return values;
}

/** `${NAME:?}` and `${NAME:-default}` replaced, as compose does it. */
function interpolated(value, values) {
  return String(value).replaceAll(/\$\{([A-Z_]+)(:\?|:-([^}]*))\}/g, (whole, name, _, otherwise) => {
    assert(values.has(name), `${whole}: .env.example has no ${name}`);
    return values.get(name) || (otherwise ?? assert.fail(`${name} is empty`));
  });
}

test("each variable is one that the program knows", () => {
  const help = execFileSync(binary(), ["serve", "--help"], { encoding: "utf8" });
  let seen = 0;
  for (const name of REPLICAS) {
    for (const variable of Object.keys(compose.services[name].environment)) {
      assert.match(help, new RegExp(`\\b${variable}\\b`), variable);
      seen += 1;
    }
  }
  assert(seen >= 2 * 6, `${seen}`);
});

test("the edge worker's variables are those that it reads", async () => {
  const program = await readFile(join(top, "edge-worker/serve.mjs"), "utf8");
  const variables = Object.keys(compose.services.edge.environment);
  assert.deepEqual(variables, ["PENNON_CONNECTION", "PENNON_PUSH_KEY"]);
  for (const variable of variables) assert(program.includes(`process.env.${variable}`), variable);
});

test("every value that is asked for is in .env.example", async () => {
  const values = await filledIn();
  const asked = JSON.stringify(compose).matchAll(/\$\{([A-Z_]+)/g);
  const names = new Set([...asked].map(([, name]) => name));
  assert.deepEqual([...names].sort(), [...values.keys()].sort());
});

test("volumes, images and dependencies are there", async () => {
  const containerfile = await text("Containerfile");
  for (const [name, service] of Object.entries(compose.services)) {
    for (const volume of service.volumes ?? []) {
      const [source] = volume.split(":");
      if (source.startsWith("./")) await text(source);
      else assert(source in compose.volumes, `${name}: ${source}`);
    }
    for (const other of Object.keys(service.depends_on ?? {})) {
      assert(compose.services[other].healthcheck, `${name} waits for ${other}, which nobody asks how it is`);
    }
    if (service.build) assert(containerfile.includes(` AS ${service.build.target}\n`), name);
    else assert.match(service.image, /^[a-z]+:\d/, name);
  }
});

test("the images are built as the README says, from what that makes, and not run as root", async () => {
  const containerfile = await text("Containerfile");
  const readme = await readFile(join(top, "README.md"), "utf8");
  const builds = containerfile.match(/^RUN cargo .*$/gm).map((line) => line.slice("RUN ".length));
  assert.equal(builds.length, 2);
  for (const command of builds) assert.match(readme, new RegExp(`^${command}( |$)`, "m"), command);
  const toolchain = await readFile(join(top, "rust-toolchain.toml"), "utf8");
  const [, version] = toolchain.match(/channel = "(\d+\.\d+)/);
  assert(containerfile.includes(`FROM rust:${version}-`), `rust:${version}`);
  const stages = containerfile.split(/^FROM /m).slice(1);
  assert.equal(stages.length, 3);
  for (const stage of stages.slice(1)) {
    const users = stage.match(/^USER (.*)$/gm);
    assert.deepEqual(users, ["USER 10001"]);
    assert(stage.indexOf("USER 10001") < stage.indexOf("ENTRYPOINT"));
  }
});

test("a control plane starts with these settings, and is found well", async (t) => {
  const values = await filledIn();
  const { environment: settings, healthcheck } = compose.services["pennon-a"];
  assert.deepEqual(compose.services["pennon-b"].environment, settings);
  const environment = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, interpolated(value, values)]));
  const data = await mkdtemp(join(tmpdir(), "pennon-deploy-"));
  const [port, metrics] = [await freePort(), await freePort()];
  const child = new Child("pennon serve", binary(), ["serve"], {
    ...environment,
    // What is another one here than in the containers: where things lie and listen.
    PENNON_DATABASE: `sqlite:${join(data, "pennon.sqlite")}`,
    PENNON_REDIS: process.env.PENNON_TEST_REDIS ?? assert.fail("PENNON_TEST_REDIS is not set: run `cargo xtask test end-to-end`"),
    PENNON_DATA_DIR: data,
    PENNON_CREDENTIALS_FILE: join(data, "credentials.json"),
    PENNON_LISTEN: `127.0.0.1:${port}`,
    PENNON_METRICS_LISTEN: `127.0.0.1:${metrics}`,
  });
  t.after(async () => {
    await child.end();
    await rm(data, { recursive: true, force: true });
  });
  const [, ...command] = healthcheck.test.map((part) => part.replace("/8600 ", `/${port} `));
  const well = () => spawnSync(command[0], command.slice(1)).status === 0;
  await eventually("the control plane to be well", () => {
    assert(child.running, child.output);
    return well();
  });
  const credentials = JSON.parse(await readFile(join(data, "credentials.json"), "utf8"));
  const connection = credentials.environments[0].connectionStrings.client;
  assert.equal(new URL(connection).host, new URL(values.get("PENNON_PUBLIC_URL")).host);
  assert.equal((await fetch(`http://127.0.0.1:${metrics}/metrics`)).status, 200);
  const log = child.output;
  for (const name of ["PENNON_SECRET", "PENNON_PUSH_KEY"]) assert(!log.includes(values.get(name)), `${name} is in the log`);
  await child.end();
  assert(!well(), "the health check finds nobody well");
});
