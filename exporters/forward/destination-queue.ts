import type { DestinationStatus, Eviction, ForwardSignal, ForwardState } from '#contracts/forwarding.ts';
import { type JournalPosition, type JournalRecord, segmentOf } from '#contracts/journal.ts';
import { signalOf } from '../otlp/batch-id.ts';
import { backOffMs, type Verdict } from '../otlp/judge-answer.ts';
import { type Amounts, countLost, countRecord, keepDeadLetter, passRecord } from './forward-counters.ts';

/** What a queue needs of the world; tests bring their own, with a clock that stands still. */
export interface QueueWorld {
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Calls back once after so long; the returned function calls it off. */
  readonly timer: (ms: number, wake: () => void) => () => void;
  readonly open: (from: JournalPosition) => Promise<QueueReader>;
  /** Makes the request's body, in journal order; null: it cannot be made, for the reason given. */
  readonly prepare: (record: JournalRecord) => Promise<PreparedBody>;
  readonly send: (record: JournalRecord, body: SendableBody, signal: AbortSignal) => Promise<Verdict & { readonly status: number }>;
  /** Durable when it resolves. */
  readonly save: (state: ForwardState) => Promise<void>;
  /** What lies in the journal from a position on. */
  readonly waiting: (position: JournalPosition, passed: Amounts) => { readonly bytes: number; readonly amount: Amounts };
  readonly evictions: () => readonly Eviction[];
  readonly log: (line: string) => void;
}
/** A journal reader (collectors/pipeline/journal-reader.ts). */
export interface QueueReader {
  read(maxBytes: number): Promise<JournalRecord[]>;
  close(): Promise<void>;
}
export interface SendableBody {
  readonly signal: ForwardSignal;
  readonly bytes: Uint8Array;
  readonly encoding: 'gzip' | 'identity';
  readonly items: number;
}
export type PreparedBody = SendableBody | { readonly unreadable: string };
export interface QueueSettings {
  readonly name: string;
  readonly signals: readonly ForwardSignal[];
  readonly maxQueueBytes: number;
  readonly maxQueueSeconds: number;
  readonly paused: boolean;
  readonly revision: number;
}

/** One record on its way; jobs leave the line in journal order. */
interface Job {
  readonly record: JournalRecord;
  readonly body: PreparedBody | null;
  state: 'ready' | 'flying' | 'done';
  /** What to count when the job leaves the line: with the position, so that both are saved together. */
  settle: (state: ForwardState) => void;
}
const READ_BYTES = 4 * 1024 * 1024;
const LINE_BYTES = 32 * 1024 * 1024;
const LINE_JOBS = 256;
const IN_FLIGHT = 8;
const IDLE_MS = 250;
/** Position and counters are saved so often, or after so many records: what lies between is sent again after a kill. */
const SAVE_MS = 500;
const SAVE_JOBS = 500;
const STUCK = 'The queue cannot go on';
const NOTHING = new Uint8Array(0);
const skip = (): void => undefined;

/**
 * The queue to one destination: a second reader of the journal with a position of its own. One record is one request;
 * several are under way, the position moves in journal order. Nothing here can slow the collector.
 */
export class DestinationQueue {
  readonly state: ForwardState;
  private settings: QueueSettings;
  private readonly world: QueueWorld;
  private reader: QueueReader | null = null;
  private line: Job[] = [];
  private lineBytes = 0;
  private lastSegment: number;
  private failures = 0;
  private retryAtMs = 0;
  private error = '';
  private stopping = false;
  private unsaved = 0;
  private savedAtMs = 0;
  private savedPosition: JournalPosition;
  private readonly abort = new AbortController();
  private wakeUp: () => void = skip;
  private woken = false;
  private running: Promise<void> = Promise.resolve();

  constructor(settings: QueueSettings, state: ForwardState, world: QueueWorld) {
    this.settings = settings;
    this.state = state;
    this.world = world;
    this.savedPosition = state.position;
    this.lastSegment = segmentOf(state.position);
    this.liftBlock();
  }
  start(): void {
    this.running = this.run();
  }
  /** Limits, pause and a resumed block apply at once; a new address or header is the business of `world.send`. */
  change(settings: QueueSettings): void {
    this.settings = settings;
    this.liftBlock();
    this.retryAtMs = 0;
    this.wake();
  }
  /** Lets what is under way end (up to `graceMs`), saves. What had no answer is sent again by the next start. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    const calledOff = this.world.timer(graceMs, () => this.abort.abort());
    this.wake();
    await this.running;
    calledOff();
    await this.reader?.close();
  }
  /** Everything before it may be forgotten by the journal: sent or counted, and that is on disk. */
  get held(): JournalPosition {
    return this.savedPosition;
  }
  wake(): void {
    this.woken = true;
    this.wakeUp();
  }

