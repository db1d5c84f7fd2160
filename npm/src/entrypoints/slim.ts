import { parseConnectionString } from '../connection.js';
import { SlimClient, type AnswerCache, type SlimClientOptions, type SlimPlatform } from '../slim-client.js';

export { SlimClient, type AnswerCache, type SlimClientOptions } from '../slim-client.js';
export type { EvaluationContext } from '../context.js';
export type { Details } from '../reader.js';

const platform: SlimPlatform = {
  fetch: (url, init) => fetch(url, url.includes('/v1/head/') ? { ...init, cache: 'no-cache' } : init),
  defaultCache,
  onWake(wake) {
    if (typeof addEventListener !== 'function') return () => undefined;
    addEventListener('online', wake);
    return () => removeEventListener('online', wake);
  },
};

function defaultCache(): AnswerCache | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    // Some browsers throw where storage is forbidden.
    return undefined;
  }
}

/** Connects a slim client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. */
export function createClient(connectionString: string, options: SlimClientOptions = {}): SlimClient {
  return new SlimClient(parseConnectionString(connectionString), options, platform);
}
