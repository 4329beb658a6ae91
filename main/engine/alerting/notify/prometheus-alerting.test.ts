import { expect, it } from 'vitest';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import { entriesOf, labelsOf } from '#query/promql/labels.ts';
import { readPrometheusAlerting } from './prometheus-alerting.ts';

const read = (text: string) => readPrometheusAlerting(parseYaml(text).root, '/etc/prometheus');
it('finds Alertmanagers and how they are asked, and changes labels before they leave', () => {
  const { targets, relabel, problems } = read(`
alert_relabel_configs:
- {source_labels: [team], regex: test, action: drop}
- {regex: replica, action: labeldrop}
alertmanagers:
- scheme: https
  path_prefix: /am/
  timeout: 3s
  basic_auth: {username: me, password: hidden}
  tls_config: {insecure_skip_verify: true, ca_file: ca.pem}
  static_configs: [{targets: ["a:9093", "b:9093"]}]
- static_configs: [{targets: ["c:9093"]}]
  dns_sd_configs: [{names: [x]}]
`);
  expect(targets.map(({ url, timeoutMs }) => [url, timeoutMs])).toEqual([
    ['https://a:9093/am', 3_000],
    ['https://b:9093/am', 3_000],
    ['http://c:9093', 10_000],
  ]);
  expect(targets[0]?.http).toMatchObject({
    basicAuth: { username: 'me' },
    tls: { insecureSkipVerify: true, caFile: '/etc/prometheus/ca.pem' },
  });
  expect(targets[0]?.http?.basicAuth?.password.value?.reveal()).toBe('hidden');
  expect(JSON.stringify(targets)).not.toContain('hidden');
  expect(problems).toEqual(['alerting.alertmanagers.1: dns_sd_configs is not acted on']);
  const kept = relabel(labelsOf(Object.entries({ alertname: 'a', replica: '1' })));
  expect(kept && entriesOf(kept)).toEqual([['alertname', 'a']]);
  expect(relabel(labelsOf(Object.entries({ alertname: 'a', team: 'test' })))).toBeNull();
});
it('with a fault sends to nobody, and says where', () => {
  const { targets, problems } = read('alertmanagers: [{scheme: ftp}]');
  expect(targets).toEqual([]);
  expect(problems).toEqual([expect.stringContaining('alerting.alertmanagers.0.scheme')]);
  expect(read('alertmanagers: 5').problems).toHaveLength(1);
});
