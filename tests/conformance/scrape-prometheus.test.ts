import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { decodeScrape } from '#collectors/prometheus/decode-scrape.ts';
import { type Scraping, startScraping } from '#collectors/prometheus/scrape-manager.ts';
import { FAMILIES, PROTOBUF_TYPE } from '#collectors/prometheus/test-families.ts';
import type { ListColumn } from '#contracts/columns.ts';
import { BodyEncoding, type JournalEntry } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { findFreePort } from '#main/collector/port-owner.ts';

/** Debian's Prometheus and this collector scrape the same targets by the same file: same series, labels, values, `up` and figures. */
const prometheus = '/usr/bin/prometheus';
const missing = !existsSync(prometheus);
const folder = mkdtempSync(join(tmpdir(), 'faultline-scrapes-'));
const limits = limitsSchema.parse({});
const SCRAPES = 3;

const TEXT = 'text/plain; version=0.0.4';
const PLAIN = `# TYPE a counter
# HELP a Help.
a{instance="mine",job="own",x="1"} 1
a{x="2",exported_job="e"} 2
b_bucket{le="0.1"} 1
b_bucket{le="+Inf"} 3
b_sum 2.5
b_count 3
c NaN
d{x="Größe \\"q\\" \\\\ \\n"} +Inf
`;
/** How often somebody came, by sender and path: what changes does so for both alike. */
const visits = new Map<string, number>();
/** What each asked for and with which credentials: two jobs share a path. */
const asked = { theirs: new Set<string>(), ours: new Set<string>() };
function serve(request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '').split('?')[0] as string;
  const who = String(request.headers['user-agent']).startsWith('Prometheus') ? 'theirs' : 'ours';
  const visit = (visits.get(`${who} ${path}`) ?? 0) + 1;
  visits.set(`${who} ${path}`, visit);
  asked[who].add(`${request.url} ${request.headers.authorization ?? ''}`);
  const send = (body: string | Uint8Array, type = TEXT): void => void response.writeHead(200, { 'content-type': type }).end(body);
  const answers: Record<string, () => void> = {
    '/malformed': () => send('a 1\nb 2\nc{ 3\n'),
    '/missing': () => void response.writeHead(404).end(),
    '/redirect': () => void response.writeHead(302, { location: '/plain' }).end(),
    '/changing': () => send(visit % 2 === 1 ? 'a 1\nb 1\n' : 'a 1\nc 1\n'),
    '/twice': () => send('a 1\na 2\nb 1\n'),
    '/stamped': () => send(`a 1 ${stampMs}\nb 2\n`),
    '/openmetrics': () =>
      send(
        '# TYPE r counter\nr_total{x="1"} 5 # {trace_id="t"} 1.0\nr_created{x="1"} 17\n# EOF\n',
        'application/openmetrics-text; version=1.0.0',
      ),
    '/cut': () => send('a 1\n', 'application/openmetrics-text; version=1.0.0'),
    '/proto': () => send(FAMILIES, PROTOBUF_TYPE),
    '/gzip': () =>
      void response.writeHead(200, { 'content-type': TEXT, 'content-encoding': 'gzip' }).end(gzipSync(PLAIN.replaceAll('b_', 'z_'))),
    '/targets': () =>
      void response
        .writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
        .end(JSON.stringify([{ targets: [address], labels: { rack: 'r7', __metrics_path__: '/plain' } }])),
    '/secret': () => (request.headers.authorization === undefined ? void response.writeHead(401).end() : send('a 1\n')),
  };
  (answers[path] ?? (() => send(PLAIN)))();
}
const stampMs = Date.now() - 5_000;
let address = '';
let server: Server;
let proxy: Server;
let proxied = 0;

