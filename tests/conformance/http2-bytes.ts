import { connect } from 'node:net';

/** HTTP/2 by hand, for what no client library sends. RFC 9113. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
export const FrameType = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 } as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;

/** An HTTP/2 frame: length, type, flags, stream. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
/** A header as HPACK literal without indexing; name and value shorter than 127. */
export const literal = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
export const TRACES_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
export const grpcHeaders = Buffer.concat([
  literal(':method', 'POST'),
  literal(':scheme', 'http'),
  literal(':authority', 'localhost'),
  literal(':path', TRACES_PATH),
  literal('content-type', 'application/grpc'),
  literal('te', 'trailers'),
]);
export const begin = (stream: number, flags = END_HEADERS): Buffer => frame(FrameType.headers, flags, stream, grpcHeaders);
export const reset = (stream: number): Buffer => frame(FrameType.rstStream, 0, stream, Buffer.from([0, 0, 0, 8]));
/** Preface and empty SETTINGS: what every connection begins with. */
export const OPENING = Buffer.concat([PREFACE, frame(FrameType.settings, 0, 0, Buffer.alloc(0))]);

export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}
function framesOf(bytes: Buffer): SeenFrame[] {
  const frames: SeenFrame[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    if (at + 9 + length > bytes.length) break;
    const payload = bytes.subarray(at + 9, at + 9 + length);
    frames.push({ type: bytes[at + 3] as number, flags: bytes[at + 4] as number, stream: bytes.readUInt32BE(at + 5), payload });
    at += 9 + length;
  }
  return frames;
}
/** A connection that sends bytes and shows the frames that came back; `closed` once the other side has had enough. */
export interface RawConnection {
  write(bytes: Uint8Array): Promise<void>;
  frames(): SeenFrame[];
  readonly closed: Promise<void>;
  isClosed(): boolean;
  destroy(): void;
}
export function rawConnection(address: string, { reads = true } = {}): Promise<RawConnection> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    const parts: Buffer[] = [];
    const closed = new Promise<void>((done) => socket.once('close', () => done()));
    socket.on('error', () => undefined);
    if (reads) socket.on('data', (chunk) => void parts.push(chunk));
    socket.once('connect', () =>
      resolve({
        write: (bytes) => new Promise((done) => socket.write(bytes, () => done())),
        frames: () => framesOf(Buffer.concat(parts)),
        closed,
        isClosed: () => socket.destroyed,
        destroy: () => void socket.destroy(),
      }),
    );
  });
}
