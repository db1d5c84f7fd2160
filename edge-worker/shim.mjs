// The module that workerd loads. It hands requests to the Rust code, and answers those that the Rust code died of.
import { setBundle } from "./host.mjs";
import { evaluate } from "./evaluation.mjs";
import { call, isDead } from "./instance.mjs";
import bundle from "./snapshots.bin";
import { discard } from "./unread.mjs";

export { PennonHub } from "./hub.mjs";

setBundle(bundle);

/** What a caller gets whose request failed so: a problem document that an OFREP client reads as well. It takes its default. */
function failed(request, code, detail) {
  const flag = /^\/ofrep\/v1\/evaluate\/flags\/(.+)$/.exec(new URL(request.url).pathname)?.[1] ?? "";
  return new Response(
    JSON.stringify({
      key: flag,
      errorCode: "GENERAL",
      errorDetails: detail,
      type: `urn:pennon:problem:${code}`,
      title: "Internal Server Error",
      status: 500,
      code,
      detail,
    }),
    { status: 500, headers: { "content-type": "application/json", "access-control-allow-origin": "*", "cache-control": "no-store" } },
  );
}

async function answer(request, env, ctx) {
  try {
    const short = await evaluate(request, env);
    return short.response ?? (await call((pennon) => pennon.fetch(short.request, env, ctx)));
  } catch (error) {
    console.error(`pennon: ${error?.stack ?? error}`);
    return isDead()
      ? failed(request, "evaluator-stopped", "the edge worker stopped while it answered this request and starts again: retry")
      : failed(request, "internal", "the edge worker failed to answer this request: see its log");
  }
}

export default {
  async fetch(request, env, ctx) {
    const answered = await answer(request, env, ctx);
    await discard(request);
    return answered;
  },
};
