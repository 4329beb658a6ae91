import { type ChildProcess, fork } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JournalReader, openJournalReader } from '#collectors/pipeline/journal-reader.ts';
import type { CollectorStatus, FromChild, SourceStatus, ToChild } from '#contracts/processes.ts';
import { limitsSchema, type Settings } from '#contracts/settings.ts';
import type { TailMeta, TailSettings } from '#contracts/tailing.ts';
import { journalFolder } from '#main/collector/start-collector.ts';
import { type Rng, seededRng } from '../fixtures/seeded-rng.ts';

/**
 * A real collector process that tails files, killed and started again; and in the engine's place a reader of its journal that
 * leaves out repeats as the engine does and releases what it has read.
 */
export const tailOf = (pattern: string, more: Partial<TailSettings> = {}): TailSettings => ({
  pattern,
  exclude: [],
  format: 'auto',
  multiline: { by: 'line' },
  multilineMs: 100,
  service: '',
  from: 'beginning',
  zone: 'utc',
  ...more,
});
const anyPort = { host: '127.0.0.1', port: 0 };

export class TailRig {
  readonly root = mkdtempSync(path.join(tmpdir(), 'faultline-tails-'));
  readonly dataDir = path.join(this.root, 'data');
  /** How often each text came, as often as the engine would store it. */
  readonly lines = new Map<string, number>();
  repeats = 0;
  status: CollectorStatus | null = null;
  private child: ChildProcess | null = null;
  private reader: JournalReader | null = null;
  private readonly batches = new Map<string, number>();
  private readonly tails: readonly TailSettings[];
  private exited: Promise<unknown> = Promise.resolve();

  constructor(tails: (root: string) => readonly TailSettings[]) {
    this.tails = tails(this.root);
  }
  file(name: string): string {
    return path.join(this.root, name);
  }
  async start(): Promise<void> {
    const settings: Settings = {
      dataDir: this.dataDir,
      api: anyPort,
      ingest: anyPort,
      otlpGrpc: anyPort,
      otlpGrpcServer: 'http2',
      prometheusConfig: null,
      retentionSeconds: 0,
      maxSizeBytes: 1e9,
      forward: [],
      durability: 'sync',
      tails: this.tails,
      demo: null,
      token: 'a token of sixteen',
      ui: false,
      limits: limitsSchema.parse({ diskReserveBytes: 0 }),
    };
    const child = fork(path.join(import.meta.dirname, '../../main/collector/main.ts'), [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.child = child;
    this.exited = new Promise((done) => child.once('exit', done));
    await new Promise<void>((ready) => {
      child.on('message', (message: FromChild) => {
        if (message.type === 'ready') ready();
        else if (message.type === 'collector-status') this.status = message.status;
      });
      child.send({ type: 'start', settings } satisfies ToChild);
    });
  }
  get source(): SourceStatus | undefined {
    return this.status?.sources.find((each) => each.kind === 'tail');
  }
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.exited;
    this.status = null;
  }
  async stop(): Promise<void> {
    this.child?.send({ type: 'stop', deadlineMs: 3_000 } satisfies ToChild);
    await this.exited;
  }
  /** What came into the journal since, as the engine takes it. @param release whether the journal may forget it */
  async take(release: boolean): Promise<void> {
    if (!existsSync(journalFolder(this.dataDir))) return;
    this.reader ??= await openJournalReader(journalFolder(this.dataDir), 0);
    for (;;) {
      const records = await this.reader.read(1 << 20);
      if (records.length === 0) break;
      for (const { meta, body, position } of records) {
        if (meta === '') continue;
        const { batch } = JSON.parse(meta) as TailMeta;
        if ((this.batches.get(batch) ?? position) !== position) {
          this.repeats++;
          continue;
        }
        this.batches.set(batch, position);
        for (const [text] of Buffer.from(body)
          .toString('latin1')
          .matchAll(/line \d{6}/g))
          this.lines.set(text, (this.lines.get(text) ?? 0) + 1);
      }
    }
    if (release && this.child?.connected) this.child.send({ type: 'released', position: this.reader.position } satisfies ToChild);
  }
  /** Takes until `done`. */
  async takeUntil(done: () => boolean, timeoutMs = 30_000): Promise<void> {
    for (const end = performance.now() + timeoutMs; !done() && performance.now() < end; ) {
      await this.take(true);
      await sleep(20);
    }
  }
  async end(): Promise<void> {
    await this.kill();
    await this.reader?.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A program that logs, and a logrotate beside it, by chance of a seed. Never writes between the two halves of copytruncate. */
export class LogWriter {
  written = 0;
  readonly did = { appends: 0, renames: 0, copies: 0 };
  private half = '';
  private readonly rng: Rng;
  private readonly file: string;

  constructor(file: string, seed: number) {
    this.file = file;
    this.rng = seededRng(seed);
  }
  step(): void {
    const chance = this.rng();
    if (chance < 0.06 && existsSync(this.file)) this.rotate(chance < 0.03);
    else this.append();
  }
  private append(): void {
    this.did.appends++;
    let text = this.half;
    for (let i = Math.floor(this.rng() * 40); i >= 0; i--)
      text += `line ${String(this.written++).padStart(6, '0')} ${'x'.repeat(this.rng() * 60)}\n`;
    // Half a line now, the rest of it with the next ones.
    const cut = this.rng() < 0.4 ? Math.floor(text.length - this.rng() * Math.min(50, text.length)) : text.length;
    this.half = text.slice(cut);
    appendFileSync(this.file, text.slice(0, cut));
  }
  finish(): void {
    appendFileSync(this.file, this.half);
    this.half = '';
  }
  private rotate(byCopy: boolean): void {
    // A rotated file's last line is whole: the writer is told between two lines.
    this.finish();
    const folder = path.dirname(this.file);
    const name = path.basename(this.file);
    const numbers = readdirSync(folder).flatMap((each) => (each.startsWith(`${name}.`) ? [Number(each.slice(name.length + 1))] : []));
    for (const n of numbers.sort((a, b) => b - a)) renameSync(`${this.file}.${n}`, `${this.file}.${n + 1}`);
    if (byCopy) {
      this.did.copies++;
      copyFileSync(this.file, `${this.file}.1`);
      truncateSync(this.file, 0);
    } else {
      this.did.renames++;
      renameSync(this.file, `${this.file}.1`);
    }
  }
  get bytes(): number {
    return existsSync(this.file) ? statSync(this.file).size : 0;
  }
}
