import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';

/**
 * How a target, or a list of targets, is asked: the keys every HTTP client of a prometheus.yml takes. Files with secrets are
 * read at each request, as Prometheus does: a rotated token needs no reload.
 */
export interface HttpClientConfig {
  readonly basicAuth: { readonly username: Secret; readonly password: Secret } | null;
  readonly authorization: { readonly type: string; readonly credentials: Secret } | null;
  readonly headers: readonly { readonly name: string; readonly values: readonly Secret[] }[];
  readonly tls: TlsConfig;
  readonly followRedirects: boolean;
  readonly proxy: ProxyConfig;
}
/** Written out, or the file it stands in. */
export interface Secret {
  readonly text: string;
  readonly file: string | null;
}
export interface TlsConfig {
  readonly ca: Secret | null;
  readonly cert: Secret | null;
  readonly key: Secret | null;
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
  readonly minVersion: TlsVersion | null;
  readonly maxVersion: TlsVersion | null;
}
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
export interface ProxyConfig {
  readonly url: string;
  /** Hosts that are asked directly, as written: a list with commas. */
  readonly noProxy: string;
  readonly connectHeaders: Readonly<Record<string, readonly string[]>>;
}

const TLS_VERSIONS: Readonly<Record<string, TlsVersion>> = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' };
const tlsVersion = z.enum(['TLS10', 'TLS11', 'TLS12', 'TLS13']).optional();
const tlsSchema = z.strictObject({
  ca: z.string().optional(),
  ca_file: z.string().optional(),
  cert: z.string().optional(),
  cert_file: z.string().optional(),
  key: z.string().optional(),
  key_file: z.string().optional(),
  server_name: z.string().default(''),
  insecure_skip_verify: z.boolean().default(false),
  min_version: tlsVersion,
  max_version: tlsVersion,
});
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const proxyUrl = z.string().refine((url) => url === '' || /^https?:\/\/[^/]/.test(url), 'is not an http:// or https:// address');
/** Names HTTP allows, but for those that are ours to set. Prometheus refuses the same ones. */
const RESERVED = new Set([
  'authorization',
  'host',
  'content-encoding',
  'content-length',
  'content-type',
  'user-agent',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'www-authenticate',
  'accept-encoding',
  'x-prometheus-scrape-timeout-seconds',
]);
const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is not the name of a header')
  .refine((name) => !RESERVED.has(name.toLowerCase()), 'is a header that cannot be set here');
/** Shape of the keys, to be spread into a schema that has others too. */
export const HTTP_CLIENT_SHAPE = {
  basic_auth: z
    .strictObject({
      username: text.default(''),
      username_file: z.string().optional(),
      password: text.default(''),
      password_file: z.string().optional(),
    })
    .optional(),
  authorization: z
    .strictObject({ type: z.string().default('Bearer'), credentials: text.default(''), credentials_file: z.string().optional() })
    .optional(),
  bearer_token: text.optional(),
  bearer_token_file: z.string().optional(),
  tls_config: tlsSchema.nullish(),
  follow_redirects: z.boolean().default(true),
  proxy_url: proxyUrl.default(''),
  no_proxy: z.string().default(''),
  proxy_from_environment: z.boolean().default(false),
  proxy_connect_header: z.record(headerName, z.array(text)).default({}),
  http_headers: z
    .record(
      headerName,
      z.strictObject({ values: z.array(text).default([]), secrets: z.array(text).default([]), files: z.array(z.string()).default([]) }),
    )
    .default({}),
} as const;
const httpClientSchema = z.object(HTTP_CLIENT_SHAPE);
type RawHttpClient = z.infer<typeof httpClientSchema>;

