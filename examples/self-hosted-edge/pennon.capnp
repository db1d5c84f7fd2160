# Pennon's edge worker on workerd, the open-source runtime of Cloudflare Workers: no account, no cloud. See README.md.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "kv", worker = .kv),
    # What KV and the streams' object keep; `--directory-path state=/var/lib/pennon-edge` puts it elsewhere. It must exist.
    (name = "state", disk = (path = "state", writable = true)),
    # The worker fetches from one host alone, that of the connection string, which may well be in a private network.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  # `--socket-addr http=0.0.0.0:8601` to listen for more than this machine.
  sockets = [(name = "http", address = "127.0.0.1:8601", http = (), service = "edge")],
);

const edge :Workerd.Worker = (
  compatibilityDate = "2026-07-01",
  modules = [
    (name = "worker.mjs", esModule = embed "../../edge-worker/dist/worker.mjs"),
    (name = "pennon_edge_worker_bg.wasm", wasm = embed "../../edge-worker/dist/pennon_edge_worker_bg.wasm"),
    (name = "snapshots.bin", data = embed "../../edge-worker/dist/snapshots.bin"),
  ],
  bindings = [
    (name = "PENNON_KV", kvNamespace = "kv"),
    (name = "PENNON_HUB", durableObjectNamespace = "PennonHub"),
    # workerd has no Cache API of its own.
    (name = "PENNON_CACHE", text = "off"),
    (name = "PENNON_CONNECTION", fromEnvironment = "PENNON_CONNECTION"),
    (name = "PENNON_PUSH_KEY", fromEnvironment = "PENNON_PUSH_KEY"),
    (name = "PENNON_REFRESH_MS", fromEnvironment = "PENNON_REFRESH_MS"),
    (name = "PENNON_ENVIRONMENT", fromEnvironment = "PENNON_ENVIRONMENT"),
    (name = "PENNON_MAX_STREAMS", fromEnvironment = "PENNON_MAX_STREAMS"),
    (name = "PENNON_SLOW_READER_MS", fromEnvironment = "PENNON_SLOW_READER_MS"),
    (name = "PENNON_ORIGINS", fromEnvironment = "PENNON_ORIGINS"),
    (name = "PENNON_REQUESTS_PER_MINUTE", fromEnvironment = "PENNON_REQUESTS_PER_MINUTE"),
    (name = "PENNON_CLIENT_ADDRESS_HEADER", fromEnvironment = "PENNON_CLIENT_ADDRESS_HEADER"),
  ],
  durableObjectNamespaces = [(className = "PennonHub", uniqueKey = "pennon-hub", enableSql = true)],
  durableObjectStorage = (localDisk = "state"),
);

const kv :Workerd.Worker = (
  compatibilityDate = "2026-07-01",
  modules = [(name = "kv.mjs", esModule = embed "kv.mjs")],
  bindings = [(name = "STORE", durableObjectNamespace = "Store")],
  durableObjectNamespaces = [(className = "Store", uniqueKey = "pennon-kv", enableSql = true)],
  durableObjectStorage = (localDisk = "state"),
);
