import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openJournalReader } from '#collectors/pipeline/journal-reader.ts';
import type { JournalRecord } from '#contracts/journal.ts';
import type { FromChild, SourceKind } from '#contracts/processes.ts';
import { type Limits, type Listeners, limitsSchema, type Settings } from '#contracts/settings.ts';
import { journalFolder, type RunningCollector, startCollector } from '#main/collector/start-collector.ts';

/** A real collector on free ports in this process, with its journal in a temporary folder. */
export interface TestCollector {
  readonly collector: RunningCollector;
  readonly settings: Settings;
  readonly messages: FromChild[];
  readonly lines: string[];
  /** Everything acknowledged so far. */
  records(): Promise<JournalRecord[]>;
  refused(source: SourceKind): Readonly<Record<string, number>>;
  post(path: string, body: Uint8Array | string, headers?: Record<string, string>, method?: string): Promise<HttpAnswer>;
  stop(): Promise<void>;
}
export const NO_LISTENERS: Listeners = {
  syslog: null,
  syslogTls: null,
  syslogTimeZone: '',
  fluent: null,
  fluentTls: null,
  fluentSharedKey: null,
  statsd: null,
  statsdFlushMs: 1_000,
  tls: null,
};
/** Certificate of "localhost" signed by itself, by the openssl of this machine; null where there is none. */
export function makeCertificate(folder: string): Listeners['tls'] {
  const [certFile, keyFile] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  const args = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -keyout ${keyFile} -out ${certFile}`;
  return spawnSync('openssl', args.split(' ')).status === 0 ? { certFile, keyFile } : null;
}
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

export async function startTestCollector(limits: Partial<Limits> = {}, settings: Partial<Settings> = {}): Promise<TestCollector> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'faultline-receivers-'));
  const anyPort = { host: '127.0.0.1', port: 0 };
  const all: Settings = {
    dataDir,
    api: anyPort,
    ingest: anyPort,
    otlpGrpc: anyPort,
    otlpGrpcServer: 'http2',
    prometheusConfig: null,
    retentionSeconds: 7 * 86_400,
    maxSizeBytes: 1e9,
    forward: [],
    durability: 'none',
    demo: null,
    token: 'a token of sixteen',
    ui: false,
    limits: limitsSchema.parse({ diskReserveBytes: 0, ...limits }),
    ...settings,
  };
  const messages: FromChild[] = [];
  const lines: string[] = [];
  const collector = await startCollector({ settings: all, send: (m) => messages.push(m), log: (line) => lines.push(line) });
  const { ingest } = collector.addresses;
  return {
    collector,
    settings: all,
    messages,
    lines,
    records: async () => {
      const reader = await openJournalReader(journalFolder(dataDir), 0);
      const records: JournalRecord[] = [];
      for (let some = await reader.read(1 << 24); some.length > 0; some = await reader.read(1 << 24)) records.push(...some);
      await reader.close();
      return records;
    },
    refused: (source) => collector.status().sources.find((each) => each.source === source)?.refused ?? {},
    post: async (url, body, headers = {}, method = 'POST') => {
      const response = await fetch(`${ingest}${url}`, {
        method,
        headers,
        ...(method === 'GET' ? {} : { body: body as Uint8Array<ArrayBuffer> | string }),
      });
      return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
    },
    stop: async () => {
      await collector.stop(2_000);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Writes bytes to a port and gives what comes back until the other side ends. */
export function talk(address: string, bytes: Uint8Array | string): Promise<string> {
  const { hostname, port } = new URL(address.includes('://') ? address : `http://${address}`);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.once('close', () => resolve(answer));
    socket.once('error', reject);
  });
}

const TRACE_ID = '5b8efff798038103d269b633813fc60c';
/** OTLP/JSON of `count` spans, the first `bad` of them without a valid id. */
export function tracesJson(count: number, bad = 0, startUnixNano = `${Date.now()}000000`): string {
  const spans = Array.from({ length: count }, (_, i) => ({
    traceId: TRACE_ID,
    spanId: i < bad ? '0000000000000000' : (i + 1).toString(16).padStart(16, '0'),
    name: `GET /cart/${i}`,
    kind: 2,
    startTimeUnixNano: startUnixNano,
    endTimeUnixNano: startUnixNano,
  }));
  return JSON.stringify({
    resourceSpans: [{ resource: { attributes: [{ key: 'service.name', value: { stringValue: 'cart' } }] }, scopeSpans: [{ spans }] }],
  });
}
export function logsJson(count: number): string {
  const logRecords = Array.from({ length: count }, (_, i) => ({ timeUnixNano: `${Date.now()}000000`, body: { stringValue: `line ${i}` } }));
  return JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
}
export function metricsJson(count: number): string {
  const dataPoints = Array.from({ length: count }, (_, i) => ({ timeUnixNano: `${Date.now()}000000`, asInt: String(i) }));
  return JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'jobs', gauge: { dataPoints } }] }] }] });
}
