import { type FileRecord, isRefused, type RefusedRecord } from '#collectors/files/file-record.ts';
import { FileError } from '#collectors/files/open-file.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { FILE_LIMITS } from '#contracts/file-formats.ts';
import type { ImportMeter, ImportResult, ImportTicket, TableMapping } from '#contracts/import-files.ts';
import { type OpenRecords, openRecords } from './open-records.ts';
import { sendRecord } from './send-record.ts';

/** Requests on their way at once: enough to share one journal sync, few enough to keep the file's order roughly. */
const IN_FLIGHT = 4;
const METER_MS = 200;
/** Codes after which nothing more can be sent: what is left waits for the next attempt, which leaves out what is here. */
const GONE = ['unreachable', 'backpressure'];

/** Lets the reading rest or end from outside. */
export class ImportControl {
  cancelled = false;
  private resting: Promise<void> | null = null;
  private wake: (() => void) | null = null;
  pause(): void {
    this.resting ??= new Promise((resolve) => {
      this.wake = resolve;
    });
  }
  resume(): void {
    this.wake?.();
    this.resting = null;
  }
  cancel(): void {
    this.cancelled = true;
    this.resume();
  }
  get paused(): Promise<void> | null {
    return this.resting;
  }
}
export interface ImportJob {
  readonly path: string;
  readonly name: string;
  readonly format: string;
  /** How much of the file counts; all of it by default. */
  readonly bytes?: number;
  readonly mapping: TableMapping | null;
  readonly ticket: ImportTicket;
  /** http://HOST:PORT of the collector's OTLP/HTTP receiver. */
  readonly ingestUrl: string;
  readonly control?: ImportControl;
  /** About five times a second, and at the end. */
  readonly onMeter?: (meter: ImportMeter) => void;
}

/**
 * Reads a file and sends what is in it to the receiver, so that an import is validated, journalled and counted as anything else that
 * arrives. Never throws for what is in the file: bad records are listed. The same file makes the same requests with the same batch ids:
 * what an earlier attempt sent is left out by the engine. @throws FaultlineError when the receiver is gone
 */
export async function runImport(job: ImportJob): Promise<ImportResult> {
  return new Import(job).run();
}

class Import {
  private readonly job: ImportJob;
  private readonly control: ImportControl;
  private readonly accepted = { traces: 0, logs: 0, metrics: 0 };
  private readonly refused: RefusedRecord[] = [];
  private refusedCount = 0;
  private minTimeMs: number | null = null;
  private maxTimeMs: number | null = null;
  private requests = 0;
  private doneRequests = 0;
  private readonly doneBeyond = new Set<number>();
  private items = 0;
  private meteredMs = 0;
  private failure: FaultlineError | null = null;
  private open: OpenRecords | null = null;

  constructor(job: ImportJob) {
    this.job = job;
    this.control = job.control ?? new ImportControl();
  }
  async run(): Promise<ImportResult> {
    const pending = new Set<Promise<void>>();
    try {
      for await (const record of this.records()) {
        await this.control.paused;
        if (this.control.cancelled || this.failure) break;
        if (isRefused(record)) {
          this.refuse(record);
          continue;
        }
        const sending = this.send(record, this.requests++).finally(() => pending.delete(sending));
        pending.add(sending);
        if (pending.size >= IN_FLIGHT) await Promise.race(pending);
        this.meter();
      }
    } finally {
      this.open?.close();
      await Promise.all(pending);
      this.meter(true);
    }
    if (this.failure) throw this.failure;
    const { accepted, refused, refusedCount, minTimeMs, maxTimeMs, job } = this;
    refused.sort((a, b) => (a.line ?? a.offset ?? 0) - (b.line ?? b.offset ?? 0));
    const cancelled = this.control.cancelled ? { cancelled: true } : {};
    return { file: job.name, format: job.format, accepted, refused, refusedCount, minTimeMs, maxTimeMs, ...cancelled };
  }

  private async *records(): AsyncGenerator<FileRecord | RefusedRecord> {
    const { path, name, format, bytes, mapping, ticket } = this.job;
    this.open = openRecords(path, format, { name, mapping, arrivalUnixNano: BigInt(ticket.arrivalUnixNano) }, bytes);
    if (!this.open) {
      yield { line: null, reason: 'unsupported_content_type', message: `files of the format "${format}" cannot be read` };
      return;
    }
    try {
      yield* this.open.records;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      yield { line: null, reason: error.reason, message: error.message };
    }
  }
  private async send(record: FileRecord, number: number): Promise<void> {
    const { ticket, ingestUrl, format } = this.job;
    // Acknowledged by an earlier attempt.
    if (number < ticket.doneRequests) {
      this.note(record, record.items);
      this.done(number);
      return;
    }
    const result = await sendRecord(record, ingestUrl, { batch: `${ticket.sender}.${number}`, arrival: ticket.arrivalUnixNano, format });
    if (result.refused && result.accepted === 0 && GONE.includes(result.refused.reason)) {
      this.failure ??= new FaultlineError(
        'import_stopped',
        `The console takes nothing more (${result.refused.message}). ${this.accepted.traces + this.accepted.logs + this.accepted.metrics} items are in.`,
      );
      return;
    }
    if (result.refused) this.refuse({ line: record.line, ...result.refused }, Math.max(1, record.items - result.accepted));
    this.note(record, result.accepted);
    this.done(number);
  }
  private note(record: FileRecord, accepted: number): void {
    this.accepted[record.signal] += accepted;
    this.items += record.items;
    if (accepted === 0) return;
    this.minTimeMs = smaller(this.minTimeMs, record.minTimeMs, Math.min);
    this.maxTimeMs = smaller(this.maxTimeMs, record.maxTimeMs, Math.max);
  }
  /** All requests before `doneRequests` are acknowledged. */
  private done(number: number): void {
    this.doneBeyond.add(number);
    while (this.doneBeyond.delete(this.doneRequests)) this.doneRequests++;
  }
  private refuse(record: RefusedRecord, count = 1): void {
    this.refusedCount += count;
    if (this.refused.length < FILE_LIMITS.listed) this.refused.push(record);
  }
  private meter(isLast = false): void {
    const now = performance.now();
    if (!isLast && now - this.meteredMs < METER_MS) return;
    this.meteredMs = now;
    const { items, refusedCount, doneRequests } = this;
    this.job.onMeter?.({ readBytes: this.open?.readBytes() ?? 0, items, refusedCount, doneRequests });
  }
}
const smaller = (a: number | null, b: number | null, pick: (...values: number[]) => number): number | null =>
  a === null ? b : b === null ? a : pick(a, b);
