import { httpGet } from './http-client.ts';
import type { HttpClientConfig } from './http-client-config.ts';
import { acceptHeader, type ScrapeProtocol } from './scrape-protocols.ts';

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
  readonly client: HttpClientConfig;
  readonly protocols: readonly ScrapeProtocol[];
  /** Whether the target may answer in gzip. */
  readonly compression: boolean;
}

/** Rejects with a sentence: refused, timed out, status, size. */
export async function scrapeOnce({ url, timeoutMs, maxBytes, client, protocols, compression }: ScrapeRequest): Promise<ScrapeAnswer> {
  const { body, contentType, encoding } = await httpGet({
    url,
    timeoutMs,
    maxBytes,
    client,
    headers: {
      accept: acceptHeader(protocols),
      'accept-encoding': compression ? 'gzip' : 'identity',
      'user-agent': 'faultline',
      'x-prometheus-scrape-timeout-seconds': String(timeoutMs / 1000),
    },
    who: 'the target',
  });
  return { body, contentType, gzip: encoding === 'gzip' };
}
