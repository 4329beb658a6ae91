import { type ClientRequest, type Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { ARRIVAL_HEADER, BATCH_ID_HEADER } from '#contracts/forward-headers.ts';
import type { ForwardSignal } from '#contracts/forwarding.ts';
import { type Answer, judgeAnswer, MAX_ANSWER_BYTES, type Verdict } from './judge-answer.ts';

/** What goes out as one request. */
export interface OtlpBody {
  readonly signal: ForwardSignal;
  readonly bytes: Uint8Array;
  readonly encoding: 'gzip' | 'identity';
  readonly batchId?: string;
  readonly arrivalUnixNano?: bigint;
}
export interface PostTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Keeps connections; absent: one connection for this request. */
  readonly agent?: HttpAgent | HttpsAgent;
}
export interface PostOptions {
  readonly nowMs: () => number;
  /** Told once the request's bytes have been handed to the network. */
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** One request, one verdict; never throws. Redirects are not followed: telemetry goes where it was told to. */
export async function postOtlp(target: PostTarget, body: OtlpBody, options: PostOptions): Promise<Verdict & { readonly status: number }> {
  try {
    const answer = await exchange(target, body, options);
    const shown = { ...answer, body: withoutSecrets(answer.body, target) };
    return { ...judgeAnswer(shown, options.nowMs()), status: answer.status };
  } catch (error) {
    return { kind: 'retry', message: sentenceOf(error as NodeJS.ErrnoException, target), retryAfterMs: null, status: 0 };
  }
}

function exchange(target: PostTarget, body: OtlpBody, { onBytes, signal }: PostOptions): Promise<Answer> {
  const url = new URL(`${target.url.replace(/\/+$/, '')}/v1/${body.signal}`);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    let outgoing: ClientRequest | null = null;
    let incoming: IncomingMessage | null = null;
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      // The signal lives as long as its queue: a listener left on it would keep this request and its answer for ever.
      signal?.removeEventListener('abort', stop);
      settle();
    };
    /** Before an answer the request ends; then it is the answer that is cut, which collect() hears of. */
    const fail = (error: Error): void => {
      if (incoming) {
        incoming.destroy(error);
        return;
      }
      end(() => reject(error));
      outgoing?.destroy();
    };
    const stop = (): void => fail(new Error('stopped'));
    // One deadline for everything: a destination that answers a byte a minute holds nobody up.
    const timer = setTimeout(() => fail(new Error(`no whole answer within ${target.timeoutMs} ms`)), target.timeoutMs);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) return stop();
    outgoing = send(url, {
      method: 'POST',
      headers: headersOf(target, body),
      ...(target.agent ? { agent: target.agent } : { agent: false }),
    });
    outgoing.on('response', (response) => {
      incoming = response;
      collect(response).then(
        (answer) => end(() => resolve(answer)),
        (error: Error) => end(() => reject(error)),
      );
    });
    outgoing.on('error', (error) => {
      if (!incoming) fail(error);
    });
    outgoing.on('finish', () => onBytes?.(body.bytes.length));
    outgoing.end(body.bytes);
  });
}
function headersOf(target: PostTarget, { bytes, encoding, batchId, arrivalUnixNano }: OtlpBody): Record<string, string | number> {
  return {
    ...target.headers,
    'content-type': 'application/x-protobuf',
    'content-length': bytes.length,
    'user-agent': 'faultline',
    ...(encoding === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
    ...(batchId === undefined ? {} : { [BATCH_ID_HEADER]: batchId }),
    ...(arrivalUnixNano === undefined ? {} : { [ARRIVAL_HEADER]: String(arrivalUnixNano) }),
  };
}
/** Reads the answer up to its cap; what comes beyond is cut off, the status stands. */
function collect(response: IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (): void => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
    response.on('data', (chunk: Buffer) => {
      const room = MAX_ANSWER_BYTES - size;
      chunks.push(chunk.subarray(0, room));
      size += chunk.length;
      if (chunk.length <= room) return;
      done();
      response.destroy();
    });
    response.on('end', done);
    response.on('error', reject);
    response.on('aborted', () => reject(new Error('the destination cut its answer')));
  });
}
/** What is shorter is hardly one; words such as "Bearer" stay readable. */
const MIN_SECRET_CHARS = 8;
/** An answer is logged, kept and shown: a destination that repeats our credentials in it must not make us do so. Lengths stay. */
function withoutSecrets(body: Uint8Array, { headers }: PostTarget): Uint8Array {
  const secrets = Object.values(headers)
    .flatMap((value) => [value, ...value.split(/[\s,;="]+/)])
    .filter((value) => value.length >= MIN_SECRET_CHARS);
  if (body.length === 0 || secrets.length === 0) return body;
  const text = Buffer.from(body).toString('latin1');
  const hidden = secrets.reduce((rest, secret) => rest.replaceAll(secret, '*'.repeat(secret.length)), text);
  return Buffer.from(hidden, 'latin1');
}
/** Never says more of the target than its host: the path may hold a tenant's key. */
function sentenceOf(error: NodeJS.ErrnoException, target: PostTarget): string {
  const { host } = new URL(target.url);
  if (error.code === 'ECONNREFUSED') return `Nothing listens at ${host}.`;
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') return `There is no host ${host}.`;
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return `${host} closed the connection.`;
  return `${host}: ${error.message}.`;
}
