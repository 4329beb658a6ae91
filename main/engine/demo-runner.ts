import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { FaultlineError } from '#contracts/errors.ts';

/** The demo's own process: from the source tree, or beside the bundled engine. */
function entryOf(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const found = [path.join(here, 'demo.js'), path.join(here, '../../demo/main.ts')].find((file) => existsSync(file));
  if (!found) throw new FaultlineError('not_found', 'The demo shop is not part of this build.');
  return found;
}

/** "Show me": the demo shop as a child process, so that it takes nothing from the engine. One at a time. */
export class DemoRunner {
  running: { readonly scenario: string; readonly startedMs: number } | null = null;
  private child: ChildProcess | null = null;
  private readonly log: (line: string) => void;
  private readonly nowMs: () => number;

  constructor(options: { log: (line: string) => void; nowMs: () => number }) {
    this.log = options.log;
    this.nowMs = options.nowMs;
  }
  async start(
    scenario: string,
    to: { readonly ingestUrl: string; readonly otlpGrpc: string; readonly configFolder: string },
    seed: number,
  ): Promise<void> {
    await this.stop();
    const grpc = to.otlpGrpc === '' ? [] : ['--grpc', to.otlpGrpc];
    const args = [
      entryOf(),
      '--ingest',
      to.ingestUrl,
      ...grpc,
      '--scenario',
      scenario,
      '--seed',
      String(seed),
      '--config-folder',
      to.configFolder,
    ];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.log(`demo: ${text.trimEnd()}`));
    child.on('error', (error) => this.log(`demo: cannot start: ${error.message}`));
    child.on('exit', (code, signal) => {
      if (this.child !== child) return;
      this.log(`demo: ended (${signal ?? code})`);
      this.child = null;
      this.running = null;
    });
    this.child = child;
    this.running = { scenario, startedMs: this.nowMs() };
  }
  async stop(): Promise<void> {
    const child = this.child;
    this.child = null;
    this.running = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 2_000);
    await gone;
    clearTimeout(hard);
  }
}
