import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { routeTestSchema, routingSchema } from '#contracts/alert-routing.ts';
import { alertListSchema } from '#contracts/alert-rules.ts';
import { stateSchema } from '#contracts/console-api.ts';
import { findFreePort } from '#main/collector/port-owner.ts';
import { Alertmanagers } from '#main/engine/alerting/notify/alertmanagers.ts';
import { fingerprintOf } from '#query/alerting/alert.ts';
import { labelsOf } from '#query/promql/labels.ts';
import { openRig, type Rig, TOKEN } from './engine-rig.ts';
import { faultsOf, type Schema } from './openapi-faults.ts';
import { until } from './until.ts';

/** API v2 by Alertmanager's own document; words and status codes as Alertmanager 0.25 gave them to the same requests. */
interface Operation {
  readonly responses: Readonly<Record<string, { readonly schema?: Schema; readonly $ref?: string }>>;
}
const document = parse(readFileSync(join(import.meta.dirname, '../fixtures/alerting/api-v2.openapi.yaml'), 'utf8')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly responses: Readonly<Record<string, { readonly schema: Schema }>>;
};
const AMTOOL = '/usr/bin/amtool';
const hour = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'faultline-api-v2-'));
let rig: Rig;
beforeAll(async () => {
  const alertmanagerConfig = join(folder, 'alertmanager.yml');
  writeFileSync(
    alertmanagerConfig,
    `global: {smtp_auth_password: hidden}
route: {receiver: ops, group_by: [alertname], group_wait: 1s, routes: [{receiver: team, matchers: [team="a"]}]}
receivers: [{name: ops}, {name: team}]
inhibit_rules: [{source_matchers: [severity="page"], target_matchers: [severity="note"], equal: [alertname]}]
`,
  );
  rig = await openRig({ alertmanagerConfig, ui: false });
});
afterAll(async () => {
  await rig.close();
  rmSync(folder, { recursive: true, force: true });
});
/** Asks, and compares the answer's shape with what the document says of it. */
async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const init = body === undefined ? { method } : { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await rig.call(`/api/v2${path}`, init);
  const text = await answer.text();
  const said = text === '' ? undefined : (JSON.parse(text) as unknown);
  const known = (path.split('?')[0] as string).replace(/^\/silence\/.*/, '/silence/{silenceID}');
  const response = document.paths[known]?.[method.toLowerCase()]?.responses[String(answer.status)];
  const schema = response?.$ref ? document.responses[response.$ref.split('/').at(-1) as string]?.schema : response?.schema;
  // What its generated server says of a body that is none is an object, in Alertmanager too; the document does not name it.
  const isUnnamed = answer.status === 400 && typeof said === 'object';
  if (schema && !isUnnamed) expect({ path, faults: faultsOf(said, schema, document) }).toEqual({ path, faults: [] });
  return { status: answer.status, body: said };
}
const get = async (path: string): Promise<unknown> => (await call('GET', path)).body;
const silence = (more: object = {}): object => ({
  matchers: [{ name: 'host', value: 'b', isRegex: false }],
  startsAt: new Date(Date.now() - hour).toISOString(),
  endsAt: new Date(Date.now() + hour).toISOString(),
  ...{ createdBy: 'me', comment: 'why' },
  ...more,
});

