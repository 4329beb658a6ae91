import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { FaultlineError } from '#contracts/errors.ts';
import { childEnvironment } from '#main/supervisor/child-environment.ts';
import { identify, isAlive, type ProcessIdentity } from '#main/supervisor/process-identity.ts';

/** The demo's own process: from the source tree, or beside the bundled engine. */
function entryOf(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const found = [path.join(here, 'demo.js'), path.join(here, '../../demo/main.ts')].find((file) => existsSync(file));
  if (!found) throw new FaultlineError('not_found', 'The demo shop is not part of this build.');
  return found;
}

// Never 0 or below: a signal to such a number goes to many processes.
const identity = z.object({ pid: z.number().int().positive(), startedTicks: z.string() });
/** What is kept of a run, for the engine after this one. */
const runSchema = z.object({ scenario: z.string(), startedMs: z.number(), shop: identity, supervisor: identity });
type Run = z.infer<typeof runSchema>;
/** In the demo's folder. */
const RUN_FILE = 'run.json';
const STOP_MS = 2_000;
const POLL_MS = 20;

export interface DemoRunnerOptions {
  readonly log: (line: string) => void;
  readonly nowMs: () => number;
  /** DATA/demo: where the shop says what to scrape, and where the run is written down. */
  readonly folder: string;
}
/**
 * "Show me": the demo shop as a process of its own, so that it takes nothing from the engine. One at a time. It lives as
 * long as the supervisor: an engine that comes after a crash finds it trading, with its planted trouble on schedule.
 */
export class DemoRunner {
  /** There was a shop before this engine: none starts by itself. */
  takenOver = false;
  private run: Run | null = null;
  private readonly supervisor: ProcessIdentity = identify(process.ppid);
  private readonly options: DemoRunnerOptions;

  constructor(options: DemoRunnerOptions) {
    this.options = options;
  }
  get running(): { readonly scenario: string; readonly startedMs: number } | null {
    if (this.run && !isAlive(this.run.shop)) this.run = null;
    return this.run && { scenario: this.run.scenario, startedMs: this.run.startedMs };
  }
  /** Takes over a shop that an engine before this one started, running or not, under this supervisor. */
  takeOver(): void {
    const run = this.read();
    if (!run || run.supervisor.pid !== this.supervisor.pid || run.supervisor.startedTicks !== this.supervisor.startedTicks) return;
    this.takenOver = true;
    this.run = run;
    this.options.log(this.running ? `demo: ${run.scenario} goes on` : 'demo: it has ended; "Show me" starts it again');
  }
  async start(scenario: string, to: { readonly ingestUrl: string; readonly otlpGrpc: string }, seed: number): Promise<void> {
    await this.stop();
    const { folder, log, nowMs } = this.options;
    const grpc = to.otlpGrpc === '' ? [] : ['--grpc', to.otlpGrpc];
    const args = ['--ingest', to.ingestUrl, ...grpc, '--scenario', scenario, '--seed', String(seed), '--config-folder', folder];
    // No channel and no pipe: either would end with this process.
    const child = spawn(process.execPath, [entryOf(), ...args, '--owner', String(this.supervisor.pid)], {
      stdio: ['ignore', 'ignore', 2],
      env: childEnvironment('demo', process.env),
    });
    child.on('error', (error) => log(`demo: cannot start: ${error.message}`));
    child.on('exit', (code, signal) => this.ended(child, signal ?? `exit code ${code}`));
    if (child.pid === undefined) return;
    this.run = { scenario, startedMs: nowMs(), shop: identify(child.pid), supervisor: this.supervisor };
    this.write(this.run);
  }
  async stop(): Promise<void> {
    const { run } = this;
    this.run = null;
    if (!run) return;
    signal(run.shop, 'SIGTERM');
    for (let waitedMs = 0; isAlive(run.shop); waitedMs += POLL_MS) {
      if (waitedMs >= STOP_MS) signal(run.shop, 'SIGKILL');
      await sleep(POLL_MS);
    }
  }
  private ended(child: ChildProcess, reason: string): void {
    if (this.run?.shop.pid !== child.pid) return;
    this.options.log(`demo: ended (${reason})`);
    this.run = null;
  }
  private get file(): string {
    return path.join(this.options.folder, RUN_FILE);
  }
  private read(): Run | null {
    try {
      return runSchema.parse(JSON.parse(readFileSync(this.file, 'utf8')));
    } catch {
      return null;
    }
  }
  private write(run: Run): void {
    try {
      mkdirSync(this.options.folder, { recursive: true });
      writeFileSync(this.file, JSON.stringify(run));
    } catch (error) {
      this.options.log(`demo: an engine after this one will not know of it: ${error instanceof Error ? error.message : error}`);
    }
  }
}
function signal(process_: ProcessIdentity, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (isAlive(process_)) process.kill(process_.pid, name);
  } catch {
    // It ended in between.
  }
}
