// Puts the newest snapshots into the built worker, for the case that it starts with nothing else to be had:
//
//   PENNON_CONNECTION=... node edge-worker/bundle.mjs [--dist edge-worker/dist]
//
// Run it before `wrangler deploy`. The worker verifies them like anything else.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";

/** In the order in which the worker looks for them. */
const KINDS = ["server", "client", "edge"];
const MAX_KEYSETS = 256;
/** Where a head names its body: core/spec/snapshot.md section 1. */
const BODY_HASH = { at: 84, bytes: 32 };

const { values: options } = parseArgs({
  options: {
    connection: { type: "string", default: process.env.PENNON_CONNECTION },
    dist: { type: "string", default: new URL("./dist/", import.meta.url).pathname },
  },
});
const parts = /^(https?:)\/\/(pne_[\w-]{43}):[\w-]{43}@([^/]+)\/([0-9a-f]{32})$/.exec(options.connection ?? "");
if (!parts) {
  console.error("edge-worker/bundle.mjs: set PENNON_CONNECTION to the edge connection string (pennon shows it when an edge key is created)");
  process.exit(2);
}
const [, scheme, key, host, environment] = parts;

async function get(path) {
  const answer = await fetch(`${scheme}//${host}${path}`, { headers: { authorization: `Bearer ${key}` } });
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`${path}: the control plane answers ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}

/** Bytes behind their length in 4 bytes, big-endian. */
function counted(bytes) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const keysets = [];
for (let number = 1; number <= MAX_KEYSETS; number++) {
  const keyset = await get(`/v1/keyset/${number}`);
  if (!keyset) break;
  keysets.push(counted(keyset));
}
const bundle = [];
for (const kind of KINDS) {
  const head = await get(`/v1/head/${environment}/${kind}`);
  const body = head && (await get(`/v1/body/${head.subarray(BODY_HASH.at, BODY_HASH.at + BODY_HASH.bytes).toString("hex")}`));
  if (!body) throw new Error(`the control plane has no ${kind} snapshot of this environment`);
  bundle.push(counted(Buffer.concat([counted(head), counted(Buffer.concat(keysets)), body])));
}
const bytes = Buffer.concat(bundle);
await writeFile(`${options.dist.replace(/\/?$/, "/")}snapshots.bin`, bytes);
console.log(`edge worker: bundled ${bytes.length} bytes of snapshots`);
