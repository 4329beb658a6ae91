import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFreePort } from '#main/collector/port-owner.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';
import { until } from './until.ts';

/** A real Prometheus that writes here: what it answers itself is what must lie in the store, through a kill -9 of the engine. */
const nodeExporter = '/usr/bin/prometheus-node-exporter';
const prometheus = '/usr/bin/prometheus';
const missing = [nodeExporter, prometheus].filter((file) => !existsSync(file));
const folder = mkdtempSync(join(tmpdir(), 'faultline-write-'));
const children: ChildProcess[] = [];
const start = (command: string, args: readonly string[]): ChildProcess => {
  const child = spawn(command, args, { stdio: 'ignore', cwd: folder });
  children.push(child);
  return child;
};
interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
  readonly value: readonly [number, string];
}
const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

describe.skipIf(missing.length > 0)(
  `remote write by Debian's Prometheus${missing.length > 0 ? `: skipped, no ${missing.join(', ')}` : ''}`,
  () => {
    let faultline: FaultlineProcess;
    let url = '';
    /** Unix milliseconds. */
    let until1 = 0;
    const query = async (expr: string, atMs?: number): Promise<readonly Series[]> => {
      const time = atMs === undefined ? '' : `&time=${atMs / 1000}`;
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expr)}${time}`);
      return ((await answer.json()) as { data: { result: Series[] } }).data.result;
    };
    const scalar = async (expr: string): Promise<number> => Number((await query(expr))[0]?.value[1]);

    beforeAll(async () => {
      faultline = await startFaultline({ args: ['--no-ui'] });
      const exporterPort = (await findFreePort('127.0.0.1', 21_000 + (process.pid % 9_000))) as number;
      const prometheusPort = (await findFreePort('127.0.0.1', exporterPort)) as number;
      url = `http://127.0.0.1:${prometheusPort}`;
      const config = join(folder, 'prometheus.yml');
      writeFileSync(
        config,
        `global: {scrape_interval: 1s}
scrape_configs:
- job_name: node
  static_configs: [{targets: ["127.0.0.1:${exporterPort}"]}]
remote_write:
- url: ${faultline.ingest}/api/v1/write
  send_exemplars: true
  queue_config: {batch_send_deadline: 300ms, min_backoff: 50ms}
  metadata_config: {send_interval: 1s}
`,
      );
      const exporter = start(nodeExporter, [`--web.listen-address=127.0.0.1:${exporterPort}`]);
      start(prometheus, [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${prometheusPort}`,
      ]);
      const scrapes = (count: number) => async () => ((await scalar('count_over_time(up[5m])')) >= count ? true : null);
      await until('six scrapes', scrapes(6));
      const engine = faultline.pids()['engine'] as number;
      process.kill(engine, 'SIGKILL');
      await until('six more scrapes', scrapes(12));
      await until('another engine', async () => ((faultline.pids()['engine'] ?? engine) === engine ? null : true));
      exporter.kill('SIGKILL');
      await until('the target to be down', async () => ((await scalar('up')) === 0 ? true : null));
      until1 = Date.now();
      await until('everything to be sent', async () => {
        const metrics = await (await fetch(`${url}/metrics`)).text();
        const of = (name: string): number => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(metrics)?.[1]);
        expect(of('prometheus_remote_storage_samples_failed_total')).toBe(0);
        return of('prometheus_remote_storage_queue_highest_sent_timestamp_seconds') * 1000 > until1 ? true : null;
      });
      await faultline.flush();
    });
    afterAll(async () => {
      for (const child of children) child.kill('SIGKILL');
      await faultline?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('stores every sample of every series, with its time and bits', async () => {
      const theirs = new Map((await query('{job="node"}[5m]', until1)).map((series) => [keyOf(series.metric), series.values]));
      const rows =
        await faultline.sql(`SELECT metric, to_json(attributes)::VARCHAR AS labels, epoch_ms(time::TIMESTAMP)::DOUBLE AS at, value
      FROM samples JOIN series USING (series_id) WHERE flags = 0 AND epoch_ms(time::TIMESTAMP) <= ${until1} ORDER BY time`);
      const ours = new Map<string, (readonly [number, number])[]>();
      for (const { metric, labels, at, value } of rows) {
        const key = keyOf({ ...(JSON.parse(String(labels)) as Record<string, string>), __name__: String(metric) });
        ours.set(key, [...(ours.get(key) ?? []), [Number(at), Number(value)]]);
      }
      expect(theirs.size).toBeGreaterThan(300);
      expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
      for (const [key, values] of theirs) {
        const wanted = values.map(([seconds, value]) => [Math.round(seconds * 1000), Number(value.replace('Inf', 'Infinity'))]);
        expect(ours.get(key), key).toEqual(wanted);
      }
    });
    it('stores one stale marker for each series of the target that went away', async () => {
      const [row] =
        await faultline.sql(`SELECT count(*)::INTEGER AS stale, count(DISTINCT series_id)::INTEGER AS series, bool_and(isnan(value)) AS nan
      FROM samples WHERE flags = 1`);
      const { length } = await query('{job="node", __name__!~"up|scrape_.*"}[5m]', until1);
      expect(row).toEqual({ stale: length, series: length, nan: true });
    });
    it('shows the sender as a receiver, without refusals and drops', async () => {
      const { sources } = (await (await faultline.fetch('/console/sources')).json()) as { sources: { source: string }[] };
      expect(sources.find((each) => each.source === 'remote-write')).toMatchObject({
        kind: 'remote-write',
        state: 'receiving',
        refused: {},
        dropped: {},
      });
    });
  },
);
