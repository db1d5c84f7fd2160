// The KV of a stopped edge, opened to be damaged.
import { Miniflare } from "miniflare";

/** Runs `work` with the KV namespace that an edge keeps in the folder. */
export async function withKv(state, work) {
  const miniflare = new Miniflare({
    name: "pennon-edge",
    modules: true,
    script: "export default { fetch: () => new Response() }",
    kvNamespaces: ["PENNON_KV"],
    kvPersist: `${state}/kv`,
    cf: false,
  });
  try {
    return await work(await miniflare.getKVNamespace("PENNON_KV"));
  } finally {
    await miniflare.dispose();
  }
}
