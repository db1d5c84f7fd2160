// A webhook's receiver, which answers as it is told.
import { once } from 'node:events';
import { createServer } from 'node:http';

export async function startReceiver() {
  const received = [];
  const receiver = { received, status: 200 };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    received.push({ path: request.url, headers: request.headers, body: JSON.parse(body) });
    response.writeHead(receiver.status).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  receiver.url = `http://127.0.0.1:${server.address().port}/hook`;
  receiver.end = () => server.close();
  return receiver;
}
