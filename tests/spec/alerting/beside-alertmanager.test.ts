import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import { Dispatcher, flushesUntil } from '#query/alerting/dispatcher.ts';
import { matcherOf } from '#query/alerting/matcher.ts';
import { readConfig } from '#query/alerting/read-config.ts';
import type { Silence } from '#query/alerting/silence.ts';
import { labelsOf } from '#query/promql/labels.ts';
import { generator } from './generate-config.ts';

/**
 * The dispatcher beside Debian's Alertmanager (0.25) in real time: random alerts for half a minute, the same webhooks at the same half second.
 * Takes that long, so only when asked: FAULTLINE_ALERTMANAGER=1, FAULTLINE_ALERTMANAGER_SEED=n.
 */
const isAsked = process.env['FAULTLINE_ALERTMANAGER'] === '1' && spawnSync('prometheus-alertmanager', ['--version']).error === undefined;
const SEED = Number(process.env['FAULTLINE_ALERTMANAGER_SEED'] ?? 1);
const SECONDS = 30;
/** Waits end half a second after alerts come, so that neither races the other; a repetition is no multiple of the interval for the same reason. */
const configFor = (port: number): string => `
global: {resolve_timeout: 5250ms}
route:
  receiver: all
  group_by: [group]
  group_wait: 1500ms
  group_interval: 2s
  repeat_interval: 5s
  routes:
  - {match: {team: a}, receiver: firing, continue: true}
  - {matchers: ['team=~"a|b"'], receiver: both, group_by: [group, kind], repeat_interval: 9s}
  - {match: {team: c}, group_by: ['...'], receiver: all}
inhibit_rules:
- {source_match: {kind: source}, target_match: {kind: target}, equal: [group]}
receivers:
- name: all
  webhook_configs: [{url: 'http://127.0.0.1:${port}/all/0'}]
- name: firing
  webhook_configs: [{url: 'http://127.0.0.1:${port}/firing/0', send_resolved: false}]
- name: both
  webhook_configs:
  - {url: 'http://127.0.0.1:${port}/both/0'}
  - {url: 'http://127.0.0.1:${port}/both/1', send_resolved: false}
`;
interface Post {
  readonly second: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Quarter past a second; null: resolve_timeout. */
  readonly endsAtMs: number | null;
}
function scenario(): { readonly posts: readonly Post[]; readonly silences: readonly Silence[] } {
  const random = generator(SEED);
  const int = (n: number): number => Math.floor(random() * n);
  const posts: Post[] = [];
  for (let g = 0; g < 8; g++) {
    const [group, team] = [`g${g}`, ['a', 'b', 'c', 'd'][g % 4] as string];
    // What an empty group tells next differs in 0.25, which keeps it for half a minute: one alert of each kind fires all the time.
    const kinds = random() < 0.5 ? ['target', 'x'] : ['target', 'x', 'source'];
    for (const kind of kinds)
      for (let second = 1 + int(4); second < SECONDS; second += 3)
        posts.push({ second, labels: { group, team, kind, id: 'always' }, endsAtMs: null });
    for (let i = 0; i < 6; i++) {
      const [second, life] = [2 + int(SECONDS - 8), 1 + int(8)];
      const labels = { group, team, kind: kinds[int(kinds.length)] as string, id: `i${i}` };
      posts.push({ second, labels, endsAtMs: random() < 0.5 ? null : (second + life) * 1000 + 250 });
      // Before the five seconds are over, or it would begin anew in a group that is empty.
      if (random() < 0.4) posts.push({ second: second + int(Math.min(life, 5)), labels, endsAtMs: (second + life) * 1000 + 250 });
    }
  }
  const silences = Array.from({ length: 3 }, (_, i): Silence => {
    const startsAtMs = (4 + int(12)) * 1000 + 250;
    const matchers = [matcherOf('id', '=', `i${i}`), matcherOf('team', '=~', 'a|b|d')];
    return {
      id: `s${i}`,
      matchers,
      startsAtMs,
      endsAtMs: startsAtMs + (3 + int(8)) * 1000,
      updatedAtMs: 0,
      createdBy: 'test',
      comment: 'test',
    };
  });
  return { posts: posts.sort((a, b) => a.second - b.second), silences };
}
const line = (atMs: number, to: string, group: string, alerts: readonly string[]): string =>
  `${(Math.floor(atMs / 500) / 2).toFixed(1)} ${to} ${group} ${[...alerts].sort().join(' ')}`;

