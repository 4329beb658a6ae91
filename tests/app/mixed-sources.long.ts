/**
 * Thirty minutes of what real programs send, side by side: an application with the OpenTelemetry JavaScript SDK (gRPC, HTTP/protobuf,
 * HTTP/JSON), Debian's Prometheus that scrapes node-exporter and writes remotely, syslog of `logger` over TCP and UDP, and a file that is
 * written, rotated and truncated. Then every count must be equal on both sides. Real time: not part of `npm test`.
 *
 *   node tests/app/mixed-sources.long.ts [MINUTES]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { findFreePort } from '#main/collector/port-owner.ts';
import { cpuSecondsOf, rssBytesOf, startFaultline } from './faultline-process.ts';
import { sleep, until } from './until.ts';

const minutes = Number(process.argv[2] ?? 30);
const programs = ['/usr/bin/prometheus', '/usr/bin/prometheus-node-exporter', '/usr/bin/logger'];
const missing = programs.filter((file) => !existsSync(file));
if (missing.length > 0 || !(minutes > 0)) {
  process.stderr.write(
    missing.length > 0 ? `Not run: no ${missing.join(', ')} (Debian's packages).\n` : 'MINUTES must be a number above 0.\n',
  );
  process.exit(2);
}

const startedMs = Date.now();
const say = (line: string): void => void process.stdout.write(`${((Date.now() - startedMs) / 1000).toFixed(0).padStart(5)} s  ${line}\n`);

const folder = mkdtempSync(join(tmpdir(), 'faultline-mixed-'));
const children: ChildProcess[] = [];
const start = (command: string, args: readonly string[], stdio: 'ignore' | 'pipe' = 'ignore'): ChildProcess => {
  const child = spawn(command, args, { cwd: folder, stdio: [stdio, stdio, 'ignore'] });
  children.push(child);
  return child;
};
let port = 20_000 + (process.pid % 9_000);
const freePort = async (): Promise<number> => {
  port = (await findFreePort('127.0.0.1', port + 1)) as number;
  return port;
};

const syslogPort = await freePort();
const tailed = join(folder, 'shop.log');
writeFileSync(tailed, '');
const faultline = await startFaultline({
  args: ['--no-ui', '--syslog', `127.0.0.1:${syslogPort}`, '--tail', tailed, '--tail-service', 'tailed'],
});
const count = async (sql: string): Promise<number> => Number((await faultline.sql(`SELECT count(*)::DOUBLE AS n FROM ${sql}`))[0]?.['n']);

/** The SDK application; at its end it says what was acknowledged. */
const app = start(
  process.execPath,
  [join(import.meta.dirname, '../sdk-app/app.ts'), '--ingest', faultline.ingest, '--grpc', faultline.otlpGrpc, '--rps', '20'],
  'pipe',
);
const appSays: Interface = createInterface({ input: app.stdout as NodeJS.ReadableStream });
await once(appSays, 'line');

