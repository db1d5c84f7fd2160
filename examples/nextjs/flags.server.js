import { createClient } from 'pennon/node';

/** One client for the whole server, kept when a development server loads this file again. */
const held = globalThis;

/** The flags, as soon as there are any. Throws where the connection string is missing or wrong. */
export async function flags() {
  const connection = process.env.PENNON_SERVER_CONNECTION;
  if (!connection) throw new Error('set PENNON_SERVER_CONNECTION to a connection string with a server key (pns_)');
  held.pennon ??= createClient(connection);
  await held.pennon.ready();
  return held.pennon;
}
