import type { YamlNode } from '#query/rules/yaml-node.ts';
import type {
  EmailIntegration,
  HttpConfig,
  Integration,
  LocalIntegration,
  SyslogIntegration,
  TlsConfig,
  WebhookIntegration,
} from './config.ts';
import { type ConfigDecoder, fail, type Got } from './config-decoder.ts';
import { FOREIGN_TYPES, type ForeignDraft, readForeign } from './foreign-receivers.ts';
import { readHttp, readTls, secretOf } from './read-http.ts';

/** host:port as Go's net.SplitHostPort has it; null: nothing was said. */
export function hostPort(node: YamlNode, text: string): { host: string; port: number } | null {
  if (text === '') return null;
  const found = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text);
  if (!found) fail(node, `address ${text}: ${/^[^:]*$|^\[[^\]]*\]$/.test(text) ? 'missing port' : 'too many colons'} in address`);
  const port = found[3] as string;
  if (port === '') fail(node, `address ${JSON.stringify(text)}: port cannot be empty`);
  return { host: found[1] ?? (found[2] as string), port: PORTS[port] ?? Number(port) };
}
const PORTS: Readonly<Record<string, number>> = { smtp: 25, smtps: 465, submission: 587, submissions: 465 };

/** Keys of global and of email_configs that say the same. */
export const smtpReaders = ({ as }: ConfigDecoder) => ({
  ...{ from: as.text, hello: as.text, auth_username: as.text, auth_identity: as.text, require_tls: as.boolean },
  ...{ auth_password: as.secret, auth_password_file: as.text, auth_secret: as.secret, auth_secret_file: as.text },
  smarthost: (at: YamlNode) => hostPort(at, as.text(at)),
});
export type SmtpDefaults = Got<ReturnType<typeof smtpReaders>> & { readonly tls_config?: TlsConfig };

