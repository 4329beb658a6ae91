import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { HostMetrics } from '#collectors/host/host-metrics.ts';
import type { RunningListener } from '#collectors/net/listener.ts';
import { type RunningGrpcServer, startGrpcServer } from '#collectors/otlp/grpc-server.ts';
import { type RunningHttpServer, startHttpServer } from '#collectors/otlp/http-server.ts';
import { createReceiver, type Receiver } from '#collectors/otlp/receiver.ts';
import { type Journal, openJournal } from '#collectors/pipeline/journal.ts';
import { MemoryBudget } from '#collectors/pipeline/memory-budget.ts';
import { SourceBytes } from '#collectors/pipeline/source-bytes.ts';
import type { Scraping } from '#collectors/prometheus/scrape-manager.ts';
import { loadWriteCheck } from '#collectors/prometheus/write-receiver.ts';
import type { Tailing } from '#collectors/tail/tail-files.ts';
import { DEMO_FOLDER, DEMO_PROMETHEUS_FILE, DEMO_TARGETS_FILE } from '#contracts/demo-files.ts';
import { FaultlineError } from '#contracts/errors.ts';
import type { JournalEntry, JournalPosition } from '#contracts/journal.ts';
import { LISTENERS } from '#contracts/listeners.ts';
import type { CollectorStatus, ParentPort, ProcessState, SourceLimitsNews, ToChild } from '#contracts/processes.ts';
import type { Listeners, Settings } from '#contracts/settings.ts';
import type { SourceLimits } from '#contracts/source-limits.ts';
import { TAIL_BOOK_FILE } from '#contracts/tailing.ts';
import { opened } from './port-owner.ts';
import { readSourceLimits } from './read-source-limits.ts';

export interface StartOptions {
  readonly settings: Settings;
  readonly send: ParentPort['send'];
  /** What the engine has stored, where the supervisor knows it already. */
  readonly releasedPosition?: JournalPosition;
  /** What forwarding needs of the journal, where it is on. */
  readonly heldPosition?: JournalPosition;
  readonly nowMs?: () => number;
  readonly log?: (line: string) => void;
}
export interface RunningCollector {
  /** ingest: a URL; the others HOST:PORT, listeners by their setting. */
  readonly addresses: { readonly ingest: string; readonly otlpGrpc: string } & Readonly<Record<string, string>>;
  onMessage(message: ToChild): void;
  status(): CollectorStatus;
  /** Answers what is under way, seals the journal; cut off at the deadline. Safe twice. */
  stop(deadlineMs: number): Promise<void>;
}
const STATUS_MS = 1_000;
/** The engine hears of new records at most this often: a message per group commit would cost it more than the records. */
const ADVANCED_MS = 5;

/** Where the journal lies in a data folder. */
export const journalFolder = (dataDir: string): string => path.join(dataDir, 'journal');

/**
 * Composition root of the collector: ports first, then the journal, then what can be loaded later. A request that comes
 * before the journal is open waits for it. @throws FaultlineError port_taken, data_dir_locked, data_dir_not_writable
 */
export async function startCollector(options: StartOptions): Promise<RunningCollector> {
  const collector = new Collector(options, await readSourceLimits(options.settings, options.log ?? console.error));
  await collector.start();
  return collector;
}

class Collector implements RunningCollector {
  private readonly settings: Settings;
  private readonly send: ParentPort['send'];
  private readonly nowMs: () => number;
  private readonly log: (line: string) => void;
  private readonly startedUnixMs: number;
  private readonly opening: Promise<Journal>;
  private receiver: Receiver | null = null;
  /** At the start. */
  private readonly sourceLimits: SourceLimits;
  private readonly sourceBytes: SourceBytes;
  private journal: Journal | null = null;
  private http: RunningHttpServer | null = null;
  private grpc: RunningGrpcServer | null = null;
  private scraping: Scraping | null = null;
  private listeners: readonly RunningListener[] = [];
  private demoScraping = false;
  private tailing: Tailing | null = null;
  private hostMetrics: HostMetrics | null = null;
  /** What the store would have released. */
  private releasable: JournalPosition = 0;
  private engineState: ProcessState = 'starting';
  private statusTimer: NodeJS.Timeout | null = null;
  private advancedTimer: NodeJS.Timeout | null = null;
  private stopping: Promise<void> | null = null;