const relabels = `
  - {source_labels: [__address__], regex: "(.*):(.*)", target_label: port_kind, replacement: "p\${1}"}
  - {source_labels: [env, zone], separator: "/", target_label: place}
  - {source_labels: [place], modulus: 8, target_label: shard, action: hashmod}
  - {regex: "__meta_kept_(.+)", action: labelmap}
  - {regex: "zo.e", action: labeldrop}
  - {source_labels: [env], target_label: upper, action: uppercase}
  - {source_labels: [env], target_label: __param_module}
  - {target_label: __param_extra, replacement: "a b"}
  - {source_labels: [env], target_label: env2, action: lowercase}
  - {source_labels: [env], target_label: gone, replacement: ""}`;
const metricRelabels = `
  - {source_labels: [__name__], regex: "b_.*", action: drop}
  - {source_labels: [__name__, x], separator: "@", regex: "a@(.)", target_label: y, replacement: "<$1>"}
  - {source_labels: [x], regex: "1", target_label: __name__, replacement: renamed}
  - {regex: "instance|job|x|y|__name__|exported_job|d", action: labelkeep}`;
const jobs = (): readonly (readonly [string, string])[] => [
  ['plain', ''],
  ['honor', 'honor_labels: true'],
  ['gzip', ''],
  ['malformed', ''],
  ['missing', ''],
  ['redirect', ''],
  ['changing', ''],
  ['twice', ''],
  ['stamped', ''],
  ['stamped2', 'metrics_path: /stamped\n  honor_timestamps: false'],
  ['openmetrics', ''],
  ['cut', ''],
  ['samples', 'sample_limit: 3'],
  ['labels', 'label_limit: 4'],
  ['labelname', 'label_name_length_limit: 9'],
  ['labelvalue', 'label_value_length_limit: 20'],
  ['bodysize', 'body_size_limit: 20B'],
  ['relabeled', `params: {module: [x, y], other: ["1"]}\n  relabel_configs:${relabels}`],
  ['metrics', `metric_relabel_configs:${metricRelabels}`],
  ['nameless', 'metric_relabel_configs:\n  - {regex: __name__, action: labeldrop}'],
  ['dropped', 'metric_relabel_configs:\n  - {regex: ".*", action: labeldrop}'],
  ['secret', 'basic_auth: {username: u, password: "p:w"}'],
  ['bearer', 'metrics_path: /secret\n  authorization: {credentials: tok}'],
  ['through', `proxy_url: http://127.0.0.1:${(proxy.address() as AddressInfo).port}`],
  ['proto', ''],
];
const yaml = (): string => `global: {scrape_interval: 1s, scrape_timeout: 900ms}
scrape_configs:
${jobs()
  .map(([job, extra]) => {
    const path = extra.includes('metrics_path') ? '' : `  metrics_path: /${job}\n`;
    const list = `  static_configs:\n  - {targets: ["${address}"], labels: {env: Prod, zone: z1, __meta_kept_rack: r1}}\n`;
    return `- job_name: ${job}\n${path}${list}${extra === '' ? '' : `  ${extra}\n`}`;
  })
  .join('')}
- job_name: listed
  http_sd_configs: [{url: "http://${address}/targets", refresh_interval: 1s}]
- job_name: filed
  metrics_path: /plain
  file_sd_configs: [{files: ["*.targets.json"], refresh_interval: 1s}]
- job_name: many
  target_limit: 1
  static_configs: [{targets: ["${address}", "localhost:${address.split(':')[1]}"]}]
`;

const NATIVE = /^(?:native|gauge|float)_seconds$/;
type Values = Map<string, unknown[]>;
const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** What Prometheus says of a histogram: count, sum, and the buckets that are not empty. */
interface Theirs {
  readonly metric: Readonly<Record<string, string>>;
  readonly values?: readonly (readonly [number, string])[];
  readonly histograms?: readonly (readonly [
    number,
    { count: string; sum: string; buckets?: readonly [number, string, string, string][] },
  ])[];
}
const round = (value: number): number => Number(value.toPrecision(10));
function theirValues(series: readonly Theirs[]): Values {
  return new Map(
    series.map(({ metric, values = [], histograms = [] }) => [
      keyOf(metric),
      [
        ...values.map(([, text]) => Number(text.replace('Inf', 'Infinity'))),
        ...histograms.map(([, { count, sum, buckets = [] }]) => ({
          count: Number(count),
          sum: Number(sum),
          buckets: buckets.map(([, low, high, each]) => [round(Number(low)), round(Number(high)), Number(each)]),
        })),
      ].slice(0, SCRAPES),
    ]),
  );
}