  private liftBlock(): void {
    if (this.state.blocked && this.settings.revision > this.state.blocked.revision) {
      this.state.blocked = null;
      this.error = '';
    }
  }
  private async run(): Promise<void> {
    while (!this.stopping) {
      try {
        await this.turn();
      } catch (error) {
        // A disk that cannot be read or written: the way in has its own answer to that; here it is waited out.
        this.error = `${STUCK}: ${(error as Error).message}`;
        this.world.log(`forwarding to ${this.settings.name}: ${this.error}`);
        await this.rest(IDLE_MS * 20);
      }
    }
    while (this.line.some((job) => job.state === 'flying')) await this.rest(IDLE_MS);
    this.advance();
    await this.save().catch((error: Error) => this.world.log(`forwarding to ${this.settings.name}: cannot save: ${error.message}`));
  }
  private async turn(): Promise<void> {
    const { world } = this;
    const read = await this.fill();
    this.enforceLimits();
    const launched = this.launch();
    this.advance();
    if (this.unsaved >= SAVE_JOBS || (this.unsaved > 0 && world.nowMs() - this.savedAtMs >= SAVE_MS)) await this.save();
    if (launched || (read && this.line.length < LINE_JOBS)) return;
    const untilRetryMs = this.retryAtMs - world.nowMs();
    await this.rest(untilRetryMs > 0 ? Math.min(untilRetryMs, IDLE_MS * 4) : IDLE_MS);
  }

  /** Reads on while the line has room. @returns whether something came */
  private async fill(): Promise<boolean> {
    if (this.line.length >= LINE_JOBS || this.lineBytes >= LINE_BYTES) return false;
    this.reader ??= await this.world.open(this.state.position);
    const records = await this.reader.read(READ_BYTES);
    for (const record of records) {
      this.passGap(record);
      const signal = signalOf(record.kind);
      const wanted = signal !== null && this.settings.signals.includes(signal);
      const body = wanted ? await this.world.prepare(record) : null;
      // Not what it was made of: a scrape's text is ten times its request, and 256 of them may wait for a head that is stuck.
      this.line.push({ record: { ...record, body: NOTHING }, body, state: body === null ? 'done' : 'ready', settle: skip });
      this.lineBytes += sizeOf(body);
    }
    return records.length > 0;
  }
  /** Segments the collector had to give up lie between the last record and this one: their items are counted as dropped. */
  private passGap(record: JournalRecord): void {
    const from = this.lastSegment;
    const to = segmentOf(record.position);
    this.lastSegment = to;
    // A new destination begins with what is there; what went before it was never its own.
    if (to === from || from === 0) return;
    const position = this.line.at(-1)?.record.next ?? this.state.position;
    const lost = this.world.evictions().filter(({ sequence }) => sequence >= segmentOf(position) && sequence < to);
    if (lost.length === 0) return;
    const settle = (state: ForwardState): void => {
      for (const { sequence, reason, amount } of lost)
        countLost(state, reason, amount, sequence === segmentOf(state.position) ? state.passed : null, this.settings.signals);
    };
    // Counted just before the record behind the gap leaves the line.
    this.line.push({ record: { ...record, next: record.position, items: 0, kind: 0 as never }, body: null, state: 'done', settle });
  }

  /** The oldest goes when too much waits or it waited too long, unless it is under way. */
  private enforceLimits(): void {
    const { maxQueueBytes, maxQueueSeconds } = this.settings;
    const oldest = this.world.nowMs() - maxQueueSeconds * 1000;
    let waitingBytes = this.world.waiting(this.state.position, this.state.passed).bytes;
    for (const job of this.line) {
      const over = waitingBytes > maxQueueBytes;
      const late = Number(job.record.receivedUnixNano / 1_000_000n) < oldest;
      if (!over && !late) return;
      waitingBytes -= job.record.next - job.record.position;
      if (job.state !== 'ready') continue;
      job.state = 'done';
      const reason = over ? 'queue_full' : 'queue_too_old';
      job.settle = (state) => countRecord(state.counters.dropped, reason, itemsOf(job));
    }
  }