  constructor(
    { settings, send, releasedPosition, heldPosition, nowMs = Date.now, log = console.error }: StartOptions,
    sourceLimits: SourceLimits,
  ) {
    this.settings = settings;
    this.send = send;
    this.nowMs = nowMs;
    this.log = log;
    this.startedUnixMs = nowMs();
    const { limits, durability } = settings;
    this.sourceLimits = sourceLimits;
    this.sourceBytes = new SourceBytes({ dataDir: settings.dataDir, limits: sourceLimits, nowMs, log });
    this.opening = openJournal(journalFolder(settings.dataDir), {
      durability,
      maxBytes: limits.journalMaxBytes,
      diskReserveBytes: limits.diskReserveBytes,
      keepMaxBytes: limits.forwardKeepBytes,
      ...(heldPosition === undefined ? {} : { heldFrom: heldPosition }),
      onEvict: async ({ sequence, amount }, reason) => {
        const { addEviction } = await import('#exporters/forward/forward-state.ts');
        await addEviction(settings.dataDir, { sequence, amount, reason });
      },
      ...(releasedPosition === undefined ? {} : { startAfter: releasedPosition }),
      onCommitted: () => this.advancedSoon(),
      nowMs,
      log,
    });
    // Its failure is met in start(); until then it must not count as unhandled.
    this.opening.catch(() => undefined);
  }
  get addresses(): RunningCollector['addresses'] {
    const listeners = Object.assign({}, ...this.listeners.map(({ addresses }) => addresses)) as Record<string, string>;
    return { ingest: this.http?.account.address ?? '', otlpGrpc: this.grpc?.account.address ?? '', ...listeners };
  }