describe("Alertmanager's API v2", () => {
  it('says what it is and whom it tells, and keeps secrets', async () => {
    expect(await get('/status')).toMatchObject({ cluster: { status: 'disabled' }, versionInfo: { version: expect.any(String) as string } });
    expect(JSON.stringify(await get('/status'))).not.toContain('hidden');
    expect(await get('/receivers')).toEqual([{ name: 'ops' }, { name: 'team' }]);
    expect((await rig.call('/api/v2/status', { headers: { authorization: 'Bearer wrong-token-000000' } })).status).toBe(401);
  });
  it('takes alerts and shows what becomes of them', async () => {
    const alerts = [
      { labels: { alertname: 'Down', host: 'a', severity: 'page', empty: '' }, annotations: { summary: 's' }, generatorURL: 'http://x/y' },
      { labels: { alertname: 'Down', host: 'b', severity: 'note' } },
      { labels: { alertname: 'Slow', host: 'b', team: 'a' }, startsAt: '2026-11-20T10:00:00.5+01:00' },
    ];
    expect(await call('POST', '/alerts', alerts)).toEqual({ status: 200, body: undefined });
    const [id] = [
      (
        (await call('POST', '/silences', silence({ matchers: [{ name: 'team', value: 'a|b', isRegex: true }] }))).body as {
          silenceID: string;
        }
      ).silenceID,
    ];
    const all = (await get('/alerts')) as {
      labels: Record<string, string>;
      fingerprint: string;
      status: object;
      receivers: object[];
      startsAt: string;
    }[];
    expect(all.map(({ fingerprint }) => fingerprint)).toEqual([...all.map(({ fingerprint }) => fingerprint)].sort());
    const of = (name: string, host: string) => all.find(({ labels }) => labels['alertname'] === name && labels['host'] === host);
    expect(of('Down', 'a')).toMatchObject({
      labels: { alertname: 'Down', host: 'a', severity: 'page' },
      status: { state: 'active', silencedBy: [], inhibitedBy: [] },
    });
    expect(of('Down', 'b')).toMatchObject({
      status: { state: 'suppressed', inhibitedBy: [of('Down', 'a')?.fingerprint] },
      receivers: [{ name: 'ops' }],
    });
    expect(of('Slow', 'b')).toMatchObject({
      ...{ status: { state: 'suppressed', silencedBy: [id] }, receivers: [{ name: 'team' }], startsAt: '2026-11-20T09:00:00.500Z' },
    });
    const names = async (query: string): Promise<string[]> =>
      ((await get(`/alerts?${query}`)) as { labels: Record<string, string> }[])
        .map(({ labels }) => `${labels['alertname']} ${labels['host']}`)
        .sort();
    expect(await names('active=false')).toEqual(['Down b', 'Slow b']);
    expect(await names('inhibited=false&silenced=false')).toEqual(['Down a']);
    expect(await names('filter=alertname%3D~%22Sl.*%22&filter=host!%3Da')).toEqual(['Slow b']);
    expect(await names('receiver=te.*')).toEqual(['Slow b']);
    expect(await names('receiver=te')).toEqual([]);
    const groups = (await get('/alerts/groups')) as { labels: object; receiver: object; alerts: object[] }[];
    expect(groups.map(({ labels, receiver, alerts: each }) => [labels, receiver, each.length])).toEqual([
      [{ alertname: 'Down' }, { name: 'ops' }, 2],
      [{ alertname: 'Slow' }, { name: 'team' }, 1],
    ]);
    expect(await get('/alerts/groups?receiver=team&silenced=false')).toEqual([]);
    await call('DELETE', `/silence/${id}`);
  });
  it('the Alerts page has posted alerts too, and the way labels would take', async () => {
    const { alerts } = alertListSchema.parse(await (await rig.call('/console/alerting/alerts')).json());
    expect(
      alerts.map(({ labels, state, rule, generatorUrl }) => [labels['alertname'], labels['host'], state, rule, generatorUrl]).sort(),
    ).toEqual([
      ['Down', 'a', 'firing', null, 'http://x/y'],
      ['Down', 'b', 'firing', null, ''],
      ['Slow', 'b', 'firing', null, ''],
    ]);
    const body = JSON.stringify({ labels: { alertname: 'X', team: 'a' } });
    const answer = await rig.call('/console/alerting/routing/test', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(routeTestSchema.parse(await answer.json())).toEqual({
      ...{ taken: [1], passed: [0], ends: [{ receiver: 'team', groupLabels: { alertname: 'X' } }], silencedBy: 0 },
    });
    const routing = routingSchema.parse(await (await rig.call('/console/alerting/routing')).json());
    expect(routing).toEqual({
      inhibitRules: [{ source: ['severity="page"'], target: ['severity="note"'], equal: ['alertname'] }],
      timeIntervals: [],
    });
    const { alerts: counted } = stateSchema.parse(await (await rig.call('/console/state')).json());
    expect(counted).toEqual({ firing: 3, pending: 0 });
  });
  it('silences are made, changed, replaced and ended', async () => {
    const made = await call('POST', '/silences', silence());
    const { silenceID: id } = made.body as { silenceID: string };
    const shown = (await get(`/silence/${id}`)) as { startsAt: string; status: object };
    expect(shown).toMatchObject({
      id,
      status: { state: 'active' },
      matchers: [{ name: 'host', value: 'b', isRegex: false, isEqual: true }],
    });
    // What is over cannot be silenced: it begins now.
    expect(Date.now() - Date.parse(shown.startsAt)).toBeLessThan(hour / 2);
    const longer = silence({ id, startsAt: shown.startsAt, endsAt: new Date(Date.now() + 2 * hour).toISOString(), comment: 'longer' });
    expect((await call('POST', '/silences', longer)).body).toEqual({ silenceID: id });
    const other = (await call('POST', '/silences', silence({ id, matchers: [{ name: 'host', value: 'c', isRegex: false }] }))).body as {
      silenceID: string;
    };
    expect(other.silenceID).not.toBe(id);
    expect(await get(`/silence/${id}`)).toMatchObject({ status: { state: 'expired' }, comment: 'longer' });
    const later = (await call('POST', '/silences', silence({ startsAt: new Date(Date.now() + hour / 2).toISOString() }))).body as {
      silenceID: string;
    };
    const states = async (query: string): Promise<string[]> =>
      ((await get(`/silences?${query}`)) as { id: string; status: { state: string } }[]).map(({ status }) => status.state);
    expect(await states('')).toEqual(['active', 'pending', 'expired', 'expired']);
    expect(await states('expired=false&pending=false')).toEqual(['active']);
    expect(await states('filter=host%3Dc')).toEqual(['active']);
    expect((await call('DELETE', `/silence/${later.silenceID}`)).status).toBe(200);
    expect((await call('DELETE', `/silence/${later.silenceID}`)).status).toBe(200);
    expect(await states('pending=true&active=false&expired=false')).toEqual([]);
  });
  it.each<[string, string, string, unknown, number, unknown]>([
    ['a filter that is none', 'GET', '/alerts?filter=foo', undefined, 400, 'bad matcher format: foo'],
    ['no comment', 'POST', '/silences', {}, 422, { code: 602, message: 'comment in body is required' }],
    [
      'no matchers',
      'POST',
      '/silences',
      silence({ matchers: [] }),
      422,
      { code: 612, message: 'matchers in body should have at least 1 items' },
    ],
    [
      'an end before the beginning',
      ...(['POST', '/silences', silence({ endsAt: '2020-01-01T00:00:00Z' })] as const),
      ...([400, 'Failed to create silence: start time must be before end time'] as const),
    ],
    [
      'an end in the past',
      ...(['POST', '/silences', silence({ startsAt: '2019-01-01T00:00:00Z', endsAt: '2020-01-01T00:00:00Z' })] as const),
      ...([400, "Failed to create silence: end time can't be in the past"] as const),
    ],
    [
      'a silence of everything',
      ...(['POST', '/silences', silence({ matchers: [{ name: 'a', value: '', isRegex: false }] })] as const),
      ...([400, 'silence invalid: at least one matcher must not match the empty string'] as const),
    ],
    ['a silence that is not there', 'POST', '/silences', silence({ id: 'nope' }), 404, 'silence not found'],
    [
      'an id that is none',
      'GET',
      '/silence/nope',
      undefined,
      422,
      { code: 601, message: 'silenceID in path must be of type uuid: "nope"' },
    ],
    ['alerts that are no list', 'POST', '/alerts', {}, 400, expect.objectContaining({ code: 400 })],
    ['an alert without labels', 'POST', '/alerts', [{}], 422, { code: 602, message: '0.labels in body is required' }],
    ['only empty labels', 'POST', '/alerts', [{ labels: { a: '' } }], 400, 'at least one label pair required'],
    [
      'a text for a time',
      ...(['POST', '/alerts', [{ labels: { a: 'b' }, endsAt: 'soon' }]] as const),
      ...([400, expect.objectContaining({ message: expect.stringContaining('parsing time "soon"') as string })] as const),
    ],
    [
      'an end before the beginning of an alert',
      ...(['POST', '/alerts', [{ labels: { a: 'x' }, startsAt: '2026-11-23T00:00:00Z', endsAt: '2026-11-22T00:00:00Z' }]] as const),
      ...([400, 'start time must be before end time'] as const),
    ],
    ['an unknown path', 'GET', '/nothing', undefined, 404, { code: 404, message: 'path /api/v2/nothing was not found' }],
  ])('refuses %s', async (_, method, path, body, status, says) => expect(await call(method, path, body)).toEqual({ status, body: says }));
});

describe.skipIf(!existsSync(AMTOOL))(`with Debian's amtool${existsSync(AMTOOL) ? '' : `: skipped, no ${AMTOOL}`}`, () => {
  /** Faults go to stderr, and to a code other than 0. */
  const amtool = (...args: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const http = join(folder, 'http.yml');
      writeFileSync(http, `authorization: {credentials: ${TOKEN}}\n`);
      const all = ['--alertmanager.url', rig.running.url, '--http.config.file', http, ...args];
      execFile(AMTOOL, all, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
    });
  it('alerts and silences are asked for, made and ended', async () => {
    await amtool('alert', 'add', 'alertname=FromAmtool', 'host=z', '--annotation=summary=x');
    const found = JSON.parse(await amtool('alert', 'query', 'alertname=FromAmtool', '-o', 'json')) as object[];
    expect(found).toMatchObject([{ labels: { alertname: 'FromAmtool', host: 'z' }, status: { state: 'active' } }]);
    const id = (await amtool('silence', 'add', 'host=~z+', 'alertname!=Other', '--comment=c', '--author=a', '--duration=1h')).trim();
    expect(JSON.parse(await amtool('silence', 'query', 'host=z+', '-o', 'json'))).toMatchObject([
      { id, createdBy: 'a', comment: 'c', status: { state: 'active' }, matchers: [{ name: 'host', isRegex: true }, { isEqual: false }] },
    ]);
    expect(JSON.parse(await amtool('alert', 'query', '--silenced', 'alertname=FromAmtool', '-o', 'json'))).toMatchObject([
      { status: { state: 'suppressed', silencedBy: [id] } },
    ]);
    await amtool('silence', 'expire', id);
    expect(JSON.parse(await amtool('silence', 'query', '--expired', '-o', 'json'))).toContainEqual(
      expect.objectContaining({ id, status: { state: 'expired' } }),
    );
    await expect(amtool('silence', 'expire', '11111111-1111-1111-1111-111111111111')).rejects.toThrow(/404|not found/i);
  });
});

const ALERTMANAGER = '/usr/bin/prometheus-alertmanager';
const absent = existsSync(ALERTMANAGER) ? '' : `: skipped, no ${ALERTMANAGER}`;
describe.skipIf(absent !== '')(`sending on to Debian's Alertmanager${absent}`, () => {
  let theirs: ChildProcess;
  let url = '';
  beforeAll(async () => {
    const port = (await findFreePort('127.0.0.1', 32_000 + (process.pid % 9_000))) as number;
    url = `http://127.0.0.1:${port}`;
    const config = join(folder, 'theirs.yml');
    // What a file of ours holds, theirs can hold: the desktop stands in our own configuration.
    writeFileSync(config, 'route: {receiver: desktop}\nreceivers: [{name: desktop}]\n');
    const args = ['--config.file', config, '--storage.path', join(folder, 'theirs'), '--cluster.listen-address='];
    theirs = spawn(ALERTMANAGER, [...args, '--web.listen-address', `127.0.0.1:${port}`], { stdio: 'ignore' });
    await until('Alertmanager is ready', async () => (await fetch(`${url}/-/ready`)).ok);
  });
  afterAll(() => void theirs.kill());
  it('it has the alerts rules tell of, and lets go what resolved; one that is not there is told of', async () => {
    const lines: string[] = [];
    const alertmanagers = new Alertmanagers({ version: '1', nowMs: Date.now, log: (line) => lines.push(line) });
    const dead = 'http://127.0.0.1:1';
    alertmanagers.set(
      [url, dead].map((each) => ({ url: each, timeoutMs: 5_000, http: null })),
      folder,
    );
    const labels = labelsOf(Object.entries({ alertname: 'Sent', host: 'ä' }));
    const word = {
      labels,
      annotations: new Map([['summary', 's']]),
      startsAtMs: Date.now() - 60_000,
      generatorUrl: 'http://console/graph',
    };
    const shown = async (): Promise<object[]> => (await (await fetch(`${url}/api/v2/alerts`)).json()) as object[];
    alertmanagers.send([{ ...word, endsAtMs: Date.now() + hour }]);
    const holds = async (count: number): Promise<object[] | null> => {
      const alerts = await shown();
      return alerts.length === count ? alerts : null;
    };
    expect(await until('it has the alert', () => holds(1))).toMatchObject([
      {
        ...{ fingerprint: fingerprintOf(labels), labels: { alertname: 'Sent', host: 'ä' }, annotations: { summary: 's' } },
        ...{ startsAt: new Date(word.startsAtMs).toISOString(), generatorURL: 'http://console/graph' },
      },
    ]);
    alertmanagers.send([{ ...word, endsAtMs: Date.now() - 1 }]);
    await until('it has let it go', () => holds(0));
    await until('both have been asked', () => {
      const [first, second] = alertmanagers.views();
      return first?.sent === 2 && second?.dropped === 2;
    });
    expect(alertmanagers.views()).toMatchObject([
      { url, health: 'ok', errors: 0, queued: 0 },
      { url: dead, health: 'failing', sent: 0, errors: 2, lastError: 'nothing listens at 127.0.0.1:1' },
    ]);
    expect(lines).toEqual([`alerts cannot be sent to ${dead}: nothing listens at 127.0.0.1:1`]);
    expect(alertmanagers.egressBytes).toBeGreaterThan(0);
    await alertmanagers.stop();
  });
});
