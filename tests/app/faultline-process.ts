import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** A real `faultline serve` on free ports with its own data folder. For tests and benches. */
export interface FaultlineProcess {
  readonly api: string;
  readonly ingest: string;
  readonly otlpGrpc: string;
  /** HOST:PORT of the listeners that were asked for, by their setting. */
  readonly listeners?: Readonly<Record<string, string>>;
  readonly token: string;
  readonly dataDir: string;
  readonly pid: number;
  /** Milliseconds from spawn to the ready line. */
  readonly readyMs: number;
  /** stderr so far. */
  log(): string;
  /** All processes of the tree, by their command line's last path part: { collector: pid, engine: pid, ... }. */
  pids(): Record<string, number>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Rows of a user query, as JSON. */
  sql(query: string): Promise<Record<string, unknown>[]>;
  flush(): Promise<void>;
  /** SIGTERM and wait; the exit code. */
  stop(): Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number | null>;
}
export interface FaultlineOptions {
  readonly args?: readonly string[];
  /** Reused and kept when given; else a temporary folder, removed at stop. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const root = resolve(import.meta.dirname, '../..');

/** Children of a process, from /proc (Linux only: so are the app tests that need it). */
export function childrenOf(pid: number): number[] {
  const children: number[] = [];
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    children.push(...readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number));
  }
  return children;
}
export function treeOf(pid: number): number[] {
  try {
    return [pid, ...childrenOf(pid).flatMap(treeOf)];
  } catch {
    return [];
  }
}
function nameOf(pid: number): string {
  const parts = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  const script = parts.find((part) => /\.(?:ts|js|mjs)$/.test(part)) ?? '';
  return /(collector|engine|forwarder|llm|importer|demo|cli|serve)(?:\/main)?\.\w+$/.exec(script)?.[1] ?? script;
}

export async function startFaultline(options: FaultlineOptions = {}): Promise<FaultlineProcess> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'faultline-app-'));
  const startedMs = performance.now();
  const child: ChildProcess = spawn(
    join(root, 'bin/faultline'),
    ['serve', '--data', dataDir, '--api', '127.0.0.1:0', '--ingest', '127.0.0.1:0', '--otlp-grpc', '127.0.0.1:0', ...(options.args ?? [])],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } },
  );
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  const ready = await new Promise<{ api: string; ingest: string; otlpGrpc: string; token: string }>((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`faultline is not ready after 30 s:\n${log}`)), 30_000);
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', (line) => {
      clearTimeout(timer);
      done(JSON.parse(line));
    });
    void exited.then((code) => fail(new Error(`faultline ended with ${code}:\n${log}`)));
  });
  const readyMs = performance.now() - startedMs;
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${ready.api}${path}`, { ...init, headers: { authorization: `Bearer ${ready.token}`, ...init.headers } });
  return {
    ...ready,
    dataDir,
    pid: child.pid as number,
    readyMs,
    exited,
    log: () => log,
    pids: () => Object.fromEntries(treeOf(child.pid as number).map((pid) => [nameOf(pid), pid])),
    fetch: call,
    sql: async (query) => {
      const response = await call('/console/query/sql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ sql: query }),
      });
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
      const { tableFromIPC } = await import('apache-arrow');
      return tableFromIPC(new Uint8Array(await response.arrayBuffer()))
        .toArray()
        .map((row) => row.toJSON());
    },
    flush: async () => {
      const response = await call('/console/admin/flush', { method: 'POST' });
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    },
    kill: (signal) => void child.kill(signal),
    stop: async () => {
      child.kill('SIGTERM');
      const code = await exited;
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
      return code;
    },
  };
}

/** user + system CPU seconds of one process; 0 once it has ended. */
export function ownCpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}
/** user + system CPU seconds of a process tree. */
export const cpuSecondsOf = (pid: number): number => treeOf(pid).reduce((sum, each) => sum + ownCpuSecondsOf(each), 0);
export function rssBytesOf(pid: number): number {
  let pages = 0;
  for (const each of treeOf(pid)) {
    try {
      pages += Number(readFileSync(`/proc/${each}/statm`, 'utf8').split(' ')[1]);
    } catch {
      // ended between listing and reading
    }
  }
  return pages * 4096;
}
