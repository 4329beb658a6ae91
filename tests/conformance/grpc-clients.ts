import { connect, type IncomingHttpHeaders } from 'node:http2';
import { Client, type ClientOptions, credentials, type ServiceError } from '@grpc/grpc-js';
import { TRACES_PATH } from './http2-bytes.ts';

export const EXPORT = {
  traces: TRACES_PATH,
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
} as const;
export const same = (bytes: Buffer): Buffer => bytes;

/** What a call by grpc-js's own client came to. */
export type Answer = { readonly bytes: Buffer } | { readonly error: ServiceError };
export async function call(address: string, path: string, body: Buffer, options: ClientOptions = {}): Promise<Answer> {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.max_send_message_length': -1, ...options });
  try {
    return await new Promise((resolve) =>
      client.makeUnaryRequest(path, same, same, body, (error, bytes) => resolve(error ? { error } : { bytes: bytes as Buffer })),
    );
  } finally {
    client.close();
  }
}
export const errorOf = (answer: Answer): ServiceError => {
  if ('error' in answer) return answer.error;
  throw new Error('the call was accepted');
};
export const detailsOf = (error: ServiceError): Buffer | undefined =>
  error.metadata.get('grpc-status-details-bin')[0] as Buffer | undefined;

/** Length-prefixed message. */
export function message(body: Uint8Array, { flag = 0, length = body.length } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, body]);
}
export interface RawCall {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** One DATA frame each. */
  readonly chunks?: readonly Buffer[];
  /** False: the request is left open. */
  readonly end?: boolean;
}
export interface RawAnswer {
  /** Of the first HEADERS and of the trailers. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The first and only HEADERS ended the stream: "Trailers-Only". */
  readonly trailersOnly: boolean;
  readonly resetCode: number;
}
/** A call on node:http2, which sends what no gRPC library would. */
export async function rawCall(address: string, { headers = {}, chunks = [], end = true }: RawCall): Promise<RawAnswer> {
  const session = connect(`http://${address}`);
  session.on('error', () => undefined);
  const all = { ':method': 'POST', ':path': EXPORT.traces, 'content-type': 'application/grpc', te: 'trailers', ...headers };
  const stream = session.request(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)), { endStream: false });
  const seen: IncomingHttpHeaders = {};
  const parts: Buffer[] = [];
  let trailersOnly = false;
  stream.on('response', (first, flags) => {
    trailersOnly = (flags & 1) === 1;
    Object.assign(seen, first);
  });
  stream.on('trailers', (trailers) => Object.assign(seen, trailers));
  stream.on('data', (chunk: Buffer) => void parts.push(chunk));
  stream.on('error', () => undefined);
  // grpc-js leaves the request half of a refused call open.
  const over = Promise.race(['end', 'close'].map((event) => new Promise((resolve) => stream.once(event, resolve))));
  for (const chunk of chunks) if (!stream.destroyed && !stream.closed) await new Promise((resolve) => stream.write(chunk, resolve));
  if (end && !stream.destroyed) stream.end();
  await over;
  session.destroy();
  return { headers: seen, body: Buffer.concat(parts), trailersOnly, resetCode: stream.rstCode ?? 0 };
}
