import type { YamlNode } from '#query/rules/yaml-node.ts';
import type { HttpConfig, Secret, SecretSource, TlsConfig } from './config.ts';
import { type ConfigDecoder, fail } from './config-decoder.ts';

export const DEFAULT_HTTP: HttpConfig = {
  ...{ basicAuth: null, authorization: null, proxyUrl: null, followRedirects: true, tls: null, headers: new Map(), ignored: [] },
};
/** What is read and not used when something is delivered. */
const IGNORED = ['oauth2', 'no_proxy', 'proxy_from_environment', 'proxy_connect_header'] as const;
export const secretOf = (value: Secret | undefined, file: string | undefined): SecretSource => ({
  value: value ?? null,
  file: file || null,
});

/** http_config (HTTPClientConfig of prometheus/common). */
export function readHttp(decoder: ConfigDecoder, node: YamlNode): HttpConfig {
  const { as } = decoder;
  const got = decoder.struct(
    node,
    {
      basic_auth: (at) => readBasicAuth(decoder, at),
      authorization: (at) => readAuthorization(decoder, at),
      ...{
        bearer_token: as.secret,
        bearer_token_file: as.text,
        follow_redirects: as.boolean,
        enable_http2: as.boolean,
        proxy_url: as.text,
      },
      ...{ oauth2: as.anything, no_proxy: as.text, proxy_from_environment: as.boolean, proxy_connect_header: as.anything },
      tls_config: (at) => readTls(decoder, at),
      http_headers: (at) => readHeaders(decoder, at),
    },
    ({ basic_auth: basic, authorization, oauth2, bearer_token: token, bearer_token_file: file }) => {
      if (token && file) fail(node, 'at most one of bearer_token & bearer_token_file must be configured');
      if ((basic || oauth2) && (token || file))
        fail(node, 'at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured');
      if (authorization && (token || file)) fail(node, 'authorization is not compatible with bearer_token & bearer_token_file');
      if ([basic, authorization, oauth2].filter(Boolean).length > 1)
        fail(node, 'at most one of basic_auth, oauth2 & authorization must be configured');
    },
  );
  const bearer = secretOf(got.bearer_token, got.bearer_token_file);
  return {
    basicAuth: got.basic_auth ?? null,
    authorization: got.authorization ?? (bearer.value || bearer.file ? { type: 'Bearer', credentials: bearer } : null),
    proxyUrl: got.proxy_url || null,
    followRedirects: got.follow_redirects ?? true,
    tls: got.tls_config ?? null,
    headers: got.http_headers ?? new Map(),
    ignored: IGNORED.filter((key) => got[key]),
  };
}
function readBasicAuth(decoder: ConfigDecoder, node: YamlNode): NonNullable<HttpConfig['basicAuth']> {
  const { text, secret } = decoder.as;
  const got = decoder.struct(node, { username: text, username_file: text, password: secret, password_file: text }, (given) => {
    if (given.username && given.username_file) fail(node, 'at most one of basic_auth username & username_file must be configured');
    if (given.password && given.password_file) fail(node, 'at most one of basic_auth password & password_file must be configured');
  });
  return { username: got.username ?? '', usernameFile: got.username_file || null, password: secretOf(got.password, got.password_file) };
}
function readAuthorization(decoder: ConfigDecoder, node: YamlNode): NonNullable<HttpConfig['authorization']> {
  const { text, secret } = decoder.as;
  const check = (given: { type?: string; credentials?: Secret | undefined; credentials_file?: string }): void => {
    if (given.credentials && given.credentials_file)
      fail(node, 'at most one of authorization credentials & credentials_file must be configured');
    if (given.type?.trim().toLowerCase() === 'basic') fail(node, 'authorization type cannot be set to "basic", use "basic_auth" instead');
  };
  const got = decoder.struct(node, { type: text, credentials: secret, credentials_file: text }, check, 'config.Authorization');
  return { type: got.type?.trim() || 'Bearer', credentials: secretOf(got.credentials, got.credentials_file) };
}
function readHeaders(decoder: ConfigDecoder, node: YamlNode): HttpConfig['headers'] {
  const { as } = decoder;
  const headers = new Map<string, SecretSource[]>();
  for (const [name, value] of decoder.map(node, 'config.plain', null)) {
    const secrets = (at: YamlNode) => decoder.list(at, 'config.Secret').map((each) => secretOf(as.secret(each), undefined));
    const files = (at: YamlNode) => as.strings(at).map((file) => secretOf(undefined, file));
    const got = decoder.struct(value, { values: secrets, secrets, files }, undefined, 'config.Header');
    headers.set(name, [...(got.values ?? []), ...(got.secrets ?? []), ...(got.files ?? [])]);
  }
  return headers;
}
const TLS_VERSIONS = ['TLS10', 'TLS11', 'TLS12', 'TLS13'];
export function readTls(decoder: ConfigDecoder, node: YamlNode): TlsConfig {
  const { text, secret, boolean } = decoder.as;
  const version = (at: YamlNode): string => {
    const name = decoder.text(at);
    return TLS_VERSIONS.includes(name) ? name : fail(at, `unknown TLS version: ${name}`);
  };
  const got = decoder.struct(
    node,
    {
      ...{ ca: text, ca_file: text, cert: text, cert_file: text, key: secret, key_file: text },
      ...{ server_name: text, insecure_skip_verify: boolean, min_version: version, max_version: version },
    },
    (given) => {
      if (given.ca && given.ca_file) fail(node, 'at most one of ca and ca_file must be configured');
      if (given.cert && given.cert_file) fail(node, 'at most one of cert and cert_file must be configured');
      if (given.key && given.key_file) fail(node, 'at most one of key and key_file must be configured');
      const [hasCert, hasKey] = [given.cert || given.cert_file, given.key || given.key_file];
      if (hasCert && !hasKey) fail(node, 'exactly one of key or key_file must be configured when a client certificate is configured');
      if (hasKey && !hasCert) fail(node, 'exactly one of cert or cert_file must be configured when a client key is configured');
    },
  );
  return {
    ...{ ca: got.ca || null, caFile: got.ca_file || null, cert: got.cert || null, certFile: got.cert_file || null },
    ...{ key: got.key ?? null, keyFile: got.key_file || null, serverName: got.server_name || null },
    ...{ minVersion: got.min_version ?? null, maxVersion: got.max_version ?? null, insecureSkipVerify: got.insecure_skip_verify ?? false },
  };
}
