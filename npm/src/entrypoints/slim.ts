import { browser } from '../browser-platform.js';
import { parseConnectionString } from '../connection.js';
import { SlimClient, type AnswerCache, type SlimClientOptions, type SlimPlatform } from '../slim-client.js';

export { SlimClient, type AnswerCache, type SlimClientOptions } from '../slim-client.js';
export type { EvaluationContext } from '../context.js';
export type { Details } from '../reader.js';

const platform: SlimPlatform = {
  fetch: browser.fetch,
  defaultCache,
  // Servers have no such event.
  onWake: (wake) => (typeof addEventListener === 'function' ? browser.onWake(wake) : () => undefined),
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
