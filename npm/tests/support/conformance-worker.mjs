import { createClient } from '../../dist/entrypoints/worker.js';
import { run } from '../conformance.mjs';

export default {
  async fetch(request) {
    return Response.json(await run(await request.json(), createClient));
  },
};
