import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FaultlineProcess, startFaultline, treeOf } from '../app/faultline-process.ts';
import { sleep, until } from '../app/until.ts';
import type { Target } from './sender.ts';

export { sleep, until };

export type Victim = 'collector' | 'engine' | 'forwarder' | 'supervisor';
export interface RigOptions {
  readonly dataDir: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}
/** One data folder and the consoles that come and go on it. */
export class Rig {
  readonly dataDir: string;
  private readonly options: RigOptions;
  private running: FaultlineProcess | null = null;
  /** stderr of consoles that have ended. */
  private logs = '';
  private seen = 0;
  kills = 0;

  constructor(options: RigOptions) {
    this.options = options;
    this.dataDir = options.dataDir;
    mkdirSync(this.dataDir, { recursive: true });
  }
  get console(): FaultlineProcess {
    if (this.running === null) throw new Error('BUG: there is no console at the moment');
    return this.running;
  }
  /** For the sender: where it should try. */
  readonly target = (): Target | null => this.running;
  log(): string {
    return this.logs + (this.running?.log().slice(this.seen) ?? '');
  }
  /** Into the log, between what the console says: what was done to it. */
  note(what: string): void {
    this.logs += `${this.running?.log().slice(this.seen) ?? ''}---- ${new Date().toISOString()} ${what}\n`;
    this.seen = this.running?.log().length ?? 0;
  }
  async start(): Promise<void> {
    this.note('start');
    this.running = await startFaultline({
      dataDir: this.dataDir,
      args: ['--no-ui', ...(this.options.args ?? [])],
      ...(this.options.env ? { env: this.options.env } : {}),
    });
  }
  /** Process id of a part; undefined while it is being started again. */
  pid(victim: Victim): number | undefined {
    if (victim === 'supervisor') return this.running?.pid;
    try {
      return this.running?.pids()[victim];
    } catch {
      // One of them ended while they were listed.
      return undefined;
    }
  }
  /** @returns whether there was one to kill */
  kill(...victims: readonly Victim[]): number {
    let killed = 0;
    for (const pid of victims.map((victim) => this.pid(victim))) {
      if (pid === undefined) continue;
      this.note(`kill -9 ${victims.join(' ')}: ${pid}`);
      try {
        process.kill(pid, 'SIGKILL');
        killed++;
      } catch {
        // It ended just now by itself, of the kill before.
      }
    }
    this.kills += killed;
    return killed;
  }
  /** The supervisor with or without everything it started. Without, they notice and end by themselves. */
  async killSupervisor(withChildren: boolean): Promise<void> {
    const console = this.console;
    this.note(`kill -9 of the supervisor ${withChildren ? 'with' : 'without'} its children`);
    const pids = withChildren ? treeOf(console.pid) : [console.pid];
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
        this.kills++;
      } catch {
        // It ended in between.
      }
    }
    await console.exited;
    this.ended();
  }
  private ended(): void {
    this.logs += this.running?.log().slice(this.seen) ?? '';
    this.seen = 0;
    this.running = null;
  }
  /** SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    if (this.running === null) return null;
    this.note('SIGTERM');
    const code = await this.running.stop();
    this.ended();
    return code;
  }
  /** Engine and collector at work, and the same ones as a moment ago. */
  async ready(seconds = 60): Promise<void> {
    const healthy = async (): Promise<boolean> => {
      const { console } = this;
      const [readyz, healthz] = await Promise.all([
        console.fetch('/readyz', { signal: AbortSignal.timeout(2_000) }),
        fetch(`${console.ingest}/healthz`, { signal: AbortSignal.timeout(2_000) }),
      ]);
      const { status } = (await healthz.json()) as { status: string };
      return readyz.ok && status === 'ok';
    };
    await until('the console at work', healthy, seconds);
  }
  /** At the end of a round, in whatever state it is. */
  async end(): Promise<void> {
    if (this.running === null) return;
    const pids = treeOf(this.running.pid);
    const send = (signal: NodeJS.Signals): void => {
      for (const pid of pids) {
        try {
          process.kill(pid, signal);
        } catch {
          // It has ended.
        }
      }
    };
    send('SIGCONT');
    const deadline = setTimeout(() => send('SIGKILL'), 20_000);
    await this.stop();
    clearTimeout(deadline);
  }
  async json(path: string): Promise<unknown> {
    return (await this.console.fetch(path)).json();
  }
  journalFiles(): string[] {
    const folder = join(this.dataDir, 'journal');
    return readdirSync(folder)
      .filter((name) => name.startsWith('segment-'))
      .sort()
      .map((name) => join(folder, name));
  }
}
export const stateOf = (pid: number): string => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
