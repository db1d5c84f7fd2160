// Bundles the worker for upload: shim.mjs and the bindings in pkg/ (written by wasm-bindgen, see
// `cargo xtask build`) become dist/worker.mjs beside its WebAssembly module.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const here = new URL("./", import.meta.url);
/** Of the folders: `-crash` bundles the worker that stops at a flag made for that. */
const suffix = process.argv[2] ?? "";
const PKG = `pkg${suffix}`;
const DIST = `dist${suffix}`;
const WASM = "pennon_edge_worker_bg.wasm";
/** Snapshots that are deployed with the worker: none here, `bundle.mjs` puts them in. */
const BUNDLE = "snapshots.bin";
/** What may be uploaded, gzip: a small worker starts fast in a cold isolate. */
const UPLOAD_LIMIT_BYTES = 300 * 1024;

const path = (name) => new URL(name, here).pathname;

/** workerd imports a module of type CompiledWasm; the bindings speak of a source phase import, which says the same. */
const compiledWasmImport = {
  name: "compiled-wasm-import",
  setup(builder) {
    builder.onResolve({ filter: /^\.\/pkg\// }, ({ path: name }) => ({ path: path(name.replace("./pkg/", `${PKG}/`)) }));
    builder.onLoad({ filter: /pennon_edge_worker\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const parts = source.split("import source ");
      if (parts.length !== 2) {
        throw new Error(`${path} has ${parts.length - 1} source phase imports where 1 is expected: was wasm-bindgen run with target module?`);
      }
      return { contents: parts.join("import "), loader: "js" };
    });
  },
};

for (const name of [`${PKG}/pennon_edge_worker.js`, `${PKG}/${WASM}`]) {
  await readFile(path(name)).catch(() => {
    throw new Error(`edge-worker/${name} is missing: run \`cargo xtask build\`, which writes it and calls this script`);
  });
}
await rm(path(DIST), { recursive: true, force: true });
await mkdir(path(DIST), { recursive: true });
await build({
  entryPoints: [path("shim.mjs")],
  outfile: path(`${DIST}/worker.mjs`),
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  external: [`./${WASM}`, `./${BUNDLE}`, "cloudflare:*"],
  plugins: [compiledWasmImport],
  logLevel: "warning",
});
await copyFile(path(`${PKG}/${WASM}`), path(`${DIST}/${WASM}`));
await writeFile(path(`${DIST}/${BUNDLE}`), "");

let upload = 0;
for (const name of [`${DIST}/worker.mjs`, `${DIST}/${WASM}`]) {
  upload += gzipSync(await readFile(path(name)), { level: 9 }).length;
}
console.log(`edge worker: ${(upload / 1024).toFixed(1)} KiB gzip to upload (limit ${UPLOAD_LIMIT_BYTES / 1024} KiB)`);
if (upload > UPLOAD_LIMIT_BYTES) {
  console.error("the edge worker is over its upload budget: see what grew with `twiggy top` or raise UPLOAD_LIMIT_BYTES in edge-worker/build.mjs with a reason");
  process.exitCode = 1;
}