describe.skipIf(missing)(`scrapes beside Debian's Prometheus${missing ? ': skipped, it is not installed' : ''}`, () => {
  let theirs: Values;
  let ours: Values;
  let prober: ChildProcess;
  let scraping: Scraping;

  beforeAll(async () => {
    server = createServer(serve);
    proxy = createServer((request, response) => {
      proxied++;
      const onward = forward(request.url as string, { headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.end();
    });
    for (const each of [server, proxy]) await new Promise<void>((done) => each.listen(0, '127.0.0.1', done));
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(join(folder, 'x.targets.json'), JSON.stringify([{ targets: [address], labels: { rack: 'r9' } }]));
    writeFileSync(join(folder, 'theirs.yml'), yaml());
    writeFileSync(join(folder, 'ours.yml'), yaml().replace('{scrape_interval', '{scrape_native_histograms: true, scrape_interval'));
    const port = (await findFreePort('127.0.0.1', 23_000 + (process.pid % 9_000))) as number;
    prober = spawn(
      prometheus,
      [
        `--config.file=${join(folder, 'theirs.yml')}`,
        `--storage.tsdb.path=${join(folder, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=native-histograms',
      ],
      { stdio: 'ignore' },
    );
    const entries: JournalEntry[] = [];
    scraping = startScraping({
      configFile: join(folder, 'ours.yml'),
      limits,
      append: async (entry) => entries.push(entry),
    });
    const query = async (expr: string): Promise<readonly Theirs[]> => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`);
      return ((await answer.json()) as { data: { result: Theirs[] } }).data.result;
    };
    const perSource = (): Map<string, number> => {
      const counts = new Map<string, number>();
      for (const { source } of entries) counts.set(source, (counts.get(source) ?? 0) + 1);
      return counts;
    };
    const wanted = jobs().length + 4;
    for (let tries = 0; ; tries++) {
      await new Promise((done) => setTimeout(done, 250));
      const up = await query('up[1m]').catch(() => []);
      const enough = up.filter(({ values = [] }) => values.length >= SCRAPES).length;
      const own = [...perSource().values()].filter((count) => count >= SCRAPES).length;
      if (enough >= wanted && own >= wanted) break;
      if (tries > 80) throw new Error(`after 20 s: ${enough} and ${own} of ${wanted} targets were scraped ${SCRAPES} times`);
    }
    theirs = theirValues(await query('{job=~".+", __name__!="scrape_duration_seconds"}[1m]'));
    // One by one: 2.42 answers a range of several histogram series with the buckets of the last of them.
    for (const key of theirs.keys()) {
      const { __name__: name, ...labels } = Object.fromEntries(JSON.parse(key) as [string, string][]);
      if (labels['job'] !== 'proto' || !NATIVE.test(name as string)) continue;
      const selector = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      for (const [same, values] of theirValues(await query(`${name}{${selector.join(',')}}[1m]`)))
        if (same === key) theirs.set(key, values);
    }
    ours = decoded(entries);
  }, 40_000);
  afterAll(async () => {
    prober?.kill('SIGKILL');
    await scraping?.stop();
    server?.closeAllConnections();
    server?.close();
    proxy?.closeAllConnections();
    proxy?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('stores the same series', () => {
    expect(theirs.size).toBeGreaterThan(200);
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
  });
  it('stores the same values, histograms and figures about scrapes', () => {
    // What comes and goes was there once for sure; how often depends on when the test ended.
    const sure = (values: Values): Record<string, unknown> =>
      Object.fromEntries([...values].map(([key, list]) => [key, /"__name__","[bc]"\].*"changing"/.test(key) ? list.slice(0, 1) : list]));
    const [wanted, found] = [sure(theirs), sure(ours)];
    for (const key of Object.keys(wanted)) expect.soft({ key, values: found[key] }).toEqual({ key, values: wanted[key] });
  });
  it('asks with the same address and credentials', () => {
    expect(proxied).toBeGreaterThan(0);
    expect([...asked.ours].sort()).toEqual([...asked.theirs].sort());
    expect([...asked.theirs].filter((line) => line.startsWith('/secret')).sort()).toEqual(['/secret Basic dTpwOnc=', '/secret Bearer tok']);
  });
});

function decoded(entries: readonly JournalEntry[]): Values {
  const dictionary = new TestDictionary();
  const found: Values = new Map();
  const times = new Map<string, Set<bigint>>();
  const put = (id: number, time: bigint, value: unknown): void => {
    const row = dictionary.seriesRows[id];
    if (!row || row.metric === 'scrape_duration_seconds') return;
    const { keys, values } = row.attributes;
    const key = keyOf({ __name__: row.metric, ...Object.fromEntries(keys.map((name, i) => [name, values[i] as string])) });
    const seen = times.get(key) ?? new Set();
    times.set(key, seen);
    const list = found.get(key) ?? [];
    // The same sample in every scrape, as of a target with timestamps of its own, is one.
    if (!seen.has(time) && list.length < SCRAPES) list.push(value);
    seen.add(time);
    found.set(key, list);
  };
  entries.forEach((entry, position) => {
    const body = entry.encoding === BodyEncoding.gzip ? gunzipSync(entry.body) : entry.body;
    const { batches } = decodeScrape({ ...entry, body, position, next: position + 1 }, { dictionary, limits });
    for (const { table, columns, rows } of batches) {
      const data = (at: number): { readonly data: ArrayLike<number | bigint> } => columns[at] as never;
      if (table === 'samples') {
        for (let i = 0; i < rows; i++)
          if (!(Number(data(5).data[i]) & 1)) put(Number(data(0).data[i]), data(1).data[i] as bigint, data(2).data[i]);
      } else if (table === 'histograms') {
        const listAt = (at: number, row: number): number[] => {
          const { offsets, children } = columns[at] as ListColumn;
          return [...(children[0] as unknown as { data: BigUint64Array }).data.subarray(offsets[row], offsets[row + 1])].map(Number);
        };
        for (let i = 0; i < rows; i++) put(Number(data(0).data[i]), data(1).data[i] as bigint, histogramOf(data, listAt, i));
      }
    }
  });
  return found;
}
/** A row of `histograms` as Prometheus writes histograms, from the lowest bucket to the highest. */
function histogramOf(
  data: (at: number) => { readonly data: ArrayLike<number | bigint> },
  listAt: (at: number, row: number) => number[],
  row: number,
): unknown {
  const number = (at: number): number => Number(data(at).data[row]);
  const [scale, zeroCount, zeroThreshold, positiveOffset, negativeOffset] = [10, 11, 12, 13, 15].map(number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const bound = (index: number): number => round(2 ** (index * 2 ** -scale));
  const side = (offset: number, counts: readonly number[], sign: number): number[][] =>
    counts.flatMap((count, i) => (count > 0 ? [[bound(offset + i) * sign, bound(offset + i + 1) * sign, count]] : []));
  const negative = side(negativeOffset, listAt(16, row), -1)
    .map(([near, far, count]) => [far, near, count])
    .reverse();
  const zero = zeroCount > 0 ? [[-zeroThreshold, zeroThreshold, zeroCount]] : [];
  return { count: number(3), sum: number(4), buckets: [...negative, ...zero, ...side(positiveOffset, listAt(14, row), 1)] };
}
