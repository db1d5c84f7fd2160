// A project's environments for one test: keys, and snapshots that core compiles and signs (core/examples/sign_snapshot.rs).
import { spawnSync } from "node:child_process";
import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
const SIGNER = join(process.env.CARGO_TARGET_DIR ?? join(REPOSITORY, "target"), "debug/examples/sign_snapshot");

/** Of a head (core/spec/snapshot.md section 2). */
const HEAD_BYTES = 160;
const SIGNATURES_AT = 7;
const VERSION_AT = 44;
const NO_ALGORITHM = 200;
/** What stands before the seed in an Ed25519 key of PKCS 8 (RFC 8410). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

const hex = (bytes) => randomBytes(bytes).toString("hex");
const sdkKey = (prefix) => prefix + randomBytes(32).toString("base64url");

/** Flags of every type, one hidden from clients. */
export const CONFIGURATION = {
  format: 1,
  attributes: { plan: { type: "string" } },
  segments: {},
  flags: {
    "new-checkout": {
      type: "boolean", clientVisible: true, enabled: true, offVariant: "off",
      variants: [{ key: "on", value: true }, { key: "off", value: false }],
      targets: [{ variant: "off", keys: ["blocked"] }],
      rules: [{ id: "pro", when: { equals: { attribute: "plan", value: "pro" } }, serve: { variant: "on" } }],
      fallthrough: { variant: "off" },
    },
    "theme": {
      type: "string", clientVisible: true, enabled: true, offVariant: "plain",
      variants: [{ key: "plain", value: "plain" }, { key: "gold", value: "gold" }],
      rules: [{ id: "pro", when: { equals: { attribute: "plan", value: "pro" } }, serve: { variant: "gold" } }],
      fallthrough: { variant: "plain" },
    },
    "page-size": {
      type: "number", clientVisible: true, enabled: true, offVariant: "small",
      variants: [{ key: "small", value: 20 }, { key: "large", value: 50 }],
      fallthrough: { variant: "large" },
    },
    "ratio": {
      type: "number", clientVisible: true, enabled: true, offVariant: "half",
      variants: [{ key: "half", value: 0.5 }, { key: "quarter", value: 0.25 }],
      fallthrough: { variant: "quarter" },
    },
    "limits": {
      type: "json", clientVisible: true, enabled: true, offVariant: "few",
      variants: [{ key: "few", value: { seats: 3, regions: ["eu"] } }, { key: "many", value: { seats: 100, regions: ["eu", "us"] } }],
      fallthrough: { variant: "many" },
    },
    "rollout": {
      type: "boolean", clientVisible: true, enabled: true, offVariant: "off",
      variants: [{ key: "on", value: true }, { key: "off", value: false }],
      fallthrough: {
        split: {
          by: { salt: "000102030405060708090a0b0c0d0e0f" },
          weights: [{ variant: "on", weight: 50000 }, { variant: "off", weight: 50000 }],
        },
      },
    },
    "switched-off": {
      type: "boolean", clientVisible: true, enabled: false, offVariant: "off",
      variants: [{ key: "on", value: true }, { key: "off", value: false }],
      fallthrough: { variant: "on" },
    },
    "server-only": {
      type: "boolean", clientVisible: false, enabled: true, offVariant: "off",
      variants: [{ key: "on", value: true }, { key: "off", value: false }],
      fallthrough: { variant: "on" },
    },
  },
};

/** A copy of the configuration in which the flag is switched on or off. */
export function withFlag(flag, enabled, configuration = CONFIGURATION) {
  const copy = structuredClone(configuration);
  copy.flags[flag].enabled = enabled;
  return copy;
}

/**
 * One environment under one root: its SDK keys and a way to sign snapshots of it.
 * `seeds` of another world give another environment of the same project under the same root.
 */
