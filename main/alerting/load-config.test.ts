import { describe, expect, it } from 'vitest';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import type { AlertmanagerConfig } from '#query/alerting/config.ts';
import { printConfigProblems, readConfig } from '#query/alerting/read-config.ts';
import { RouteTree } from '#query/alerting/routes.ts';
import { labelsOf } from '#query/promql/labels.ts';
import { loadConfig } from './load-config.ts';

function read(text: string): AlertmanagerConfig {
  const { config, problems } = readConfig(parseYaml(text));
  expect(problems).toEqual([]);
  return config as AlertmanagerConfig;
}
const problemOf = (text: string) => {
  const { problems } = readConfig(parseYaml(text));
  return problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
};
const ROUTE = 'route: {receiver: a}\n';

describe('alertmanager.yml', () => {
  it('fills in what global says, and keeps secrets to itself', () => {
    const config = read(`
global:
  resolve_timeout: 10m
  smtp_smarthost: 'mail.example:587'
  smtp_from: alerts@example
  smtp_auth_username: me
  smtp_auth_password: hunter2
  http_config: {proxy_from_environment: true, bearer_token: hunter2}
route: {receiver: a}
receivers:
- name: a
  email_configs:
  - {to: a@example, headers: {x-priority: '1'}}
  - {to: b@example, smarthost: '[::1]:25', require_tls: no, auth_password_file: /run/pw, send_resolved: true}
  webhook_configs:
  - {url: 'http://example/hunter2', max_alerts: 3, timeout: 1.5s}
  - {url_file: /run/url, http_config: {basic_auth: {username: u, password: hunter2}}}
  slack_configs: [{api_url: 'http://slack/hunter2', channel: '#a'}]
  desktop_configs: [{}]
  syslog_configs: [{address: 'log:514', transport: tcp, facility: local3}]
`);
    expect(config.global.resolveTimeoutMs).toBe(600_000);
    const [first, second, toMe, toOther, slack, desktop, syslog] = config.receivers[0]?.integrations ?? [];
    expect(first).toMatchObject({
      kind: 'webhook',
      index: 0,
      sendResolved: true,
      maxAlerts: 3,
      timeoutMs: 1500,
      http: { ignored: ['proxy_from_environment'] },
    });
    expect(second).toMatchObject({ index: 1, url: { value: null, file: '/run/url' }, http: { ignored: [], authorization: null } });
    expect(toMe).toMatchObject({
      ...{ kind: 'email', from: 'alerts@example', smarthost: { host: 'mail.example', port: 587 }, requireTls: true, sendResolved: false },
      ...{ authUsername: 'me', hello: 'localhost', headers: new Map([['X-Priority', '1']]) },
    });
    expect(toOther).toMatchObject({
      ...{ smarthost: { host: '::1', port: 25 }, requireTls: false, sendResolved: true },
      authPassword: { value: null, file: '/run/pw' },
    });
    expect(slack).toMatchObject({ kind: 'foreign', type: 'slack', sendResolved: false });
    expect(desktop).toMatchObject({ kind: 'desktop', sendResolved: true });
    expect(syslog).toMatchObject({ kind: 'syslog', host: 'log', port: 514, transport: 'tcp', facility: 19 });
    if (first?.kind !== 'webhook') throw new Error('no webhook');
    expect(first.url.value?.reveal()).toBe('http://example/hunter2');
    expect(`${JSON.stringify(config)}${String(first.url.value)}`).not.toContain('hunter2');
  });
  it('children have what they do not say, but for times of muting', () => {
    const { route } = read(`
route:
  receiver: a
  group_by: ['...']
  group_wait: 1s
  routes:
  - matchers: [x="1"]
    repeat_interval: 1h
    mute_time_intervals: [night]
    routes: [{receiver: b, group_by: [x]}]
receivers: [{name: a}, {name: b}]
time_intervals: [{name: night, time_intervals: [{times: [{start_time: '00:00', end_time: '06:00'}]}]}]
`);
    const [child] = route.routes;
    expect(child).toMatchObject({
      receiver: 'a',
      groupBy: 'all',
      groupWaitMs: 1000,
      groupIntervalMs: 300_000,
      repeatIntervalMs: 3_600_000,
    });
    expect(child?.routes[0]).toMatchObject({
      receiver: 'b',
      groupBy: ['x'],
      repeatIntervalMs: 3_600_000,
      muteTimeIntervals: [],
      key: '{}/{x="1"}/{}',
    });
  });
  it.each([
    ['', ['1:1: no route provided in config']],
    ['receivers: []', ['1:1: no routes provided']],
    ['route: {}', ['1:8: root route must specify a default receiver']],
    [`${ROUTE}receivers: [{name: b}]`, ['1:8: undefined receiver "a" used in route']],
    [
      `${ROUTE}nope: 1\nreceivers: [{name: a, nope: 2}]`,
      ['2:1: field nope not found in type config.plain', '3:23: field nope not found in type config.plain'],
    ],
    ['route:\n  receiver: a\n  group_wait: 5 minutes\n  nope: 1', ['3:15: not a valid duration string: "5 minutes"']],
    [`${ROUTE}receivers: [{name: a, webhook_configs: [{url: 'ftp://x'}]}]`, ['2:47: unsupported scheme "ftp" for URL']],
    ['route: {receiver: a', ['1:20: Flow map in block collection must be sufficiently indented and end with a }']],
    ['[]', ['1:1: cannot unmarshal !!seq into config.plain']],
  ])('%j: %j', (text, problems) => expect(problemOf(text)).toEqual(problems));
  it('a file that is not there is one with a problem', () => {
    const { config, problems } = loadConfig('/does/not/exist.yml');
    expect(config).toBeNull();
    expect(printConfigProblems(problems)).toContain('cannot be read: ENOENT');
  });
});
describe('hostile files', () => {
  it('routes nested too deep, and aliases that stand for millions, are refused', () => {
    const nested = `${'{receiver: a, routes: ['.repeat(60)}{receiver: a}${']}'.repeat(60)}`;
    expect(problemOf(`route: ${nested}\nreceivers: [{name: a}]`)).toEqual(['1:1158: nested more than 100 deep']);
    const lines = Array.from({ length: 9 }, (_, i) => `x${i + 1}: &x${i + 1} [${`*x${i},`.repeat(9)}]`);
    expect(problemOf(`x0: &x0 [a]\n${lines.join('\n')}\n${ROUTE}`)[0]).toContain('more than 300000 nodes');
    const many = `${ROUTE}receivers: [&a {name: a}]\ntemplates:\n${'- *t\n'.repeat(5000)}`.replace('*t', '&t x');
    expect(read(many).templates).toHaveLength(5000);
  });
  it('10,000 routes are read, and an alert asks few of them', () => {
    const routes = Array.from({ length: 10_000 }, (_, i) => `  - {match: {team: t${i}}, receiver: r${i % 7}}`).join('\n');
    const { route } = read(
      `route:\n  receiver: r0\n  routes:\n${routes}\nreceivers:\n${[0, 1, 2, 3, 4, 5, 6].map((i) => `- name: r${i}\n`).join('')}`,
    );
    let asked = 0;
    const counting = {
      ...route,
      routes: route.routes.map((each) => ({
        ...each,
        matchers: each.matchers.map((matcher) => ({
          ...matcher,
          matches: (value: string) => {
            asked++;
            return matcher.matches(value);
          },
        })),
      })),
    };
    const tree = new RouteTree(counting);
    const receivers = [0, 1, 9_999].flatMap((i) => tree.match(labelsOf([['team', `t${i}`]]))).map(({ receiver }) => receiver);
    expect(receivers).toEqual(['r0', 'r1', 'r3']);
    expect(tree.match(labelsOf([['team', 'nobody']]))[0]?.receiver).toBe('r0');
    expect(asked).toBe(3);
  });
});
