// A browser's network, also for the client without WebAssembly.

// `no-cache`: a head from the browser's own cache may be minutes old. Bodies are named by their hash and may stay there.
export function browserFetch(url: string, init: RequestInit): Promise<Response> {
  return fetch(url, url.includes('/v1/head/') ? { ...init, cache: 'no-cache' } : init);
}

/** Calls back when the network is there again. Servers have no such event. */
export function onOnline(wake: () => void): () => void {
  if (typeof addEventListener !== 'function') return () => undefined;
  addEventListener('online', wake);
  return () => removeEventListener('online', wake);
}
