// A server's side of a WebSocket (RFC 6455), as far as short texts need it. It answers a client's ping as an edge does.
import { createHash } from 'node:crypto';

const TEXT = 0x81;
const CLOSE = 0x88;

/** Takes the connection of an upgrade. What is written goes out as one message each. */
export function acceptWebSocket(request, socket) {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`);
  socket.on('error', () => undefined);
  const send = (kind, text) => {
    const payload = Buffer.from(text);
    const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 0xff];
    if (!socket.destroyed) socket.write(Buffer.concat([Buffer.from([kind, ...length]), payload]));
  };
  socket.on('data', (frame) => {
    if (frame[0] === CLOSE) return void socket.end(Buffer.from([CLOSE, 0]));
    // A client masks what it sends.
    const [mask, payload] = [frame.subarray(2, 6), frame.subarray(6, 6 + (frame[1] & 0x7f))];
    if (payload.map((byte, at) => byte ^ mask[at % 4]).toString() === 'ping') send(TEXT, ': ping\n\n');
  });
  return {
    write: (text) => send(TEXT, text),
    end(text) {
      if (text) send(TEXT, text);
      socket.end(Buffer.from([CLOSE, 0]));
    },
  };
}