export function environment(seeds = { root: hex(32), signing: hex(32), project: hex(16) }) {
  const id = hex(16);
  const keys = { client: sdkKey("pnc_"), server: sdkKey("pns_"), edge: sdkKey("pne_") };
  const world = {
    seeds,
    id,
    keys,
    pushKey: randomBytes(32).toString("base64url"),
    /**
     * Compiles and signs all three kinds, or signs `bodies` as they are; `admitted` are the SDK keys that an edge lets in, under the terms of
     * `origins` and `requestsPerMinute`; `keysets` is how many there are. Times are Unix milliseconds.
     * @returns {{fingerprint: string, keyset: Buffer, keysets: Buffer[], client: Signed, server: Signed, edge: Signed}}
     */
    sign({ version, configuration = CONFIGURATION, epoch = 0, created = Date.now(), lifetime, admitted = keys, origins, requestsPerMinute, keysets, bodies = {} }) {
      const request = {
        rootSeed: seeds.root, signingSeed: seeds.signing, project: seeds.project, environment: id,
        epoch, version, created, lifetime, configuration, keys: admitted, origins, requestsPerMinute, keysets,
        bodies: Object.fromEntries(Object.entries(bodies).map(([kind, bytes]) => [kind, bytes.toString("base64")])),
      };
      const answer = runSigner(request);
      const decode = (kind) => ({
        kind,
        version,
        head: Buffer.from(answer[kind].head, "base64"),
        body: Buffer.from(answer[kind].body, "base64"),
        sha256: answer[kind].bodySha256,
      });
      return {
        fingerprint: answer.rootFingerprint,
        keyset: Buffer.from(answer.keyset, "base64"),
        keysets: answer.keysets.map((keyset) => Buffer.from(keyset, "base64")),
        client: decode("client"), server: decode("server"), edge: decode("edge"),
      };
    },
    /** The same body under a head of another version, signed again; `padding` bytes of a signature by nobody's algorithm make it large. */
    resigned(kind, version, padding = 0) {
      const head = Buffer.from(kind.head.subarray(0, HEAD_BYTES));
      head[SIGNATURES_AT] = padding > 0 ? 2 : 1;
      head.writeBigUInt64BE(BigInt(version), VERSION_AT);
      const key = createPrivateKey({ key: Buffer.concat([PKCS8, Buffer.from(seeds.signing, "hex")]), format: "der", type: "pkcs8" });
      const id = Buffer.from(createPublicKey(key).export({ format: "jwk" }).x, "base64url").subarray(0, 8);
      const entry = (algorithm, bytes) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(bytes.length);
        return Buffer.concat([Buffer.from([algorithm]), id, length, bytes]);
      };
      const signature = sign(null, Buffer.concat([Buffer.from("pennon/head/v1\0"), head]), key);
      const more = padding > 0 ? [entry(NO_ALGORITHM, Buffer.alloc(padding))] : [];
      return { ...kind, version, head: Buffer.concat([head, entry(1, signature), ...more]) };
    },
    /** The connection string of the edge, for a control plane at `origin`. */
    connection(origin, fingerprint) {
      const url = new URL(origin);
      return `${url.protocol}//${keys.edge}:${fingerprint}@${url.host}/${id}`;
    },
  };
  return world;
}

function runSigner(request) {
  if (!existsSync(SIGNER)) {
    throw new Error(`${SIGNER} is missing: run \`cargo build -p pennon-core --example sign_snapshot --features compile,sign,protocol\``);
  }
  const run = spawnSync(SIGNER, { input: JSON.stringify(request), encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (run.status !== 0) throw new Error(`the signer refused: ${run.stderr}`);
  return JSON.parse(run.stdout);
}

/** The body of a push. */
export function pushBody({ head, body }, keyset) {
  const length = (bytes) => {
    const field = Buffer.alloc(4);
    field.writeUInt32BE(bytes.length);
    return field;
  };
  return Buffer.concat([length(head), head, length(keyset), keyset, body]);
}

/** A copy with one bit turned over. */
export function flipped(bytes, at) {
  const copy = Buffer.from(bytes);
  copy[at < 0 ? bytes.length + at : at] ^= 1;
  return copy;
}
