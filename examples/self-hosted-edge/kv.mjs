// A KV namespace on this machine's disk. workerd turns `env.PENNON_KV.get(key)` and its like into requests to this worker, which keeps
// the values in SQLite.
import { DurableObject } from "cloudflare:workers";

/** SQLite in a Durable Object takes values of 2 MB; longer ones are cut. */
const PART_BYTES = 1024 * 1024;
/** How often what has expired is looked for. */
const SWEEP_MS = 60 * 60 * 1000;

export class Store extends DurableObject {
  #sql;

  constructor(ctx, env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS parts (key TEXT, part INTEGER, bytes BLOB, expires INTEGER, PRIMARY KEY (key, part)) WITHOUT ROWID");
  }

  async fetch(request) {
    const url = new URL(request.url);
    const key = decodeURIComponent(url.pathname.slice(1));
    if (request.method === "GET") return this.#get(key);
    if (request.method === "PUT") return this.#put(key, new Uint8Array(await request.arrayBuffer()), Number(url.searchParams.get("expiration_ttl")));
    if (request.method === "DELETE") {
      this.#sql.exec("DELETE FROM parts WHERE key = ?", key);
      return new Response(null, { status: 204 });
    }
    return new Response(`${request.method} is not part of KV here`, { status: 405 });
  }

  #get(key) {
    const rows = this.#sql.exec("SELECT bytes FROM parts WHERE key = ? AND (expires IS NULL OR expires > ?) ORDER BY part", key, Date.now()).toArray();
    return rows.length === 0 ? new Response(null, { status: 404 }) : new Response(new Blob(rows.map(({ bytes }) => bytes)));
  }

  async #put(key, bytes, ttlS) {
    const expires = ttlS > 0 ? Date.now() + ttlS * 1000 : null;
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec("DELETE FROM parts WHERE key = ?", key);
      for (let part = 0; part === 0 || part * PART_BYTES < bytes.length; part++) {
        this.#sql.exec("INSERT INTO parts VALUES (?, ?, ?, ?)", key, part, bytes.slice(part * PART_BYTES, (part + 1) * PART_BYTES), expires);
      }
    });
    if (expires !== null && (await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now() + SWEEP_MS);
    return new Response(null, { status: 204 });
  }

  async alarm() {
    this.#sql.exec("DELETE FROM parts WHERE expires <= ?", Date.now());
    if (this.#sql.exec("SELECT 1 FROM parts WHERE expires IS NOT NULL LIMIT 1").toArray().length > 0) {
      await this.ctx.storage.setAlarm(Date.now() + SWEEP_MS);
    }
  }
}

export default {
  fetch: (request, env) => env.STORE.get(env.STORE.idFromName("kv")).fetch(request),
};