/** Prometheus; it answers itself what it scraped. */
const exporterPort = await freePort();
const prometheusPort = await freePort();
const prometheusUrl = `http://127.0.0.1:${prometheusPort}`;
writeFileSync(
  join(folder, 'prometheus.yml'),
  `global: {scrape_interval: 5s}
scrape_configs:
- job_name: node
  static_configs: [{targets: ["127.0.0.1:${exporterPort}"]}]
remote_write:
- url: ${faultline.ingest}/api/v1/write
  queue_config: {batch_send_deadline: 300ms, min_backoff: 50ms}
`,
);
const exporter = start('/usr/bin/prometheus-node-exporter', [`--web.listen-address=127.0.0.1:${exporterPort}`]);
start('/usr/bin/prometheus', [
  '--config.file=prometheus.yml',
  '--storage.tsdb.path=tsdb',
  `--web.listen-address=127.0.0.1:${prometheusPort}`,
]);
interface Found {
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}
const ask = async (expr: string, atMs: number): Promise<readonly Found[]> => {
  const answer = await fetch(`${prometheusUrl}/api/v1/query?query=${encodeURIComponent(expr)}&time=${atMs / 1000}`);
  const { data, error } = (await answer.json()) as { data?: { result: Found[] }; error?: string };
  if (!data) throw new Error(`Prometheus cannot answer ${expr}: ${error}`);
  return data.result;
};
const metricOf = async (name: string): Promise<number> => {
  const text = await (await fetch(`${prometheusUrl}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
};

/** Lines of `logger` and of the file, until `stopped`. */
const lines = { tcp: 0, udp: 0, file: 0 };
let stopped = false;
const LINES_A_TURN = 20;
const TURN_MS = 500;
function logTurn(transport: 'tcp' | 'udp'): void {
  const text = Array.from(
    { length: LINES_A_TURN },
    (_, i) => `request ${lines[transport] + i} of ${transport} took ${(i * 7) % 90} ms`,
  ).join('\n');
  const to = [`--${transport}`, '--server', '127.0.0.1', '--port', String(syslogPort), '--rfc5424', '--tag', `logger-${transport}`];
  // logger has no acknowledgement: one that could not connect says so by its exit and is told again.
  execFileSync('/usr/bin/logger', to, { input: `${text}\n` });
  lines[transport] += LINES_A_TURN;
}
async function writeLogs(transport: 'tcp' | 'udp'): Promise<void> {
  for (; !stopped; await sleep(TURN_MS)) {
    try {
      logTurn(transport);
    } catch {
      await sleep(200);
    }
  }
}
async function writeFile(): Promise<void> {
  for (let turn = 1; !stopped; turn++, await sleep(TURN_MS)) {
    appendFileSync(tailed, Array.from({ length: LINES_A_TURN }, (_, i) => `INFO order ${lines.file + i} shipped\n`).join(''));
    lines.file += LINES_A_TURN;
    if (turn % 120 === 0) {
      renameSync(tailed, `${tailed}.1`);
      writeFileSync(tailed, '');
    } else if (turn % 120 === 60) {
      // Only what was read may be cut away.
      await until('the file to be read', async () => (await count("logs WHERE service = 'tailed'")) === lines.file);
      truncateSync(tailed, 0);
    }
  }
}
let failure = '';
try {
  say(`everything runs; ${minutes} minutes`);
  const work = Promise.all([writeLogs('tcp'), writeLogs('udp'), writeFile()]);
  for (let minute = 1; minute <= minutes; minute++) {
    await Promise.race([sleep(60_000), work]);
    say(
      `${minute} min: ${Math.round(rssBytesOf(faultline.pid) / 1e6)} MB, ${cpuSecondsOf(faultline.pid).toFixed(0)} CPU-s, ${lines.tcp + lines.udp + lines.file} lines`,
    );
  }
  stopped = true;
  await work;
  app.kill('SIGTERM');
  const [last] = (await once(appSays, 'line')) as [string];
  const { sent } = JSON.parse(last) as { sent: { service: string; spans: number; logs: number; points: number; failed: number }[] };
  exporter.kill('SIGKILL');
  await until('the target to be down', async () => (await ask('up', Date.now()))[0]?.value?.[1] === '0');
  const endMs = Date.now();
  await until(
    'Prometheus to have sent everything',
    async () => (await metricOf('prometheus_remote_storage_queue_highest_sent_timestamp_seconds')) * 1000 > endMs,
  );
  await faultline.flush();

  const table: { what: string; sent: number; stored: number }[] = [];
  const row = async (what: string, theirs: number, sql: string): Promise<void> => {
    table.push({ what, sent: theirs, stored: await count(sql) });
  };
  for (const { service, spans, logs, points, failed } of sent) {
    if (failed > 0) say(`${service}: ${failed} exports were given up by the SDK`);
    const owner = `series WHERE source = 'otlp' AND service = '${service}'`;
    await row(`SDK spans of ${service}`, spans, `spans WHERE service = '${service}'`);
    await row(`SDK logs of ${service}`, logs, `logs WHERE service = '${service}'`);
    await row(
      `SDK points of ${service}`,
      points,
      `(SELECT series_id FROM samples UNION ALL SELECT series_id FROM histograms) SEMI JOIN (SELECT series_id FROM ${owner}) USING (series_id)`,
    );
  }
  const range = `${Math.ceil((endMs - startedMs) / 1000) + 60}s`;
  const remote = `samples JOIN series USING (series_id) WHERE source = 'prometheus' AND flags = 0 AND epoch_ms(time::TIMESTAMP) <= ${endMs}`;
  const scraped = await ask(`{job="node"}[${range}]`, endMs);
  await row(
    'samples of Prometheus',
    scraped.reduce((sum, { values }) => sum + (values?.length ?? 0), 0),
    remote,
  );
  await row('syslog lines by TCP', lines.tcp, "logs WHERE service = 'logger-tcp'");
  await row('syslog lines by UDP', lines.udp, "logs WHERE service = 'logger-udp'");
  await row('lines of the file', lines.file, "logs WHERE service = 'tailed'");
  for (const { what, sent: theirs, stored } of table)
    say(`${theirs === stored ? 'equal ' : 'DIFFER'} ${what}: ${theirs} sent, ${stored} stored`);
  const bad = table.filter(({ sent: theirs, stored }) => theirs !== stored);
  if (table.filter(({ sent: theirs }) => theirs > 0).length < 12) throw new Error('too little was sent to say anything');
  if (bad.length > 0) throw new Error(`${bad.length} counts differ`);
} catch (error) {
  failure = (error as Error).message;
} finally {
  stopped = true;
  for (const child of children) child.kill('SIGKILL');
  await faultline.stop();
  rmSync(folder, { recursive: true, force: true });
}
say(failure === '' ? 'passed' : `FAILED: ${failure}`);
process.exitCode = failure === '' ? 0 : 1;
