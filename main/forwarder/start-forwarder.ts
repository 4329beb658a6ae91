import { mkdirSync, unwatchFile, watchFile } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import path from 'node:path';
import { JournalIndex } from '#collectors/pipeline/journal-index.ts';
import { openJournalReader } from '#collectors/pipeline/journal-reader.ts';
import type { Destination, ForwarderStatus, ForwardFile } from '#contracts/forwarding.ts';
import { type JournalPosition, type JournalRecord, positionOf, RecordKind, segmentOf } from '#contracts/journal.ts';
import type { ParentPort, ToChild } from '#contracts/processes.ts';
import type { Settings } from '#contracts/settings.ts';
import { DestinationQueue, type QueueSettings, type QueueWorld } from '#exporters/forward/destination-queue.ts';
import {
  forwardFolder,
  instanceId,
  readEvictions,
  readForwardFile,
  readForwardState,
  removeOtherStates,
  writeForwardState,
} from '#exporters/forward/forward-state.ts';
import { batchIdOf } from '#exporters/otlp/batch-id.ts';
import { postOtlp } from '#exporters/otlp/post-otlp.ts';
import { destinationsOf } from './destinations.ts';
import { prepareBody } from './prepare-body.ts';
import { ScrapeConverter } from './scrape-converter.ts';

export interface ForwarderOptions {
  readonly settings: Settings;
  readonly send: ParentPort['send'];
  readonly log?: (line: string) => void;
}
export interface RunningForwarder {
  onMessage(message: ToChild): void;
  status(): ForwarderStatus;
  stop(graceMs: number): Promise<void>;
}
const STATUS_MS = 1_000;
const journalFolder = (dataDir: string): string => path.join(dataDir, 'journal');

const settingsOf = (destination: Destination, { control }: ForwardFile): QueueSettings => ({
  name: destination.name,
  signals: destination.signals,
  maxQueueBytes: destination.maxQueueBytes,
  maxQueueSeconds: destination.maxQueueSeconds,
  paused: control[destination.name]?.paused ?? false,
  revision: control[destination.name]?.revision ?? 0,
});

/** One destination: its queue, and how its requests leave. */
class Line {
  destination: Destination;
  readonly queue: DestinationQueue;
  private agent: HttpAgent | HttpsAgent;

  constructor(destination: Destination, settings: QueueSettings, forwarder: Forwarder) {
    this.destination = destination;
    this.agent = agentFor(destination);
    const { dataDir, limits } = forwarder.settings;
    const converter = new ScrapeConverter(limits);
    const world: QueueWorld = {
      nowMs: Date.now,
      random: Math.random,
      timer: (ms, wake) => {
        const timer = setTimeout(wake, ms);
        return () => clearTimeout(timer);
      },
      open: async (from) => {
        await prime(journalFolder(dataDir), from, (record) => prepareBody(record, { converter, limits, compression: 'none' }));
        return openJournalReader(journalFolder(dataDir), from);
      },
      prepare: (record) => prepareBody(record, { converter, limits, compression: this.destination.compression }),
      send: (record, body, signal) =>
        postOtlp(
          { ...this.destination, agent: this.agent },
          { ...body, batchId: batchIdOf(forwarder.instance, record, body.signal), arrivalUnixNano: record.receivedUnixNano },
          { nowMs: Date.now, signal, onBytes: (bytes) => forwarder.countEgress(bytes) },
        ),
      save: (state) => writeForwardState(dataDir, settings.name, state),
      waiting: (position, passed) => forwarder.index.after(position, passed),
      evictions: () => readEvictions(dataDir),
      log: forwarder.log,
    };
    this.queue = new DestinationQueue(settings, readForwardState(dataDir, settings.name, forwarder.log), world);
  }
  change(destination: Destination, settings: QueueSettings): void {
    if (JSON.stringify(destination) !== JSON.stringify(this.destination)) {
      // Connections of the former address are left to end by themselves.
      this.agent = agentFor(destination);
      this.destination = destination;
    }
    this.queue.change(settings);
  }
}
const agentFor = ({ url }: Destination): HttpAgent | HttpsAgent => {
  const options = { keepAlive: true, maxSockets: 8, timeout: 60_000 };
  return url.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options);
};
/** Decodes the scrapes of up to two segments before `from`, for what the first ones after it are compared with; see ScrapeConverter. */
async function prime(dir: string, from: JournalPosition, decode: (record: JournalRecord) => Promise<unknown>): Promise<void> {
  if (from === 0) return;
  const reader = await openJournalReader(dir, positionOf(Math.max(0, segmentOf(from) - 1), 0));
  try {
    for (;;) {
      const records = await reader.read(4 * 1024 * 1024);
      if (records.length === 0) return;
      for (const record of records) {
        if (record.position >= from) return;
        if (record.kind === RecordKind.scrape) await decode(record);
      }
    }
  } finally {
    await reader.close();
  }
}