/** What Prometheus refuses of these keys together, as a clause; '' when nothing. */
export function judgeHttpClient(raw: RawHttpClient): string {
  const ways = [raw.basic_auth, raw.authorization, raw.bearer_token ?? raw.bearer_token_file].filter((way) => way !== undefined);
  if (ways.length > 1) return 'at most one of basic_auth, authorization, bearer_token and bearer_token_file may be given';
  if (raw.bearer_token !== undefined && raw.bearer_token_file !== undefined)
    return 'at most one of bearer_token and bearer_token_file may be given';
  if (raw.basic_auth && raw.basic_auth.password !== '' && raw.basic_auth.password_file !== undefined)
    return 'at most one of password and password_file may be given';
  if (raw.authorization?.type.trim().toLowerCase() === 'basic') return 'an authorization of type Basic is written as basic_auth';
  if (raw.authorization && raw.authorization.credentials !== '' && raw.authorization.credentials_file !== undefined)
    return 'at most one of credentials and credentials_file may be given';
  const { tls_config: tls } = raw;
  if (tls && (tls.cert ?? tls.cert_file) !== undefined && (tls.key ?? tls.key_file) === undefined)
    return 'a client certificate needs its key';
  if (tls && (tls.key ?? tls.key_file) !== undefined && (tls.cert ?? tls.cert_file) === undefined)
    return 'a client key needs its certificate';
  if (raw.proxy_from_environment && (raw.proxy_url !== '' || raw.no_proxy !== ''))
    return 'proxy_from_environment leaves no place for proxy_url and no_proxy';
  return raw.no_proxy !== '' && raw.proxy_url === '' ? 'no_proxy needs a proxy_url' : '';
}

/** @param base folder that paths are relative to */
export function httpClientConfig(raw: RawHttpClient, base: string): HttpClientConfig {
  const secret = (written: string | undefined, file?: string): Secret => ({ text: written ?? '', file: file ? resolve(base, file) : null });
  const optional = (written?: string, file?: string): Secret | null => (written || file ? secret(written, file) : null);
  const { basic_auth: basic, authorization, tls_config: tls } = raw;
  const bearer = optional(raw.bearer_token, raw.bearer_token_file);
  return {
    basicAuth: basic
      ? { username: secret(basic.username, basic.username_file), password: secret(basic.password, basic.password_file) }
      : null,
    authorization: authorization
      ? { type: authorization.type, credentials: secret(authorization.credentials, authorization.credentials_file) }
      : bearer && { type: 'Bearer', credentials: bearer },
    headers: Object.entries(raw.http_headers).map(([name, { values, secrets, files }]) => ({
      name,
      values: [...values, ...secrets].map((value) => secret(value)).concat(files.map((file) => secret(undefined, file))),
    })),
    tls: {
      ca: optional(tls?.ca, tls?.ca_file),
      cert: optional(tls?.cert, tls?.cert_file),
      key: optional(tls?.key, tls?.key_file),
      serverName: tls?.server_name ?? '',
      insecureSkipVerify: tls?.insecure_skip_verify ?? false,
      minVersion: TLS_VERSIONS[tls?.min_version ?? ''] ?? null,
      maxVersion: TLS_VERSIONS[tls?.max_version ?? ''] ?? null,
    },
    followRedirects: raw.follow_redirects,
    proxy: {
      url: raw.proxy_url,
      noProxy: raw.no_proxy,
      connectHeaders: raw.proxy_connect_header,
    },
  };
}

/** @throws Error with a sentence when a file cannot be read */
export function readSecret({ text: written, file }: Secret): string {
  if (file === null) return written;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new Error(`cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}
/** Headers that say who asks. @throws Error */
export function authorizationHeaders({ basicAuth, authorization, headers }: HttpClientConfig): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = {};
  for (const { name, values } of headers) all[name.toLowerCase()] = values.map(readSecret);
  if (basicAuth) {
    const pair = `${readSecret(basicAuth.username)}:${readSecret(basicAuth.password)}`;
    all['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
  } else if (authorization) all['authorization'] = `${authorization.type} ${readSecret(authorization.credentials)}`.trim();
  return all;
}
