import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { AlertTrace, Delivery } from '#contracts/alerting.ts';
import { fingerprintOf, type PostedAlert } from '#query/alerting/alert.ts';
import { labelsOf } from '#query/promql/labels.ts';
import { TestStore } from '../../../../store/test-store.ts';
import { Notifier } from './notifier.ts';
import { traceAlert } from './trace-alert.ts';

/** A receiver as somebody runs one. */
interface Hook {
  readonly bodies: { status: string; alerts: { status: string; labels: Record<string, string> }[] }[];
  readonly requests: IncomingMessage['headers'][];
  /** Status of answers to come; then 200. */
  answers: number[];
}
const folder = mkdtempSync(join(tmpdir(), 'faultline-notifier-'));
const hook: Hook = { bodies: [], requests: [], answers: [] };
let server: Server;
let t: TestStore;
let notifier: Notifier;
let nowMs = 0;
const lines: string[] = [];
const [SECOND, MINUTE] = [1_000, 60_000];
const file = join(folder, 'alertmanager.yml');
let written = 1;
function configure(more = '', hookMore = ''): void {
  const { port } = server.address() as AddressInfo;
  writeFileSync(
    file,
    `route: {receiver: ops, group_by: [alertname], group_wait: 10s, group_interval: 1m, repeat_interval: 1h}
receivers:
- name: ops
  webhook_configs: [{url: 'http://127.0.0.1:${port}/hook?token=hidden', http_config: {authorization: {credentials: s3cret}}${hookMore}}]
${more}`,
  );
  utimesSync(file, written, written++);
}
const start = async (): Promise<void> => {
  notifier = new Notifier({
    store: t.store.alerting,
    config: { file, receivers: new Map() },
    version: '1',
    externalUrl: () => 'http://console',
    nowMs: () => nowMs,
    log: (line) => lines.push(line),
    // The shortest pauses: half of half a second.
    random: () => 0,
  });
  await notifier.start();
};
beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      hook.requests.push(request.headers);
      const status = hook.answers.shift() ?? 200;
      if (status === 200) hook.bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
      response.writeHead(status).end(status === 200 ? '' : 'not now');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t = new TestStore();
  nowMs = t.nowMs;
  await t.open();
});
beforeEach(async () => {
  Object.assign(hook, { bodies: [], requests: [], answers: [] });
  lines.length = 0;
  // What the test before left is long over.
  nowMs += 100 * 24 * 60 * MINUTE;
  await t.store.alerting.prune(nowMs);
  configure();
  await start();
});
afterEach(() => notifier.stop());
afterAll(async () => {
  await t.end();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
const alert = (labels: Record<string, string>, endsInMs: number | null = 10 * MINUTE): PostedAlert => ({
  labels: labelsOf(Object.entries({ alertname: 'Down', ...labels })),
  annotations: new Map([['summary', 'it is down']]),
  startsAtMs: nowMs,
  endsAtMs: endsInMs === null ? null : nowMs + endsInMs,
  generatorUrl: '',
});
/** The clock moves on, what is due is done. */
async function pass(ms: number): Promise<void> {
  nowMs += ms;
  notifier.turn();
  while (notifier.deliverer.waiting > 0) await new Promise((done) => setTimeout(done, 5));
}
const told = (): string[] => hook.bodies.map(({ alerts }) => alerts.map(({ status, labels }) => `${labels['host']} ${status}`).join(', '));
const log = async (): Promise<readonly Delivery[]> => notifier.book.list({ limit: 50 });
const trace = (labels: Record<string, string>): Promise<AlertTrace> =>
  traceAlert(notifier, fingerprintOf(labelsOf(Object.entries({ alertname: 'Down', ...labels }))), null, nowMs);

it('tells of an alert once its group has waited, again when it repeats, and of its end', async () => {
  notifier.receive([alert({ host: 'a' }, 3 * 60 * MINUTE), alert({ host: 'b' }, 3 * 60 * MINUTE)], 'api');
  await pass(9 * SECOND);
  expect(told()).toEqual([]);
  await pass(SECOND);
  expect(told()).toEqual(['a firing, b firing']);
  expect(hook.requests[0]).toMatchObject({
    authorization: 'Bearer s3cret',
    'content-type': 'application/json',
    'user-agent': 'Faultline/1',
  });
  for (let i = 0; i < 60; i++) await pass(MINUTE);
  expect(told()).toHaveLength(2);
  notifier.receive([{ ...alert({ host: 'a' }), endsAtMs: nowMs }], 'api');
  await pass(MINUTE);
  expect(told()[2]).toBe('a resolved, b firing');
  const all = await log();
  expect(all.map(({ reason, outcome, times }) => [reason, outcome, times])).toEqual([
    ['resolved', 'sent', 1],
    ['repeat', 'sent', 1],
    ['nothing-new', 'silent', 59],
    ['first', 'sent', 1],
  ]);
  // Where it went, without what is a secret.
  const [target] = all[0]?.targets ?? [];
  expect(target).toMatchObject({ name: 'webhook[0]', to: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, attemptCount: 1 });
  expect(target?.attempts).toEqual([{ atMs: nowMs, ms: expect.any(Number) as number, ok: true, status: 200, error: '' }]);
  expect((await trace({ host: 'b' })).routes).toMatchObject([{ receiver: 'ops', verdict: 'sent', groupLabels: { alertname: 'Down' } }]);
  expect((await trace({ host: 'a' })).routes[0]).toMatchObject({ verdict: 'resolved_told', verdictMs: nowMs });
});
it('tries again after 5xx and 429, not after 4xx, and says what was answered', async () => {
  hook.answers = [503, 429];
  notifier.receive([alert({ host: 'a' })], 'api');
  await pass(10 * SECOND);
  expect(told()).toEqual(['a firing']);
  expect((await log())[0]?.targets[0]?.attempts.map(({ status, error }) => [status, error])).toEqual([
    [503, 'HTTP 503: not now'],
    [429, 'HTTP 429: not now'],
    [200, ''],
  ]);
  hook.answers = [400];
  notifier.receive([alert({ host: 'b' })], 'api');
  await pass(MINUTE);
  expect((await log())[0]).toMatchObject({ outcome: 'failed', targets: [{ outcome: 'failed', attemptCount: 1, nextMs: null }] });
  expect((await trace({ host: 'b' })).routes[0]?.verdict).toBe('failed');
  // What was not told is told at the group's next turn.
  await pass(MINUTE);
  expect(told()[1]).toBe('a firing, b firing');
  expect([notifier.deliverer.sent, notifier.deliverer.failed, notifier.deliverer.retries]).toEqual([2, 1, 2]);
});
it('a restart tells nothing twice, goes on with what was told, and ends what nobody speaks of any more', async () => {
  notifier.receive([alert({ host: 'a' })], 'api');
  await pass(10 * SECOND);
  await notifier.stop();
  await t.reopen();
  await start();
  expect((await trace({ host: 'a' })).routes[0]?.verdict).toBe('sent');
  for (let i = 0; i < 4; i++) await pass(MINUTE);
  expect(told()).toEqual(['a firing']);
  for (let i = 0; i < 8; i++) await pass(MINUTE);
  expect(told()).toEqual(['a firing', 'a resolved']);
});
it('a silence holds back, also after a restart, and the log says which', async () => {
  const id = await notifier.silences.set({
    ...{ id: '', matchers: [{ name: 'host', value: 'a', isRegex: false, isEqual: true }], comment: 'known', createdBy: 'me' },
    ...{ startsAtMs: nowMs, endsAtMs: nowMs + 5 * MINUTE },
  });
  await notifier.stop();
  await t.reopen();
  await start();
  notifier.receive([alert({ host: 'a' }, 60 * MINUTE)], 'api');
  await pass(10 * SECOND);
  expect((await log())[0]).toMatchObject({
    outcome: 'silent',
    why: 'silenced',
    suppressed: [{ by: 'silence', id, labels: { host: 'a' } }],
  });
  expect((await trace({ host: 'a' })).routes[0]).toMatchObject({ verdict: 'silenced', silencedBy: [{ id, comment: 'known' }] });
  for (let i = 0; i < 6; i++) await pass(MINUTE);
  expect(told()).toEqual(['a firing']);
  expect((await log()).map(({ why, times }) => [why, times]).at(-1)).toEqual(['silenced', 5]);
});
it('inhibition, times and receivers without an integration are told of', async () => {
  configure(`- name: nobody
- name: night
  webhook_configs: [{url: 'http://127.0.0.1:1/'}]
inhibit_rules: [{source_matchers: [host="a"], target_matchers: [host="b"]}]
time_intervals: [{name: always, time_intervals: [{months: ['1:12']}]}]
`);
  const { port } = server.address() as AddressInfo;
  expect(port).toBeGreaterThan(0);
  const text = `route:
  receiver: ops
  group_by: [host]
  group_wait: 10s
  routes:
  - {matchers: [host="c"], receiver: nobody}
  - {matchers: [host="d"], receiver: night, mute_time_intervals: [always]}
`;
  const { readFileSync } = await import('node:fs');
  writeFileSync(file, text + readFileSync(file, 'utf8').split('\n').slice(1).join('\n'));
  await pass(6 * SECOND);
  expect(notifier.config.problems).toEqual([]);
  notifier.receive(
    ['a', 'b', 'c', 'd'].map((host) => alert({ host })),
    'api',
  );
  await pass(10 * SECOND);
  const why = new Map((await log()).map(({ groupLabels, why: said }) => [groupLabels['host'], said]));
  expect(Object.fromEntries(why)).toEqual({ a: null, b: 'inhibited', c: 'no_integration', d: 'muted' });
  expect((await trace({ host: 'b' })).routes[0]).toMatchObject({ verdict: 'inhibited', inhibitedBy: [{ labels: { host: 'a' } }] });
  expect((await trace({ host: 'c' })).routes[0]?.verdict).toBe('no_integration');
  expect((await trace({ host: 'd' })).routes[0]).toMatchObject({ verdict: 'muted', mutedBy: ['always'], path: ['{}', '{host="d"}'] });
});
it('a changed configuration is taken over, one with a fault is told of and changes nothing', async () => {
  notifier.receive([alert({ host: 'a' })], 'api');
  await pass(10 * SECOND);
  writeFileSync(file, 'route: {receiver: ops}\nreceivers: []\n');
  await pass(6 * SECOND);
  expect(notifier.config.problems).toMatchObject([{ message: expect.stringContaining('ops') as string }]);
  expect(lines.at(-1)).toMatch(/alertmanager.yml:\d+: .*the one before it holds/);
  notifier.receive([alert({ host: 'b' })], 'api');
  await pass(MINUTE);
  expect(told()).toEqual(['a firing', 'a firing, b firing']);
  configure('', ', send_resolved: false');
  await pass(6 * SECOND);
  expect(notifier.config.problems).toEqual([]);
  notifier.receive(
    [
      { ...alert({ host: 'a' }), endsAtMs: nowMs },
      { ...alert({ host: 'b' }), endsAtMs: nowMs },
    ],
    'api',
  );
  await pass(2 * MINUTE);
  expect(told()).toHaveLength(2);
  expect((await log())[0]).toMatchObject({ why: 'no_resolved', resolved: 2 });
  expect(notifier.config.text).not.toMatch(/s3cret|hidden/);
});
it('without a file the desktop is told', async () => {
  await notifier.stop();
  notifier = new Notifier({
    ...{ store: t.store.alerting, config: { file: null, receivers: new Map() }, version: '1', externalUrl: () => '' },
    ...{ nowMs: () => nowMs, log: (line: string) => lines.push(line) },
  });
  await notifier.start();
  notifier.receive([alert({ host: 'a', severity: 'page' })], 'rules');
  await pass(30 * SECOND);
  expect(notifier.notices.list()).toMatchObject([
    { kind: 'desktop', status: 'firing', title: '[FIRING:1] Down (a page)', body: 'it is down', severity: 'page' },
  ]);
});
