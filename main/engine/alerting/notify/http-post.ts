import { readFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { ConnectionOptions, SecureVersion } from 'node:tls';
import { proxyFor, proxyHeaders, tunnel } from '#collectors/prometheus/http-proxy.ts';
import type { HttpConfig, SecretSource, TlsConfig } from '#query/alerting/config.ts';

/** One POST with a deadline, as the http_config of an alertmanager.yml wants it: credentials, TLS, proxy. Redirects are not followed. */
export interface Post {
  readonly url: string;
  readonly body: string;
  readonly http: HttpConfig | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Relative files stand here. */
  readonly folder: string;
  /** Told once the request's bytes have been handed to the network. */
  readonly onBytes: (bytes: number) => void;
}
export interface PostAnswer {
  readonly status: number;
  /** Its beginning. */
  readonly text: string;
  readonly retryAfterMs: number | null;
}
const MAX_ANSWER_BYTES = 4 * 1024;
const { request: httpRequest } = process.getBuiltinModule('node:http');
const { request: httpsRequest } = process.getBuiltinModule('node:https');
const { resolve: resolvePath } = process.getBuiltinModule('node:path');

/** Read when it is needed: a rotated secret needs no reload. @throws Error with a sentence when the file cannot be read */
export function secretOf({ value, file }: SecretSource, folder: string): string {
  return value ? value.reveal() : file === null ? '' : readText(file, folder).trim();
}
function readText(file: string, folder: string): string {
  try {
    return readFileSync(resolvePath(folder, file), 'utf8');
  } catch (cause) {
    throw new Error(`cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}
const VERSIONS: Readonly<Record<string, SecureVersion>> = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' };
/** As Prometheus writes it, or as Node does. */
const versionOf = (text: string | null): SecureVersion | undefined =>
  text === null ? undefined : (VERSIONS[text] ?? (text as SecureVersion));
export function tlsOptions(tls: TlsConfig | null, folder: string): ConnectionOptions {
  if (tls === null) return {};
  const [ca, cert, key] = [
    tls.ca ?? (tls.caFile === null ? null : readText(tls.caFile, folder)),
    tls.cert ?? (tls.certFile === null ? null : readText(tls.certFile, folder)),
    tls.key?.reveal() ?? (tls.keyFile === null ? null : readText(tls.keyFile, folder)),
  ];
  return {
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(versionOf(tls.minVersion) ? { minVersion: versionOf(tls.minVersion) } : {}),
    ...(versionOf(tls.maxVersion) ? { maxVersion: versionOf(tls.maxVersion) } : {}),
    ...(tls.serverName ? { servername: tls.serverName } : {}),
  };
}
function headersOf({ http, body, headers, folder }: Post): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = {};
  for (const [name, values] of http?.headers ?? []) all[name.toLowerCase()] = values.map((value) => secretOf(value, folder));
  Object.assign(all, headers, { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) });
  if (http?.basicAuth) {
    const { username, usernameFile } = http.basicAuth;
    const name = usernameFile === null ? username : readText(usernameFile, folder).trim();
    const pair = `${name}:${secretOf(http.basicAuth.password, folder)}`;
    all['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
  } else if (http?.authorization)
    all['authorization'] = `${http.authorization.type} ${secretOf(http.authorization.credentials, folder)}`.trim();
  return all;
}
async function opened(post: Post, signal: AbortSignal): Promise<ClientRequest> {
  const url = new URL(post.url);
  const headers = headersOf(post);
  const proxying = { url: post.http?.proxyUrl ?? '', noProxy: '', connectHeaders: {} };
  const proxy = proxyFor(url, proxying);
  const options: RequestOptions = { method: 'POST', headers, signal, agent: false };
  const tls = tlsOptions(post.http?.tls ?? null, post.folder);
  if (url.protocol === 'https:') {
    if (proxy === null) return httpsRequest(url, { ...options, ...tls });
    const socket = await tunnel(proxy, url, proxying.connectHeaders, tls, signal);
    return httpsRequest(url, { ...options, createConnection: () => socket });
  }
  if (proxy === null) return httpRequest(url, options);
  const through = { ...headers, ...proxyHeaders(proxy), host: url.host };
  return (proxy.protocol === 'https:' ? httpsRequest : httpRequest)(proxy, { ...options, path: url.href, headers: through });
}
function sentence(error: Error & { code?: string }, post: Post): Error {
  const { host, hostname } = new URL(post.url);
  if (error.code === 'ECONNREFUSED') return new Error(`nothing listens at ${host}`);
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') return new Error(`there is no host ${hostname}`);
  if (error.name === 'AbortError') return new Error('stopped');
  return error;
}
/** Its beginning; what comes beyond is cut off, the status stands. */
function collect(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (): void => resolve(Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8'));
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= MAX_ANSWER_BYTES) return;
      done();
      response.destroy();
    });
    response.on('end', done);
    response.on('error', reject);
    response.on('aborted', () => reject(new Error('the answer was cut')));
  });
}
/** Rejects with a sentence: refused, timed out, stopped, a file that cannot be read. */
export function httpPost(post: Post): Promise<PostAnswer> {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  post.signal.addEventListener('abort', stop);
  if (post.signal.aborted) stop();
  return new Promise<PostAnswer>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`no whole answer within ${post.timeoutMs} ms`));
      stop();
    }, post.timeoutMs);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      post.signal.removeEventListener('abort', stop);
      settle();
    };
    const work = async (): Promise<PostAnswer> => {
      const outgoing = await opened(post, abort.signal);
      const response = await new Promise<IncomingMessage>((answered, failed) => {
        outgoing.on('response', answered);
        outgoing.on('error', failed);
        outgoing.on('finish', () => post.onBytes(Buffer.byteLength(post.body)));
        outgoing.end(post.body);
      });
      const after = Number(response.headers['retry-after'] ?? Number.NaN);
      const text = await collect(response);
      return { status: response.statusCode ?? 0, text, retryAfterMs: Number.isFinite(after) ? after * 1000 : null };
    };
    work().then(
      (answer) => end(() => resolve(answer)),
      (error: Error) => end(() => reject(sentence(error, post))),
    );
  });
}