  async start(): Promise<void> {
    const { settings, nowMs, log } = this;
    const { limits, retentionSeconds } = settings;
    const budget = new MemoryBudget(limits.maxInFlightBytes);
    const append = (entry: JournalEntry, sender?: string): Promise<JournalPosition> =>
      this.journal ? this.append(this.journal, entry, sender) : this.opening.then((journal) => this.append(journal, entry, sender));
    const receiver = createReceiver({ append, limits, retentionSeconds, budget, nowMs });
    receiver.options.rates.setLimits(this.sourceLimits);
    receiver.options.leftOut.setLimits(this.sourceLimits);
    this.receiver = receiver;
    try {
      this.http = await opened('ingest', settings.ingest, (address) =>
        startHttpServer({ address, receiver, nowMs, log, grpcAddress: () => this.addresses.otlpGrpc, health: () => this.health() }),
      );
      this.grpc = await opened('otlpGrpc', settings.otlpGrpc, (address) =>
        startGrpcServer({ address, server: settings.otlpGrpcServer, receiver, nowMs, log, httpAddress: () => this.addresses.ingest }),
      );
      if (LISTENERS.some((key) => settings.listeners?.[key])) await this.startListeners(settings.listeners as Listeners, receiver);
      this.journal = await this.opening;
      this.sourceBytes.recover(journalFolder(settings.dataDir), this.journal.committed);
      await this.startScraping(append);
      await this.startTailing(this.journal);
      await this.startHostMetrics(this.journal);
    } catch (error) {
      await this.stop(0);
      throw error;
    }
    this.statusTimer = setInterval(() => {
      this.send({ type: 'collector-status', status: this.status() });
      if (this.sourceBytes.hasLimits) void this.sourceBytes.save().then(() => this.release(this.releasable));
      void this.startDemoScraping(append).catch((error: Error) => log(`cannot scrape the demo's hosts: ${error.message}`));
    }, STATUS_MS);
    // The ports are open: now the parts the first request would otherwise wait for.
    setImmediate(
      () =>
        void Promise.all([receiver.warmUp(), this.grpc?.warmUp(), loadWriteCheck()]).catch((error: Error) => log(`BUG: ${error.stack}`)),
    );
  }
  private append(journal: Journal, entry: JournalEntry, sender?: string): Promise<JournalPosition> {
    if (!this.sourceBytes.hasLimits) return journal.append(entry, sender);
    return this.sourceBytes.append(entry, sender, (each, from) => journal.append(each, from));
  }
  private async startListeners(listeners: Listeners, receiver: Receiver): Promise<void> {
    // Loaded by whoever asks for them only.
    const { startListeners } = await import('./start-listeners.ts');
    const { nowMs, log } = this;
    this.listeners = await startListeners({ listeners, receiver, nowMs, log });
  }
  private async startScraping(append: (entry: JournalEntry) => Promise<JournalPosition>): Promise<void> {
    const { prometheusConfig } = this.settings;
    if (prometheusConfig === null) return;
    await this.scrape(prometheusConfig, append);
  }
  /**
   * Without a configuration of the operator's: the demo shop's hosts, as soon as it has written where they are. The
   * code that scrapes is not loaded before somebody needs it.
   */
  private async startDemoScraping(append: (entry: JournalEntry) => Promise<JournalPosition>): Promise<void> {
    if (this.demoScraping || this.settings.prometheusConfig !== null || this.stopping) return;
    const folder = path.join(this.settings.dataDir, DEMO_FOLDER);
    const targets = statSync(path.join(folder, DEMO_TARGETS_FILE), { throwIfNoEntry: false });
    if (!targets || targets.size <= '[]'.length) return;
    this.demoScraping = true;
    await this.scrape(path.join(folder, DEMO_PROMETHEUS_FILE), append);
  }
  private async scrape(configFile: string, append: (entry: JournalEntry) => Promise<JournalPosition>): Promise<void> {
    const { limits, retentionSeconds } = this.settings;
    const { startScraping } = await import('#collectors/prometheus/scrape-manager.ts');
    try {
      this.scraping = startScraping({ configFile, append, limits, retentionSeconds, nowMs: this.nowMs, log: this.log });
    } catch (cause) {
      if (cause instanceof FaultlineError) throw cause;
      throw new FaultlineError('config_invalid', (cause as Error).message, { cause });
    }
  }

  /** Also without files to read: what an earlier run read of some must go from the journal into the book before the journal goes. */
  private async startTailing(journal: Journal): Promise<void> {
    const { dataDir, tails = [], limits, retentionSeconds } = this.settings;
    if (tails.length === 0 && !existsSync(path.join(dataDir, TAIL_BOOK_FILE))) return;
    const { startTailing } = await import('#collectors/tail/tail-files.ts');
    this.tailing = startTailing({
      tails,
      dataDir,
      journalDir: journalFolder(dataDir),
      append: (entry) => this.append(journal, entry),
      committed: () => journal.committed,
      limits,
      retentionSeconds,
      onSaved: () => this.release(this.releasable),
      nowMs: this.nowMs,
      log: this.log,
    });
  }
  private async startHostMetrics(journal: Journal): Promise<void> {
    const { dataDir, hostMetricsMs, retentionSeconds } = this.settings;
    if (hostMetricsMs === undefined) return;
    const { startHostMetrics } = await import('#collectors/host/host-metrics.ts');
    const append = (entry: JournalEntry): Promise<JournalPosition> => this.append(journal, entry);
    this.hostMetrics = startHostMetrics({ intervalMs: hostMetricsMs, dataDir, append, retentionSeconds, nowMs: this.nowMs, log: this.log });
  }
  /** Segments of which the tails' book and that of the bytes by source do not know yet what they say stay. */
  private release(position: JournalPosition): void {
    this.releasable = position;
    void this.opening
      .then((journal) => {
        const { tailing } = this;
        tailing?.want(position);
        // A store that is ahead has lost its journal: there is nothing in it to keep.
        const booked = Math.min(tailing?.safePosition ?? Number.MAX_SAFE_INTEGER, this.sourceBytes.safePosition);
        journal.release(position <= journal.committed ? Math.min(position, booked) : position);
      })
      .catch(() => undefined);
  }