/** A receiver as it stands in the file; what `global` adds is not known yet. */
export interface ReceiverDraft {
  readonly node: YamlNode;
  readonly name: string;
  readonly webhooks: readonly ((http: HttpConfig) => WebhookIntegration)[];
  readonly emails: readonly ((smtp: SmtpDefaults) => EmailIntegration)[];
  readonly foreign: readonly ForeignDraft[];
  readonly own: readonly Integration[];
}
export function readReceiver(decoder: ConfigDecoder, node: YamlNode): ReceiverDraft {
  const each =
    <T>(read: (at: YamlNode, index: number) => T) =>
    (list: YamlNode): T[] =>
      decoder.list(list, 'config.plain').map(read);
  const local = (kind: LocalIntegration['kind']) =>
    each((at, index): LocalIntegration => {
      const got = decoder.struct(at, { send_resolved: decoder.as.boolean });
      return { kind, index, line: at.line, sendResolved: got.send_resolved ?? true };
    });
  const foreign: ForeignDraft[] = [];
  const others = FOREIGN_TYPES.map((type) => [
    `${type}_configs`,
    each((at, index) => void foreign.push(readForeign(decoder, at, type, index))),
  ]);
  const got = decoder.struct(
    node,
    {
      name: decoder.as.text,
      webhook_configs: each((at, index) => readWebhook(decoder, at, index)),
      email_configs: each((at, index) => readEmail(decoder, at, index)),
      desktop_configs: local('desktop'),
      sound_configs: local('sound'),
      syslog_configs: each((at, index) => readSyslog(decoder, at, index)),
      ...(Object.fromEntries(others) as Record<never, never>),
    },
    ({ name }) => {
      if (!name) fail(node, 'missing name in receiver');
    },
  );
  return {
    ...{ node, name: got.name ?? '', webhooks: got.webhook_configs ?? [], emails: got.email_configs ?? [], foreign },
    own: [...(got.desktop_configs ?? []), ...(got.sound_configs ?? []), ...(got.syslog_configs ?? [])],
  };
}
function readWebhook(decoder: ConfigDecoder, node: YamlNode, index: number): (http: HttpConfig) => WebhookIntegration {
  const { as } = decoder;
  const got = decoder.struct(
    node,
    {
      ...{ send_resolved: as.boolean, url: as.secretUrl, url_file: as.text, max_alerts: as.count, timeout: as.goDuration },
      http_config: (at) => readHttp(decoder, at),
    },
    ({ url, url_file: file }) => {
      if (!url && !file) fail(node, 'one of url or url_file must be configured');
      if (url && file) fail(node, 'at most one of url & url_file must be configured');
    },
  );
  return (http) => ({
    ...{ kind: 'webhook', index, line: node.line, sendResolved: got.send_resolved ?? true },
    ...{ url: secretOf(got.url, got.url_file), http: got.http_config ?? http },
    ...{ maxAlerts: got.max_alerts ?? 0, timeoutMs: got.timeout ?? 0 },
  });
}
/** X-FROM and x-from are one header: X-From. */
const canonicalHeader = (name: string): string =>
  /^[!#$%&'*+\-.^_`|~\da-zA-Z]+$/.test(name) ? name.toLowerCase().replace(/(^|-)[a-z]/g, (c) => c.toUpperCase()) : name;

function readEmail(decoder: ConfigDecoder, node: YamlNode, index: number): (smtp: SmtpDefaults) => EmailIntegration {
  const { as } = decoder;
  const headers = new Map<string, string>();
  const got = decoder.struct(
    node,
    {
      ...smtpReaders(decoder),
      ...{ send_resolved: as.boolean, to: as.text, html: as.text, text: as.text, headers: as.texts, threading: as.anything },
      tls_config: (at) => readTls(decoder, at),
    },
    (given) => {
      if (!given.to) fail(node, 'missing to address in email config');
      for (const [name, value] of given.headers ?? []) {
        const canonical = canonicalHeader(name);
        if (headers.has(canonical)) fail(node, `duplicate header ${JSON.stringify(canonical)} in email config`);
        headers.set(canonical, value);
      }
    },
  );
  return (smtp) => {
    const smarthost = got.smarthost ?? smtp.smarthost ?? fail(node, 'no global SMTP smarthost set');
    const from = got.from || smtp.from || fail(node, 'no global SMTP from set');
    const passwordOf = got.auth_password || got.auth_password_file ? got : smtp;
    const secret = got.auth_secret || got.auth_secret_file ? got : smtp;
    return {
      ...{ kind: 'email', index, line: node.line, sendResolved: got.send_resolved ?? false, to: got.to ?? '', from, smarthost, headers },
      ...{ hello: got.hello || smtp.hello || 'localhost', authUsername: got.auth_username || smtp.auth_username || '' },
      authPassword: secretOf(passwordOf.auth_password, passwordOf.auth_password_file),
      authSecret: secretOf(secret.auth_secret, secret.auth_secret_file),
      authIdentity: got.auth_identity || smtp.auth_identity || '',
      ...{ requireTls: got.require_tls ?? smtp.require_tls ?? true, tls: got.tls_config ?? smtp.tls_config ?? null },
      ...{ html: got.html ?? null, text: got.text ?? null },
    };
  };
}
/** RFC 5424, section 6.2.1. */
const FACILITIES = 'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock'.split(' ');
for (let i = 0; i < 8; i++) FACILITIES.push(`local${i}`);

function readSyslog(decoder: ConfigDecoder, node: YamlNode, index: number): SyslogIntegration {
  const { as } = decoder;
  const got = decoder.struct(
    node,
    {
      send_resolved: as.boolean,
      address: (at) => hostPort(at, as.text(at)),
      transport: (at) => {
        const name = as.text(at);
        return name === 'udp' || name === 'tcp' ? name : fail(at, `unknown transport ${JSON.stringify(name)}, use udp or tcp`);
      },
      facility: (at) => {
        const facility = FACILITIES.indexOf(as.text(at));
        return facility < 0 ? fail(at, `unknown facility ${JSON.stringify(as.text(at))}, use one of ${FACILITIES.join(', ')}`) : facility;
      },
    },
    ({ address }) => {
      if (!address) fail(node, 'missing address in syslog config');
    },
  );
  return {
    ...{ kind: 'syslog', index, line: node.line, sendResolved: got.send_resolved ?? true, transport: got.transport ?? 'udp' },
    ...{ host: got.address?.host ?? '', port: got.address?.port ?? 0, facility: got.facility ?? FACILITIES.indexOf('daemon') },
  };
}
