import { once } from 'node:events';
import { createServer } from 'node:http';

/** Serves on a free port of this machine; `close` cuts what is still open. */
export async function listen(answer) {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
