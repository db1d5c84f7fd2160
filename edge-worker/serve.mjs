// Runs the built worker on workerd, the open-source runtime of Cloudflare Workers, with KV kept in a folder:
//
//   PENNON_CONNECTION=... PENNON_PUSH_KEY=... node edge-worker/serve.mjs --port 8601 --state .pennon/edge
//
// Prints one line of JSON on stdout when it answers, everything else on stderr. Ends on SIGINT and SIGTERM,
// and when the process that started it is gone.
import { Miniflare } from "miniflare";
import { access } from "node:fs/promises";
import { parseArgs } from "node:util";

/** How often the parent process is looked for. */
const PARENT_CHECK_MS = 1000;
/** Passed on to the worker where they are set; wrangler.toml says what they do. */
const VARIABLES = ["PENNON_ENVIRONMENT", "PENNON_REFRESH_MS", "PENNON_CACHE", "PENNON_MAX_STREAMS", "PENNON_SLOW_READER_MS", "PENNON_CLIENT_ADDRESS_HEADER", "PENNON_ORIGINS", "PENNON_REQUESTS_PER_MINUTE"];
const COMPATIBILITY_DATE = "2026-07-01";

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "8601" },
    host: { type: "string", default: "127.0.0.1" },
    state: { type: "string", default: ".pennon/edge" },
    connection: { type: "string", default: process.env.PENNON_CONNECTION },
    dist: { type: "string", default: new URL("./dist/", import.meta.url).pathname },
    cf: { type: "string" },
    "push-key": { type: "string", default: process.env.PENNON_PUSH_KEY },
  },
});

function refuse(message) {
  console.error(`edge-worker/serve.mjs: ${message}`);
  process.exit(2);
}

const port = Number(options.port);
if (!Number.isInteger(port) || port < 0 || port > 65535) refuse(`--port ${options.port} is not a port number`);
if (!options.connection) refuse("set PENNON_CONNECTION to the edge connection string (pennon shows it when an edge key is created)");
if (!options["push-key"]) refuse("set PENNON_PUSH_KEY to the key that the control plane pushes with");

const dist = options.dist.endsWith("/") ? options.dist : `${options.dist}/`;
const modules = [
  { type: "ESModule", path: `${dist}worker.mjs` },
  { type: "CompiledWasm", path: `${dist}pennon_edge_worker_bg.wasm` },
  { type: "Data", path: `${dist}snapshots.bin` },
];
for (const { path } of modules) {
  await access(path).catch(() => refuse(`${path} is missing: run \`cargo xtask build\` first`));
}

const miniflare = new Miniflare({
  name: "pennon-edge",
  host: options.host,
  port,
  modulesRoot: dist,
  modules,
  compatibilityDate: COMPATIBILITY_DATE,
  kvNamespaces: ["PENNON_KV"],
  kvPersist: `${options.state}/kv`,
  cachePersist: `${options.state}/cache`,
  durableObjects: { PENNON_HUB: { className: "PennonHub", useSQLite: true } },
  durableObjectsPersist: `${options.state}/hub`,
  // What the runtime knows of whoever sends a request; offline there is nobody to ask.
  cf: options.cf ? JSON.parse(options.cf) : false,
  bindings: {
    PENNON_CONNECTION: options.connection,
    PENNON_PUSH_KEY: options["push-key"],
    ...Object.fromEntries(VARIABLES.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
  },
  handleRuntimeStdio(stdout, stderr) {
    stdout.on("data", (data) => process.stderr.write(data));
    stderr.on("data", (data) => process.stderr.write(data));
  },
});

let ending = false;
async function end(code) {
  if (ending) return;
  ending = true;
  await miniflare.dispose();
  process.exit(code);
}
process.on("SIGINT", () => end(0));
process.on("SIGTERM", () => end(0));
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) end(0);
}, PARENT_CHECK_MS).unref();

const url = await miniflare.ready.catch((error) => {
  if (error.code === "ERR_ADDRESS_IN_USE") refuse(`port ${port} of ${options.host} is taken: end the program that has it, or choose another --port`);
  throw error;
});
console.log(JSON.stringify({ ready: true, url: url.origin }));
