import type { Socket } from 'node:net';

/** RFC 9113, 3.4: what an HTTP/2 client says first, before it has heard anything. */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** Every client speaks first in the protocols received here. */
const SILENCE_MS = 10_000;

export interface FirstBytes {
  /** The socket is paused, its first bytes are back in front of it: give it to the server that speaks this. */
  readonly http2: (socket: Socket) => void;
  readonly other: (socket: Socket, received: Buffer) => void;
  /** Nothing, or not enough, was sent; the socket is destroyed already. */
  readonly silent: () => void;
}

/**
 * Tells HTTP/2 from the rest by the first bytes of a connection. Node's HTTP parser and grpc-js both drop what they do
 * not understand without a word the sender could show. Costs one event per connection, nothing per request.
 */
export function tellByFirstBytes(socket: Socket, { http2, other, silent }: FirstBytes): void {
  let received: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => {
    socket.destroy();
    silent();
  }, SILENCE_MS);
  const gone = (): void => clearTimeout(timer);
  const fail = (): void => void socket.destroy();
  const look = (chunk: Buffer): void => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const length = Math.min(received.length, HTTP2_PREFACE.length);
    const fits = received.subarray(0, length).equals(HTTP2_PREFACE.subarray(0, length));
    if (fits && length < HTTP2_PREFACE.length) return;
    clearTimeout(timer);
    socket.removeListener('data', look);
    socket.removeListener('close', gone);
    socket.removeListener('error', fail);
    socket.removeListener('end', fail);
    socket.pause();
    socket.unshift(received);
    if (fits) http2(socket);
    else other(socket, received);
  };
  socket.on('data', look);
  socket.on('close', gone);
  socket.on('error', fail);
  // A half-open socket (node:http allows them) would otherwise stay for ever when its client left without a word.
  socket.on('end', fail);
}
