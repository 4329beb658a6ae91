import { z } from 'zod';
import { parseDurationMs } from '#collectors/prometheus/config.ts';
import { relabelSchema } from '#collectors/prometheus/config-schema.ts';
import { HTTP_CLIENT_SHAPE, type HttpClientConfig, httpClientConfig, judgeHttpClient } from '#collectors/prometheus/http-client-config.ts';
import { compileRelabel, type RelabelConfig } from '#collectors/prometheus/relabel.ts';
import { type HttpConfig, Secret, type SecretSource } from '#query/alerting/config.ts';
import { entriesOf, type Labels, labelsOf } from '#query/promql/labels.ts';
import type { YamlNode } from '#query/rules/yaml-node.ts';
import type { AlertmanagerTarget } from './alertmanager-queue.ts';

/** `alerting:` of a prometheus.yml: whom alerts are sent on to, and how their labels are changed before. */
export interface PrometheusAlerting {
  readonly targets: readonly AlertmanagerTarget[];
  /** Also for what is notified here: it is what an Alertmanager would be told. */
  readonly relabel: (labels: Labels) => Labels | null;
  /** What is wrong with it, or not acted on. */
  readonly problems: readonly string[];
}
export const NO_ALERTING: PrometheusAlerting = { targets: [], relabel: (labels) => labels, problems: [] };

const relabels = z.array(relabelSchema).nullish();
const managerSchema = z
  .looseObject({
    ...HTTP_CLIENT_SHAPE,
    scheme: z.enum(['http', 'https']).default('http'),
    path_prefix: z.string().default(''),
    timeout: z.string().default('10s'),
    static_configs: z.array(z.looseObject({ targets: z.array(z.string()).default([]) })).default([]),
    relabel_configs: relabels,
    alert_relabel_configs: relabels,
  })
  .superRefine((raw, context) => {
    const problem = judgeHttpClient(raw);
    if (problem !== '') context.addIssue({ code: 'custom', message: problem });
    if (parseDurationMs(raw.timeout) === null) context.addIssue({ code: 'custom', path: ['timeout'], message: 'is not a duration' });
  });
const schema = z.looseObject({ alertmanagers: z.array(managerSchema).nullish(), alert_relabel_configs: relabels });

/** @param folder where relative files of it stand */
export function readPrometheusAlerting(node: YamlNode | null, folder: string): PrometheusAlerting {
  if (node === null) return NO_ALERTING;
  const read = schema.safeParse(plainOf(node));
  if (!read.success) {
    const says = read.error.issues.map(({ path, message }) => `alerting.${path.join('.')}: ${message}`);
    return { ...NO_ALERTING, problems: says };
  }
  const managers = read.data.alertmanagers ?? [];
  const problems = managers.flatMap((manager, i) => [
    ...Object.keys(manager).flatMap((key) =>
      /_sd_configs$|^sigv4$|^oauth2$/.test(key) ? [`alerting.alertmanagers.${i}: ${key} is not acted on`] : [],
    ),
    ...(['relabel_configs', 'alert_relabel_configs'] as const).flatMap((key) =>
      (manager[key] ?? []).length > 0 ? [`alerting.alertmanagers.${i}: ${key} is not acted on`] : [],
    ),
  ]);
  const targets = managers.flatMap((manager) => {
    const { scheme, path_prefix: prefix, timeout } = manager;
    const http = httpOf(httpClientConfig(manager, folder));
    const path = prefix.replace(/^\/*|\/+$/g, '');
    return manager.static_configs
      .flatMap(({ targets: hosts }) => hosts)
      .map((host) => ({ url: `${scheme}://${host}${path === '' ? '' : `/${path}`}`, timeoutMs: parseDurationMs(timeout) ?? 0, http }));
  });
  const wrong = targets.filter(({ url }) => !URL.canParse(url));
  return {
    targets: targets.filter(({ url }) => URL.canParse(url)),
    relabel: relabelOf(read.data.alert_relabel_configs ?? []),
    problems: [...problems, ...wrong.map(({ url }) => `alerting.alertmanagers: "${url}" is no address`)],
  };
}
function relabelOf(configs: readonly RelabelConfig[]): (labels: Labels) => Labels | null {
  if (configs.length === 0) return (labels) => labels;
  const relabel = compileRelabel(configs);
  return (labels) => {
    const changed = relabel(new Map(entriesOf(labels)));
    return changed === null ? null : labelsOf(changed);
  };
}
const secretOf = ({ text, file }: { readonly text: string; readonly file: string | null }): SecretSource => ({
  value: file === null ? new Secret(text) : null,
  file,
});
/** The same as an alertmanager.yml would have it. */
function httpOf({ basicAuth, authorization, headers, tls, followRedirects, proxy }: HttpClientConfig): HttpConfig {
  return {
    basicAuth: basicAuth && {
      username: basicAuth.username.text,
      usernameFile: basicAuth.username.file,
      password: secretOf(basicAuth.password),
    },
    authorization: authorization && { type: authorization.type, credentials: secretOf(authorization.credentials) },
    headers: new Map(headers.map(({ name, values }) => [name, values.map(secretOf)])),
    tls: {
      ...{ caFile: tls.ca?.file ?? null, ca: tls.ca?.text || null, certFile: tls.cert?.file ?? null, cert: tls.cert?.text || null },
      ...{ keyFile: tls.key?.file ?? null, key: tls.key?.text ? new Secret(tls.key.text) : null, serverName: tls.serverName || null },
      ...{ minVersion: tls.minVersion, maxVersion: tls.maxVersion, insecureSkipVerify: tls.insecureSkipVerify },
    },
    ...{ proxyUrl: proxy.url || null, followRedirects, ignored: [] },
  };
}
function plainOf(node: YamlNode): unknown {
  if (node.kind === 'list') return node.items.map(plainOf);
  if (node.kind === 'map') return Object.fromEntries(node.entries.map(({ key, value }) => [key.text, plainOf(value)]));
  if (node.tag === '!!null') return null;
  if (node.tag === '!!bool') return /^true$/i.test(node.text);
  return node.tag === '!!int' || node.tag === '!!float' ? Number(node.text) : node.text;
}
