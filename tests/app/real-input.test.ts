import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFreePort } from '#main/collector/port-owner.ts';
import { extrapolatedRate } from '#query/rate.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';
import { hasNezha, readNezhaSpans, serviceOf, toOtlpJson } from './nezha.ts';
import { sleep, until } from './until.ts';

/** Programs that were not written here, talking to the real thing. */
const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'faultline-real-'));
const children: ChildProcess[] = [];
const start = (command: string, args: readonly string[]): ChildProcess => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], cwd: folder });
  children.push(child);
  return child;
};
// biome-ignore lint/suspicious/noExplicitAny: answers of another program
const json = async (url: string): Promise<any> => (await fetch(url)).json();
const nodeExporter = '/usr/bin/prometheus-node-exporter';
const prometheus = '/usr/bin/prometheus';
const haveBoth = existsSync(nodeExporter) && existsSync(prometheus);
let prometheusUrl = '';
let faultline: FaultlineProcess;
/** One console for all of them, as people have it; what must be scraped for a while is, while others send. */
beforeAll(async () => {
  const config = join(folder, 'prometheus.yml');
  if (haveBoth) {
    const exporterPort = (await findFreePort('127.0.0.1', 20_000 + (process.pid % 10_000))) as number;
    const prometheusPort = (await findFreePort('127.0.0.1', exporterPort)) as number;
    prometheusUrl = `http://127.0.0.1:${prometheusPort}`;
    writeFileSync(
      config,
      `global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: node\n  static_configs: [{targets: ["127.0.0.1:${exporterPort}"]}]\n`,
    );
    start(nodeExporter, [`--web.listen-address=127.0.0.1:${exporterPort}`]);
    start(prometheus, [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${prometheusPort}`,
    ]);
    // A first scrape of an exporter that does not listen yet would be one that found it down.
    await until('an exporter', async () => (await fetch(`http://127.0.0.1:${exporterPort}/metrics`)).ok);
  }
  faultline = await startFaultline({ args: ['--retention', 'off', ...(haveBoth ? ['--prometheus-config', config] : [])] });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await faultline?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('an application instrumented with the OpenTelemetry JavaScript SDK', () => {
  /** What its exporters had acknowledged, by service. */
  let sent: readonly { service: string; spans: number; logs: number; points: number; failed: number }[] = [];
  beforeAll(async () => {
    const app = start(process.execPath, [
      join(root, 'tests/sdk-app/app.ts'),
      '--ingest',
      faultline.ingest,
      '--grpc',
      faultline.otlpGrpc,
      '--rps',
      '20',
    ]);
    const lines = createInterface({ input: app.stdout as NodeJS.ReadableStream });
    await once(lines, 'line');
    await sleep(5000);
    app.kill('SIGTERM');
    const [last] = await once(lines, 'line');
    ({ sent } = JSON.parse(String(last)));
    await faultline.flush();
  });

  it('is received over gRPC, HTTP/protobuf and HTTP/JSON, as many of each as it was told', async () => {
    const count = async (table: string): Promise<Map<string, number>> => {
      const rows = await faultline.sql(`SELECT service, count(*)::INTEGER AS n FROM ${table} GROUP BY service`);
      return new Map(rows.map((row) => [String(row['service']), Number(row['n'])]));
    };
    const [spans, logs] = [await count('spans'), await count('logs')];
    const points = await count('(SELECT series_id FROM samples UNION ALL SELECT series_id FROM histograms) JOIN series USING (series_id)');
    const stored = sent.map(({ service }) => ({
      service,
      spans: spans.get(service),
      logs: logs.get(service) ?? 0,
      points: points.get(service),
      failed: 0,
    }));
    expect(stored).toEqual(sent);
    expect(sent.map(({ service }) => service).sort()).toEqual(['orders', 'reviews', 'stock', 'storefront']);
    for (const each of sent) expect(each.spans).toBeGreaterThan(20);
  });
  it('keeps every trace whole: each server span but the first has its client span', async () => {
    const [row] =
      await faultline.sql(`SELECT count(*)::INTEGER AS orphans FROM spans c LEFT JOIN spans p ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id
      WHERE c.parent_span_id IS NOT NULL AND p.span_id IS NULL`);
    expect(Number(row?.['orphans'])).toBe(0);
  });
  it('brings its metrics with type and unit', async () => {
    const rows = await faultline.sql("SELECT DISTINCT metric, type, unit FROM series WHERE source = 'otlp' ORDER BY metric");
    expect(rows).toContainEqual({ metric: 'http.server.request.duration', type: 'histogram', unit: 's' });
  });
  it('draws its service map', async () => {
    const response = await faultline.fetch(`/console/services?start=${Date.now() - 600_000}&end=${Date.now()}`);
    const { edges } = (await response.json()) as { edges: { from: string; to: string }[] };
    const pairs = edges.map((edge) => `${edge.from}>${edge.to}`).sort();
    expect(pairs).toEqual(['orders>stock', 'storefront>orders', 'storefront>reviews']);
  });
});

describe.skipIf(!haveBoth)("Debian's prometheus-node-exporter and prometheus (skipped without these packages)", () => {
  beforeAll(async () => {
    await until(
      'a prometheus with data',
      async () =>
        (await json(`${prometheusUrl}/api/v1/query?query=count_over_time(up[1m])`)).data.result[0]?.value[1] >= 12 ? true : null,
      40,
    );
    await faultline.flush();
  });

  it('is scraped: the same series as Prometheus has', async () => {
    const names = (await json(`${prometheusUrl}/api/v1/label/__name__/values`)).data as string[];
    const ours = (await faultline.sql("SELECT DISTINCT metric FROM series WHERE source = 'prometheus'")).map((row) =>
      String(row['metric']),
    );
    expect(names.filter((name) => !ours.includes(name))).toEqual([]);
    const [up] = await faultline.sql("SELECT min(value) AS up FROM samples JOIN series USING (series_id) WHERE metric = 'up'");
    expect(up?.['up']).toBe(1);
  });
  it("rate() of a scraped counter equals Prometheus' own answer on the same samples", async () => {
    const at = Math.floor(Date.now() / 1000) - 2;
    const query = async (expr: string) =>
      (await json(`${prometheusUrl}/api/v1/query?query=${encodeURIComponent(expr)}&time=${at}`)).data.result as {
        metric: Record<string, string>;
        values: [number, string][];
        value: [number, string];
      }[];
    const raw = await query('node_cpu_seconds_total[10s]');
    const rates = new Map(
      (await query('rate(node_cpu_seconds_total[10s])')).map((r) => [
        JSON.stringify({ ...r.metric, __name__: undefined }),
        Number(r.value[1]),
      ]),
    );
    expect(raw.length).toBeGreaterThan(8);
    for (const { metric, values } of raw) {
      const samples = values.map(([t, v]) => ({ timeMs: t * 1000, value: Number(v) }));
      const ours = extrapolatedRate(samples, at * 1000, 10_000);
      expect(ours).toBeCloseTo(rates.get(JSON.stringify({ ...metric, __name__: undefined })) as number, 12);
    }
  });
  it('and our own scrape of the same counter agrees within the difference of the scrape instants', async () => {
    const at = Date.now() - 2000;
    const response = await json(
      `${prometheusUrl}/api/v1/query?query=${encodeURIComponent('rate(node_time_seconds[10s])')}&time=${at / 1000}`,
    );
    const theirs = Number(response.data.result[0].value[1]);
    const [row] =
      await faultline.sql(`SELECT (max(value) - min(value)) / (epoch_ms(max(time)::TIMESTAMP) - epoch_ms(min(time)::TIMESTAMP)) * 1000 AS rate
      FROM samples JOIN series USING (series_id) WHERE metric = 'node_time_seconds'`);
    expect(Number(row?.['rate'])).toBeCloseTo(theirs, 1);
  });
});

describe.skipIf(!hasNezha)('the Nezha traces (skipped without ../shared/data)', () => {
  it('replayed as OTLP: every span arrives once and the edges are those of the data', async () => {
    const spans = await readNezhaSpans('2022-08-22-fault-trace.parquet', ['07_26', '07_27']);
    for (const body of toOtlpJson(spans, 2000)) {
      const response = await fetch(`${faultline.ingest}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect([response.status, await response.json()]).toEqual([200, {}]);
    }
    await faultline.flush();
    const [row] = await faultline.sql(
      "SELECT count(*)::INTEGER AS spans, count(DISTINCT trace_id)::INTEGER AS traces FROM spans WHERE start_time < TIMESTAMP '2023-01-01'",
    );
    expect(Number(row?.['spans'])).toBe(spans.length);
    const byId = new Map(spans.map((span) => [`${span.traceId}${span.spanId}`, span]));
    const expected = new Set(
      spans.flatMap((span) => {
        const parent = byId.get(`${span.traceId}${span.parentId}`);
        return parent && parent.pod !== span.pod && serviceOf(parent.pod) !== serviceOf(span.pod)
          ? [`${serviceOf(parent.pod)}>${serviceOf(span.pod)}`]
          : [];
      }),
    );
    const startMs = Number(BigInt(spans[0]?.startNs ?? 0) / 1_000_000n) - 60_000;
    const map = (await (await faultline.fetch(`/console/services?start=${startMs}&end=${startMs + 600_000}`)).json()) as {
      edges: { from: string; to: string }[];
    };
    expect(map.edges.map((edge) => `${edge.from}>${edge.to}`).sort()).toEqual([...expected].sort());
  });
});