function ours(text: string): string[] {
  const { posts, silences } = scenario();
  const { config } = readConfig(parseYaml(text));
  const dispatcher = new Dispatcher({ config: config as NonNullable<typeof config>, silences: () => silences });
  const said: string[] = [];
  const deliver = (untilMs: number): void => {
    for (const flush of flushesUntil(dispatcher, untilMs)) {
      for (const { integration, reason, alerts } of flush.deliveries)
        if (reason !== 'nothing-new' && alerts.length > 0) {
          const told = alerts.map(({ alert, status }) => `${alert.labels.values.join('/')}:${status}`);
          said.push(line(flush.atMs, `${flush.receiver}/${integration.index}`, flush.groupKey, told));
        }
      dispatcher.sent(flush);
    }
  };
  for (const { second, labels, endsAtMs } of posts) {
    deliver(second * 1000);
    const post = { labels: labelsOf(Object.entries(labels)), annotations: new Map(), startsAtMs: null, endsAtMs, generatorUrl: '' };
    dispatcher.put(post, second * 1000);
  }
  deliver(SECONDS * 1000);
  return said.sort();
}
async function theirs(folder: string, text: string, received: { atMs: number; to: string; body: string }[]): Promise<string[]> {
  writeFileSync(join(folder, 'am.yml'), text);
  const listen = `127.0.0.1:${await freePort()}`;
  const args = ['--config.file=am.yml', `--storage.path=${folder}/data`, '--cluster.listen-address=', `--web.listen-address=${listen}`];
  const child = spawn('prometheus-alertmanager', args, { cwd: folder, stdio: 'ignore' });
  try {
    const api = `http://${listen}/api/v2`;
    for (
      let i = 0;
      i < 100 &&
      !(await fetch(`${api}/status`)
        .then(({ ok }) => ok)
        .catch(() => false));
      i++
    )
      await sleep(100);
    const send = async (path: string, body: unknown): Promise<void> => {
      const { ok, status } = await fetch(`${api}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!ok) throw new Error(`${path}: ${status}`);
    };
    const { posts, silences } = scenario();
    const startMs = Math.ceil(Date.now() / 1000) * 1000 + 1000;
    const iso = (ms: number): string => new Date(startMs + ms).toISOString();
    for (const { matchers, startsAtMs, endsAtMs, createdBy, comment } of silences)
      await send('/silences', {
        matchers: matchers.map(({ name, value, operator }) => ({ name, value, isRegex: operator === '=~', isEqual: true })),
        ...{ startsAt: iso(startsAtMs), endsAt: iso(endsAtMs), createdBy, comment },
      });
    for (let second = 0; second < SECONDS; second++) {
      await sleep(startMs + second * 1000 - Date.now());
      const now = posts.filter((post) => post.second === second);
      if (now.length > 0)
        await send(
          '/alerts',
          now.map(({ labels, endsAtMs }) => ({ labels, ...(endsAtMs === null ? {} : { endsAt: iso(endsAtMs) }) })),
        );
    }
    await sleep(startMs + SECONDS * 1000 - Date.now());
    return received
      .filter(({ atMs }) => atMs - startMs < SECONDS * 1000)
      .map(({ atMs, to, body }) => {
        const { groupKey, alerts } = JSON.parse(body) as { groupKey: string; alerts: { status: string; labels: Record<string, string> }[] };
        const told = alerts.map(({ status, labels }) => `${labelsOf(Object.entries(labels)).values.join('/')}:${status}`);
        return line(atMs - startMs, to, groupKey, told);
      })
      .sort();
  } finally {
    child.kill();
  }
}
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
it.skipIf(!isAsked)(
  'the same webhooks at the same half second as from Alertmanager (skipped unless FAULTLINE_ALERTMANAGER=1)',
  async () => {
    const received: { atMs: number; to: string; body: string }[] = [];
    const server = createServer((request, response) => {
      const [atMs, parts] = [Date.now(), [] as Buffer[]];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        received.push({ atMs, to: (request.url as string).slice(1), body: Buffer.concat(parts).toString() });
        response.end();
      });
    });
    // A connection Node closes just when Alertmanager uses it again is a delivery half a second later.
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const folder = mkdtempSync(join(tmpdir(), 'faultline-alertmanager-'));
    try {
      const { port } = server.address() as AddressInfo;
      const text = configFor(port);
      const found = await theirs(folder, text, received);
      expect(found.length).toBeGreaterThan(60);
      expect(ours(text)).toEqual(found);
    } finally {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