class Forwarder implements RunningForwarder {
  readonly settings: Settings;
  readonly log: (line: string) => void;
  readonly index: JournalIndex;
  instance = '';
  private readonly send: ParentPort['send'];
  private readonly startedUnixMs = Date.now();
  private readonly lines = new Map<string, Line>();
  private egressBytes = 0;
  private held: JournalPosition = -1;
  private timer: NodeJS.Timeout | null = null;
  private following: Promise<void> = Promise.resolve();
  private stopping: Promise<void> | null = null;

  constructor({ settings, send, log = console.error }: ForwarderOptions) {
    this.settings = settings;
    this.send = send;
    this.log = log;
    this.index = new JournalIndex(journalFolder(settings.dataDir));
  }
  countEgress(bytes: number): void {
    this.egressBytes += bytes;
  }
  async start(): Promise<void> {
    // On a new data folder this process may be here before the one that writes the journal.
    mkdirSync(journalFolder(this.settings.dataDir), { recursive: true });
    this.instance = await instanceId(this.settings.dataDir);
    await this.follow();
    this.timer = setInterval(() => void this.tick(), STATUS_MS);
    // The word that the file has changed may be lost with a process.
    watchFile(path.join(forwardFolder(this.settings.dataDir), 'destinations.json'), { interval: 2_000 }, () => void this.followSoon());
    await this.tick();
  }
  onMessage(message: ToChild): void {
    if (message.type === 'forwarding-changed') void this.followSoon();
  }
  private followSoon(): Promise<void> {
    this.following = this.following
      .then(() => this.follow())
      .then(() => this.tick())
      .catch((error: Error) => this.log(`forwarding: the destinations cannot be read, the former stay: ${error.message}`));
    return this.following;
  }
  private async follow(): Promise<void> {
    if (this.stopping) return;
    const file = readForwardFile(this.settings.dataDir);
    const wanted = new Map(destinationsOf(this.settings, file).map((destination) => [destination.name, destination]));
    for (const [name, line] of this.lines) {
      if (wanted.has(name)) continue;
      this.lines.delete(name);
      await line.queue.stop(0);
    }
    // One that is added again begins anew: what lay between is no longer there to be sent or counted.
    removeOtherStates(this.settings.dataDir, wanted);
    for (const [name, destination] of wanted) {
      const settings = settingsOf(destination, file);
      const line = this.lines.get(name);
      if (line) line.change(destination, settings);
      else {
        const fresh = new Line(destination, settings, this);
        this.lines.set(name, fresh);
        fresh.queue.start();
      }
    }
  }
  private async tick(): Promise<void> {
    try {
      const needed = Math.min(...[...this.lines.values()].map(({ queue }) => queue.held));
      await this.index.update(Number.isFinite(needed) ? needed : Number.MAX_SAFE_INTEGER);
    } catch (error) {
      this.log(`forwarding: the journal cannot be looked through: ${(error as Error).message}`);
    }
    this.tellHeld();
    this.send({ type: 'forwarder-status', status: this.status() });
  }
  private tellHeld(): void {
    const held = Math.min(...[...this.lines.values()].map(({ queue }) => queue.held));
    if (held === this.held || !Number.isFinite(held)) return;
    this.held = held;
    this.send({ type: 'held', position: held });
  }
  status(): ForwarderStatus {
    const { user, system } = process.cpuUsage();
    return {
      pid: process.pid,
      startedUnixMs: this.startedUnixMs,
      cpuSeconds: (user + system) / 1e6,
      rssBytes: process.memoryUsage.rss(),
      egressBytes: this.egressBytes,
      destinations: [...this.lines.values()].map(({ queue }) => queue.status()),
    };
  }
  stop(graceMs: number): Promise<void> {
    this.stopping ??= this.shutDown(graceMs);
    return this.stopping;
  }
  private async shutDown(graceMs: number): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    unwatchFile(path.join(forwardFolder(this.settings.dataDir), 'destinations.json'));
    await Promise.all([...this.lines.values()].map(({ queue }) => queue.stop(graceMs)));
    this.tellHeld();
    this.send({ type: 'forwarder-status', status: this.status() });
  }
}

/** @throws when DATA/forward cannot be read or written */
export async function startForwarder(options: ForwarderOptions): Promise<RunningForwarder> {
  const forwarder = new Forwarder(options);
  await forwarder.start();
  return forwarder;
}
