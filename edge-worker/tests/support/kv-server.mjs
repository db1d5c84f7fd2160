// Plays KV for workerd, which asks by HTTP: keeps values in memory, fails, or takes its time.
import { createServer } from "node:http";

/** A KV on a free port. */
export async function startKv() {
  const values = new Map();
  let mode = "well";
  let slowMs = 0;
  const server = createServer(async (request, response) => {
    const key = decodeURIComponent(new URL(request.url, "http://kv").pathname.slice(1));
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (mode === "failing") {
      response.writeHead(500).end("KV is on fire");
      return;
    }
    if (mode === "slow") await new Promise((resolve) => setTimeout(resolve, slowMs).unref());
    if (request.method === "PUT") {
      values.set(key, Buffer.concat(chunks));
      response.writeHead(204).end();
    } else if (values.has(key)) response.writeHead(200).end(values.get(key));
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    values,
    well: () => (mode = "well"),
    fails: () => (mode = "failing"),
    isSlow(milliseconds) {
      mode = "slow";
      slowMs = milliseconds;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
