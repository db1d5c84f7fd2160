// Plays the control plane where a fault must be injected: serves what it is given, honest or not.
import { createServer } from "node:http";

/** An origin on a free port, or on a given one when it comes back. */
export async function startOrigin(environmentId, edgeKey, listenOn = 0) {
  const bodies = new Map();
  const heads = new Map();
  const keysets = new Map();
  const deltas = new Map();
  const requests = [];
  const waiting = [];
  let elsewhere = [];
  let more = [];
  let override = () => undefined;
  const server = createServer((request, response) => {
    requests.push(request.url);
    for (const waiter of waiting.splice(0)) waiter();
    const send = (status, bytes) => {
      response.writeHead(status, { "content-type": "application/octet-stream" });
      response.end(bytes);
    };
    const other = override(request.url);
    if (other === "hang") return;
    if (other) return send(other.status, other.body ?? "");
    const url = new URL(request.url, "http://origin");
    const [, , what, id, kind] = url.pathname.split("/");
    if (what === "keyset") return keysets.has(id) ? send(200, keysets.get(id)) : send(404, "");
    const key = url.searchParams.get("key") ?? request.headers.authorization?.replace("Bearer ", "");
    if (elsewhere.includes(key)) return send(403, JSON.stringify({ status: 403, code: "key-environment" }));
    if (key !== edgeKey && !more.includes(key)) return send(401, "");
    if (what === "head" && id === environmentId && heads.has(kind)) return send(200, heads.get(kind));
    if (what === "delta" && deltas.has(`${id}/${kind}`)) return send(200, deltas.get(`${id}/${kind}`));
    if (what === "body" && bodies.has(id)) return send(200, bodies.get(id));
    return send(404, "");
  });
  await new Promise((resolve) => server.listen(listenOn, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    /** Resolves with the next request. */
    nextRequest: () => new Promise((resolve) => waiting.push(resolve)),
    serve(signed, kinds = ["edge", "client", "server"]) {
      signed.keysets.forEach((keyset, at) => keysets.set(String(at + 1), keyset));
      for (const kind of kinds) {
        bodies.set(signed[kind].sha256, signed[kind].body);
        heads.set(kind, signed[kind].head);
      }
    },
    /** SDK keys of other environments. */
    knows: (keys) => (elsewhere = keys),
    /** Further SDK keys of this environment. */
    admits: (keys) => (more = keys),
    /** Puts any bytes in place of a head, or of the body with a hash. */
    forgeHead: (kind, bytes) => heads.set(kind, bytes),
    forgeBody: (sha256, bytes) => bodies.set(sha256, bytes),
    /** What leads from one body to the other, by their hashes. */
    serveDelta: (from, to, bytes) => deltas.set(`${from}/${to}`, bytes),
    /** `answer(path)` gives {status, body}, "hang", or undefined for the honest answer. */
    answerWith(answer) {
      override = answer ?? (() => undefined);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
