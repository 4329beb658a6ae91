import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Table, tableFromIPC } from 'apache-arrow';
import { openJournal } from '#collectors/pipeline/journal.ts';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import type { LanguageModel } from '#contracts/llm.ts';
import type { CollectorStatus, FromChild } from '#contracts/processes.ts';
import { limitsSchema, type Settings } from '#contracts/settings.ts';
import { journalFolder, type RunningEngine, startEngine } from '#main/engine/start-engine.ts';

export const TOKEN = 'test-token-0123456789';
const zero = { items: 0, requests: 0, bytes: 0 };

/** A real engine on a real journal in a folder of its own; what a collector would send is said by the test. */
export interface Rig {
  readonly dataDir: string;
  readonly running: RunningEngine;
  readonly sent: FromChild[];
  readonly lines: string[];
  append(
    kind: 'traces' | 'logs' | 'metrics',
    body: Uint8Array,
    options?: { readonly gzip?: boolean; readonly receivedMs?: number },
  ): Promise<void>;
  /** With the token; path from /. */
  call(path: string, init?: RequestInit): Promise<Response>;
  json(path: string, init?: RequestInit): Promise<unknown>;
  table(path: string, init?: RequestInit): Promise<Table>;
  post(path: string, body?: unknown): Promise<unknown>;
  flush(durable?: boolean): Promise<void>;
  /** Stops the engine and starts another on the same folder. */
  restart(): Promise<void>;
  close(): Promise<void>;
}
export function settingsFor(dataDir: string): Settings {
  const free = { host: '127.0.0.1', port: 0 };
  return {
    dataDir,
    api: free,
    ingest: free,
    otlpGrpc: free,
    otlpGrpcServer: 'http2',
    prometheusConfig: null,
    retentionSeconds: 7 * 86_400,
    maxSizeBytes: 20e9,
    forward: [],
    durability: 'none',
    demo: null,
    token: TOKEN,
    ui: true,
    limits: limitsSchema.parse(undefined),
  };
}
export function collectorStatus(address: string): CollectorStatus {
  const accepted = { traces: zero, logs: zero, metrics: zero };
  const source = {
    source: 'otlp-http',
    kind: 'otlp-http',
    address,
    state: 'listening',
    error: '',
    lastUnixMs: null,
    accepted,
    refused: { malformed: 2 },
  } as const;
  const journal = { committed: 0, released: 0, bytes: 0, keptBytes: 0, ackP50Ms: 1, ackP99Ms: 2 };
  return {
    pid: 1,
    startedUnixMs: 0,
    senders: [],
    sources: [source],
    journal,
    diskFreeBytes: 1e12,
    rssBytes: 1e6,
    cpuSeconds: 0,
    accepting: true,
    refusing: '',
  };
}

export async function openRig(more: Partial<Settings> = {}, nowMs: () => number = Date.now, model?: LanguageModel): Promise<Rig> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'faultline engine '));
  const settings = { ...settingsFor(dataDir), ...more };
  const sent: FromChild[] = [];
  const lines: string[] = [];
  const journal = await openJournal(journalFolder(dataDir), {
    durability: 'none',
    maxBytes: 1e9,
    segmentBytes: 8 * 1024 * 1024,
    diskReserveBytes: 0,
    onCommitted: () => undefined,
  });
  const start = (): Promise<RunningEngine> =>
    startEngine({ settings, send: (m) => sent.push(m), nowMs, log: (line) => lines.push(line), ...(model ? { model } : {}) });
  let running = await start();
  const call = (at: string, init: RequestInit = {}): Promise<Response> =>
    fetch(running.url + at, { ...init, headers: { authorization: `Bearer ${TOKEN}`, ...(init.headers as Record<string, string>) } });
  const good = async (at: string, init?: RequestInit): Promise<Response> => {
    const answer = await call(at, init);
    if (!answer.ok) throw new Error(`${at}: ${answer.status} ${await answer.text()}\n${lines.join('\n')}`);
    return answer;
  };
  const postInit = (body?: unknown): RequestInit => ({ method: 'POST', ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return {
    dataDir,
    sent,
    lines,
    get running() {
      return running;
    },
    async append(kind, body, { receivedMs = nowMs() } = {}) {
      const entry = {
        kind: RecordKind[kind],
        format: BodyFormat.protobuf,
        encoding: BodyEncoding.identity,
        items: 1,
        source: 'otlp-http',
        meta: '',
        body,
      };
      await journal.append({
        ...entry,
        receivedUnixNano: BigInt(Math.floor(receivedMs)) * 1_000_000n,
        retentionSeconds: settings.retentionSeconds,
      });
    },
    call,
    json: async (at, init) => (await good(at, init)).json(),
    table: async (at, init) => tableFromIPC(new Uint8Array(await (await good(at, init)).arrayBuffer())),
    post: async (at, body) => (await good(at, postInit(body))).json(),
    flush: async (durable = false) => void (await good(`/console/admin/flush${durable ? '?durable=1' : ''}`, postInit())),
    async restart() {
      await running.stop();
      running = await start();
    },
    async close() {
      await running.stop();
      await journal.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
