import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { ConnectionOptions } from 'node:tls';
import { authorizationHeaders, type HttpClientConfig, readSecret, type TlsConfig } from './http-client-config.ts';
import { proxyFor, proxyHeaders, tunnel } from './http-proxy.ts';

/** One GET with a deadline and a limit, as a prometheus.yml wants it: credentials, TLS, redirects, proxy. */
export interface GetRequest {
  readonly url: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly client: HttpClientConfig;
  readonly headers: Readonly<Record<string, string>>;
  /** Who is asked, for sentences: "the target". */
  readonly who: string;
}
export interface GetAnswer {
  /** As sent. */
  readonly body: Uint8Array;
  readonly contentType: string;
  readonly encoding: string;
}
// Not as ES modules: see collectors/otlp/http-server.ts. Both: 39 ms of CPU and 18 MB against 12 ms and 8 MB.
const { request: httpRequest } = process.getBuiltinModule('node:http');
const { request: httpsRequest } = process.getBuiltinModule('node:https');
const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Not for others than those they were given for. */
const SECRET_HEADERS = ['authorization', 'cookie'];

function tlsOptions({ ca, cert, key, serverName, insecureSkipVerify, minVersion, maxVersion }: TlsConfig): ConnectionOptions {
  return {
    rejectUnauthorized: !insecureSkipVerify,
    ...(ca ? { ca: readSecret(ca) } : {}),
    ...(cert ? { cert: readSecret(cert) } : {}),
    ...(key ? { key: readSecret(key) } : {}),
    ...(serverName ? { servername: serverName } : {}),
    ...(minVersion ? { minVersion } : {}),
    ...(maxVersion ? { maxVersion } : {}),
  };
}
function sentence(error: Error & { code?: string }, url: URL): Error {
  if (error.code === 'ECONNREFUSED') return new Error(`nothing listens at ${url.host}`);
  if (error.code === 'ENOTFOUND') return new Error(`there is no host ${url.hostname}`);
  return error;
}
async function opened(url: URL, get: GetRequest, headers: Record<string, string | string[]>, signal: AbortSignal): Promise<ClientRequest> {
  const { client } = get;
  const proxy = proxyFor(url, client.proxy);
  const options: RequestOptions = { headers, signal };
  if (url.protocol === 'https:') {
    const tls = tlsOptions(client.tls);
    if (proxy === null) return httpsRequest(url, { ...options, ...tls });
    const socket = await tunnel(proxy, url, client.proxy.connectHeaders, tls, signal);
    return httpsRequest(url, { ...options, createConnection: () => socket });
  }
  if (proxy === null) return httpRequest(url, options);
  const through = { ...headers, ...proxyHeaders(proxy), host: url.host };
  return (proxy.protocol === 'https:' ? httpsRequest : httpRequest)(proxy, { ...options, path: url.href, headers: through, agent: false });
}
function answered(request: ClientRequest, { who }: GetRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve);
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      reject(new Error(`${who} answered HTTP ${response.statusCode} to a plain GET`));
    });
    request.on('error', reject);
    request.end();
  });
}
function collect(response: IncomingMessage, { maxBytes, who }: GetRequest): Promise<GetAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        reject(new Error(`the exposition is over ${maxBytes} bytes`));
        response.destroy();
      } else chunks.push(chunk);
    });
    response.on('end', () =>
      resolve({
        body: Buffer.concat(chunks),
        contentType: response.headers['content-type'] ?? '',
        encoding: (response.headers['content-encoding'] ?? '').trim().toLowerCase(),
      }),
    );
    response.on('error', reject);
    response.on('aborted', () => reject(new Error(`${who} cut the answer`)));
  });
}
async function follow(get: GetRequest, signal: AbortSignal): Promise<GetAnswer> {
  let url = new URL(get.url);
  const headers: Record<string, string | string[]> = { ...get.headers, ...authorizationHeaders(get.client) };
  for (let redirects = 0; ; redirects++) {
    let response: IncomingMessage;
    try {
      response = await answered(await opened(url, get, headers, signal), get);
    } catch (error) {
      throw sentence(error as Error, url);
    }
    if (response.statusCode === 200) return await collect(response, get);
    response.destroy();
    const location = REDIRECTS.has(response.statusCode ?? 0) && get.client.followRedirects ? response.headers.location : undefined;
    if (location === undefined) throw new Error(`${get.who} answered HTTP ${response.statusCode} ${response.statusMessage ?? ''}`.trim());
    if (redirects === MAX_REDIRECTS) throw new Error(`${get.who} redirects more than ${MAX_REDIRECTS} times`);
    const next = URL.canParse(location, url.href) ? new URL(location, url.href) : null;
    if (next?.protocol !== 'http:' && next?.protocol !== 'https:')
      throw new Error(`${get.who} redirects to "${location.slice(0, 200)}", which is no HTTP address`);
    if (next.host !== url.host || next.protocol !== url.protocol) for (const name of SECRET_HEADERS) delete headers[name];
    url = next;
  }
}

/** Rejects with a sentence: refused, timed out, status, size, a file that cannot be read. */
export function httpGet(get: GetRequest): Promise<GetAnswer> {
  return new Promise((resolve, reject) => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      // Said here and not only to the request: one that is already closed would pass nothing on, and this would wait for ever.
      reject(new Error(`no answer within ${get.timeoutMs} ms`));
      abort.abort();
    }, get.timeoutMs);
    follow(get, abort.signal)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