  private launch(): boolean {
    if (this.stopping || this.settings.paused || this.state.blocked || this.world.nowMs() < this.retryAtMs) return false;
    // After a failure one request finds out whether the destination is back.
    let room = (this.failures > 0 ? 1 : IN_FLIGHT) - this.line.filter((job) => job.state === 'flying').length;
    let launched = false;
    for (const job of this.line) {
      if (room <= 0) break;
      if (job.state !== 'ready') continue;
      if (job.body !== null && 'unreadable' in job.body) {
        this.fail(job, 0, 'unreadable', job.body.unreadable);
        continue;
      }
      room--;
      launched = true;
      job.state = 'flying';
      void this.fly(job, job.body as SendableBody);
    }
    return launched;
  }
  private async fly(job: Job, body: SendableBody): Promise<void> {
    const verdict = await this.world
      .send(job.record, body, this.abort.signal)
      .catch((error: Error): Verdict & { status: number } => ({ kind: 'retry', message: error.message, retryAfterMs: null, status: 0 }));
    job.state = 'ready';
    if (!this.abort.signal.aborted || verdict.kind === 'sent') this.take(job, body, verdict);
    this.wake();
  }
  private take(job: Job, body: SendableBody, verdict: Verdict & { readonly status: number }): void {
    switch (verdict.kind) {
      case 'sent':
        // One that was under way when another was told to wait does not end the wait.
        if (this.world.nowMs() >= this.retryAtMs) this.failures = 0;
        this.error = verdict.rejectedItems > 0 ? `The destination rejected ${verdict.rejectedItems} items: ${verdict.note}` : verdict.note;
        job.state = 'done';
        job.settle = ({ counters }) => {
          counters.sent[body.signal].requests++;
          counters.sent[body.signal].items += body.items;
          counters.sentBytes += body.bytes.length;
          counters.rejectedItems += verdict.rejectedItems;
        };
        break;
      case 'failed':
        if (this.world.nowMs() >= this.retryAtMs) this.failures = 0;
        this.fail(job, verdict.status, `http_${verdict.status}`, verdict.message);
        break;
      case 'blocked':
        this.state.blocked = { revision: this.settings.revision, message: verdict.message };
        this.unsaved++;
        break;
      case 'retry':
        this.backOff(verdict.message, verdict.retryAfterMs);
        break;
    }
  }
  private fail(job: Job, status: number, key: string, message: string): void {
    const { nowMs, log } = this.world;
    this.error = message;
    if (!(key in this.state.counters.failed)) log(`forwarding to ${this.settings.name}: refused for good: ${message}`);
    job.state = 'done';
    const atMs = nowMs();
    job.settle = (state) => {
      countRecord(state.counters.failed, key, itemsOf(job));
      keepDeadLetter(state, { atMs, signal: signalOf(job.record.kind) ?? '', items: itemsOf(job), status, message });
    };
  }
  /** Requests that were under way together fail together: that is one failure, and one wait. */
  private backOff(message: string, askedMs: number | null): void {
    const { nowMs, random, log } = this.world;
    this.state.counters.retries++;
    this.error = message;
    if (nowMs() < this.retryAtMs && askedMs === null) return;
    if (this.failures === 0) log(`forwarding to ${this.settings.name}: waiting: ${message}`);
    this.failures++;
    this.retryAtMs = Math.max(this.retryAtMs, nowMs() + backOffMs(this.failures, askedMs, random()));
  }

  /** Moves the position over what is settled, in journal order, and counts it in the same step. */
  private advance(): void {
    let count = 0;
    for (const job of this.line) {
      if (job.state !== 'done') break;
      job.settle(this.state);
      passRecord(this.state, job.record);
      this.lineBytes -= sizeOf(job.body);
      count++;
    }
    if (count === 0) return;
    this.line.splice(0, count);
    this.unsaved += count;
  }
  private async save(): Promise<void> {
    const { position } = this.state;
    const { unsaved } = this;
    this.savedAtMs = this.world.nowMs();
    await this.world.save(this.state);
    this.unsaved -= unsaved;
    this.savedPosition = position;
    if (this.error.startsWith(STUCK)) this.error = '';
  }

  private async rest(ms: number): Promise<void> {
    if (!this.woken)
      await new Promise<void>((resolve) => {
        const calledOff = this.world.timer(ms, resolve);
        this.wakeUp = () => {
          calledOff();
          resolve();
        };
      });
    this.woken = false;
  }

  status(): DestinationStatus {
    const { state, settings, world } = this;
    const { bytes, amount } = world.waiting(state.position, state.passed);
    const waiting = settings.signals.map((signal) => amount[signal]);
    const head = this.line.find((job) => job.state !== 'done');
    return {
      name: settings.name,
      state: this.stateName(head !== undefined),
      error: state.blocked?.message ?? this.error,
      retryAtMs: this.retryAtMs > world.nowMs() ? this.retryAtMs : null,
      queue: {
        requests: waiting.reduce((sum, each) => sum + Math.max(0, each.requests), 0),
        items: waiting.reduce((sum, each) => sum + Math.max(0, each.items), 0),
        bytes,
        oldestMs: head ? Number(head.record.receivedUnixNano / 1_000_000n) : null,
      },
      counters: structuredClone(state.counters),
      deadLetters: [...state.deadLetters],
    };
  }
  private stateName(busy: boolean): DestinationStatus['state'] {
    if (this.settings.paused) return 'paused';
    if (this.state.blocked) return 'blocked';
    if (this.failures > 0) return 'waiting';
    return busy ? 'sending' : 'idle';
  }
}
const sizeOf = (body: PreparedBody | null): number => (body !== null && 'bytes' in body ? body.bytes.length : 0);
const itemsOf = ({ body, record }: Job): number => (body !== null && 'items' in body ? body.items : record.items);
