import { parseConnectionString } from '../connection.js';
import { browserFetch } from '../network.js';
import { SlimClient, type SlimClientOptions } from '../slim-client.js';

export { SlimClient, type SlimClientOptions } from '../slim-client.js';
export type { AnswerCache } from '../answers.js';
export type { EvaluationContext } from '../context.js';
export type { Details } from '../reader.js';

/** Connects a slim client with `https://<sdk key>:<root fingerprint>@host/<environment id>`. */
export function createClient(connectionString: string, options: SlimClientOptions = {}): SlimClient {
  return new SlimClient(parseConnectionString(connectionString), options, browserFetch, () => import('../follow-answers.js'));
}