  onMessage(message: ToChild): void {
    if (message.type === 'released') this.release(message.position);
    else if (message.type === 'held') void this.opening.then((journal) => journal.hold(message.position)).catch(() => undefined);
    else if (message.type === 'source-limits')
      void this.opening.then((journal) => this.takeLimits(journal, message)).catch(() => undefined);
    else if (message.type === 'left-out') this.receiver?.options.leftOut.hear(message);
    else if (message.type === 'engine-state') this.engineState = message.state;
  }
  private takeLimits(journal: Journal, { limits, fullOfSeries }: SourceLimitsNews): void {
    this.sourceBytes.setLimits(limits, journal.committed);
    const { rates, leftOut, fullOfSeries: known } = (this.receiver as Receiver).options;
    rates.setLimits(limits);
    leftOut.setLimits(limits);
    known.clear();
    for (const source of fullOfSeries) known.add(source);
  }
  private advancedSoon(): void {
    this.advancedTimer ??= setTimeout(() => {
      this.advancedTimer = null;
      if (this.journal) this.send({ type: 'advanced', committed: this.journal.committed });
    }, ADVANCED_MS);
  }
  status(): CollectorStatus {
    const stats = this.journal?.stats();
    const { user, system } = process.cpuUsage();
    const refusing = this.stopping ? 'shutting_down' : (stats?.refusing ?? '');
    return {
      pid: process.pid,
      startedUnixMs: this.startedUnixMs,
      sources: [
        this.http?.account,
        this.grpc?.account,
        this.http?.writeAccount,
        ...(this.http?.pushAccounts ?? []),
        ...this.listeners.map((each) => each.account),
      ]
        .flatMap((account) => (account ? [account.status()] : []))
        .concat(this.scraping?.statuses() ?? [], this.tailing?.statuses() ?? [], this.hostMetrics ? [this.hostMetrics.status()] : []),
      senders: this.receiver?.options.senders.statuses() ?? [],
      ...(this.sourceBytes.hasLimits ? { limited: this.sourceBytes.statuses() } : {}),
      journal: {
        committed: this.journal?.committed ?? 0,
        released: this.journal?.released ?? 0,
        bytes: stats?.bytes ?? 0,
        keptBytes: stats?.keptBytes ?? 0,
        ackP50Ms: stats?.ackP50Ms ?? 0,
        ackP99Ms: stats?.ackP99Ms ?? 0,
      },
      diskFreeBytes: stats?.diskFreeBytes ?? 0,
      rssBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      accepting: refusing === '',
      refusing,
    };
  }
  /** What an open page needs while the engine does not answer. Nothing secret: any page of this machine may read it. */
  private health(): unknown {
    const { pid, accepting, refusing, journal } = this.status();
    return {
      status: accepting ? 'ok' : 'refusing',
      collector: { state: this.stopping ? 'stopped' : 'running', pid, accepting, refusing, startedMs: this.startedUnixMs },
      engine: { state: this.engineState },
      journal,
    };
  }

  stop(deadlineMs: number): Promise<void> {
    this.stopping ??= this.shutDown(deadlineMs);
    return this.stopping;
  }
  /** Sources first: what they still append must find the journal open. */
  private async shutDown(deadlineMs: number): Promise<void> {
    if (this.statusTimer) clearInterval(this.statusTimer);
    const listeners = this.listeners.map((each) => each.close(deadlineMs));
    await Promise.all([
      this.scraping?.stop(),
      this.tailing?.stop(),
      this.hostMetrics?.stop(),
      this.http?.close(deadlineMs),
      this.grpc?.close(deadlineMs),
      ...listeners,
    ]);
    await this.sourceBytes.save();
    await this.opening.then((journal) => journal.close()).catch((error: Error) => this.log(`journal: ${error.message}`));
    if (this.advancedTimer) clearTimeout(this.advancedTimer);
    if (this.journal) {
      this.send({ type: 'advanced', committed: this.journal.committed });
      this.send({ type: 'collector-status', status: this.status() });
    }
  }
}
