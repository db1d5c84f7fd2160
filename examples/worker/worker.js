import { createClient } from 'pennon/worker';

/** One for all requests of this isolate. */
let client;

export default {
  async fetch(request, env, context) {
    client ??= createClient(env.PENNON_CONNECTION);
    // Flags are kept fresh by the requests that come: what began in one ends with it.
    await client.during(context);

    const url = new URL(request.url);
    const flags = client.for({
      targetingKey: url.searchParams.get('user') ?? 'visitor',
      country: url.searchParams.get('country') ?? request.cf?.country,
    });
    return Response.json({
      banner: flags.string('banner-text', 'default'),
      checkout: flags.boolean('new-checkout', false) ? 'new' : 'old',
      version: client.status.version,
    });
  },
};
