import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { encodeStatusMessage } from './grpc-server-status.ts';

const UNIMPLEMENTED = '12';
/** A misdirected client gets this long to send its request and to read the answer. */
const LINGER_MS = 5_000;

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, sentence: string): void {
  stream.on('error', () => undefined);
  if (String(headers['content-type']).startsWith('application/grpc')) {
    const status = { 'grpc-status': UNIMPLEMENTED, 'grpc-message': encodeStatusMessage(sentence) };
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
  } else {
    stream.respond({ ':status': 415, 'content-type': 'text/plain; charset=utf-8' });
    stream.end(`${sentence}\n`);
  }
}
function tryAnswer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, sentence: string): void {
  try {
    answer(stream, headers, sentence);
  } catch {
    // The sender reset the stream in the same breath: respond() throws then (found by tests/fuzz/receivers-bytes).
    stream.destroy();
  }
}

/**
 * Talks just enough HTTP/2 on a socket that began with its preface to put the sentence into the sender's own log: gRPC
 * libraries show a status message, but only "protocol error" for an HTTP/1 answer.
 */
export async function refuseHttp2(socket: Socket, sentence: string): Promise<void> {
  socket.on('error', () => undefined);
  // Not needed by any well-directed sender, so not loaded for them.
  const { createServer } = await import('node:http2');
  if (socket.destroyed) return;
  const server = createServer({ settings: { maxConcurrentStreams: 10 } });
  server.on('stream', (stream, headers) => tryAnswer(stream, headers, sentence));
  server.on('sessionError', () => socket.destroy());
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
  server.emit('connection', socket);
}
