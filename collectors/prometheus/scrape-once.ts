import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';

/** One GET of an exposition, as sent (maybe gzip). */
export interface ScrapeAnswer {
  readonly body: Uint8Array;
  readonly contentType: string;
  readonly gzip: boolean;
}
export interface ScrapeRequest {
  readonly url: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly insecureSkipVerify: boolean;
  readonly ca: string | null;
}
const ACCEPT =
  'application/openmetrics-text;version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.2';

function collect(response: IncomingMessage, maxBytes: number): Promise<ScrapeAnswer> {
  return new Promise((resolve, reject) => {
    if (response.statusCode !== 200) {
      response.destroy();
      reject(new Error(`the target answered HTTP ${response.statusCode} ${response.statusMessage ?? ''}`.trim()));
      return;
    }
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
        gzip: response.headers['content-encoding'] === 'gzip',
      }),
    );
    response.on('error', reject);
    response.on('aborted', () => reject(new Error('the target cut the answer')));
  });
}

/** Rejects with a sentence: refused, timed out, status, size. Redirects are not followed. */
export function scrapeOnce(request: ScrapeRequest): Promise<ScrapeAnswer> {
  return new Promise((resolve, reject) => {
    const get = request.url.startsWith('https:') ? httpsGet : httpGet;
    const timer = setTimeout(() => {
      // Said here and not only to the request: one that is already closed would pass nothing on, and this would wait for ever.
      reject(new Error(`no answer within ${request.timeoutMs} ms`));
      outgoing.destroy();
    }, request.timeoutMs);
    const outgoing = get(
      request.url,
      {
        headers: {
          ...request.headers,
          accept: ACCEPT,
          'accept-encoding': 'gzip',
          'user-agent': 'faultline',
          'x-prometheus-scrape-timeout-seconds': String(request.timeoutMs / 1000),
        },
        rejectUnauthorized: !request.insecureSkipVerify,
        ...(request.ca === null ? {} : { ca: request.ca }),
      },
      (response) =>
        collect(response, request.maxBytes)
          .then(resolve, reject)
          .finally(() => clearTimeout(timer)),
    );
    outgoing.on('upgrade', (response, socket) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new Error(`the target answered HTTP ${response.statusCode} to a plain GET`));
    });
    outgoing.on('error', (error: Error & { code?: string }) => {
      clearTimeout(timer);
      reject(error.code === 'ECONNREFUSED' ? new Error(`nothing listens at ${new URL(request.url).host}`) : error);
    });
  });
}
