import { createClient } from '../../dist/entrypoints/worker.js';
import { run } from '../conformance.mjs';

export default {
  async fetch(request, env, context) {
    const connect = (...given) => {
      const client = createClient(...given);
      void client.during(context);
      return client;
    };
    return Response.json(await run(await request.json(), connect));
  },
};
