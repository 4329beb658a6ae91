import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { BufferPool } from '#collectors/pipeline/buffer-pool.ts';
import { type ContentEncoding, claimedSize, DecompressError, decompress, freeInflated } from '#collectors/pipeline/decompress.ts';
import { FairTurns } from '#collectors/pipeline/fair-turns.ts';
import { JournalError } from '#collectors/pipeline/journal-error.ts';
import { LeftOutBook } from '#collectors/pipeline/left-out.ts';
import type { MemoryBudget, Reservation, Share } from '#collectors/pipeline/memory-budget.ts';
import { type SenderConnection, Senders } from '#collectors/pipeline/senders.ts';
import { SourceRates } from '#collectors/pipeline/source-rates.ts';
import type { BatchMeta } from '#contracts/forward-headers.ts';
import { BodyEncoding, BodyFormat, type JournalEntry, type JournalPosition, RecordKind } from '#contracts/journal.ts';
import { ALL_SOURCES } from '#contracts/processes.ts';
import { REASONS, type ReasonCode } from '#contracts/reasons.ts';
import type { Limits } from '#contracts/settings.ts';
import type { OtlpKind } from '#protos/field-table.ts';
import type { CheckResult } from './check.ts';
import { firstService } from './first-service.ts';
import { Refusal } from './receiver-refusal.ts';

export interface ReceiverOptions {
  readonly append: (entry: JournalEntry, sender?: string) => Promise<JournalPosition>;
  readonly limits: Limits;
  /** 0 = off. */
  readonly retentionSeconds: number;
  readonly budget: MemoryBudget;
  readonly senders: Senders;
  /** Whose body is worked on next. */
  readonly turns: FairTurns;
  readonly nowMs: () => number;
  /** Hard limits of sources. */
  readonly rates: SourceRates;
  /** Sources that have no room for series of metrics today: the engine leaves such points out, and the sender is told. */
  readonly fullOfSeries: Set<string>;
  readonly leftOut: LeftOutBook;
}
export interface OtlpRequest {
  readonly kind: OtlpKind;
  readonly format: 'protobuf' | 'json';
  readonly encoding: ContentEncoding;
  /** As sent; lent until receive() settles. */
  readonly body: Uint8Array;
  readonly account: SourceAccount;
  /** Whose share it takes; absent: nobody's. */
  readonly connection?: SenderConnection;
  /** What a forwarding console says of the body. */
  readonly forwarded?: Forwarded;
  /** For a body of another protocol, with the format json (it costs as much): how it becomes OTLP. */
  readonly transcode?: Transcode;
  /** Bytes it becomes on the way, where its compression is the protocol's own. @throws DecompressError */
  readonly plainBytes?: (body: Uint8Array, limits: Limits) => number;
}
/** @param plain decompressed @throws OtlpError when nothing in it can be read */
export type Transcode = (plain: Uint8Array, limits: Limits) => Promise<Transcoded>;
export interface Transcoded {
  /** ExportTraceServiceRequest or its sisters, protobuf. */
  readonly body: Uint8Array;
  /** Items that could not be read: refused, while the rest is kept. */
  readonly unreadable: number;
  /** The first of them; '' without any. */
  readonly problem: string;
}
export interface Forwarded {
  readonly batch: string;
  /** When that console took it in; null: not said. */
  readonly arrivalUnixNano: bigint | null;
}
/** What the answer must state about an acknowledged request. */
export interface Receipt {
  readonly rejected: number;
  /** '' when nothing was rejected. */
  readonly message: string;
}
export interface Receiver {
  readonly options: ReceiverOptions;
  /** Memory the bodies of all protocols are collected in. */
  readonly pool: BufferPool;
  /**
   * Inflates, checks, appends; resolves once what was taken in is durable.
   * @throws Refusal; everything else is a bug
   */
  receive(request: OtlpRequest): Promise<Receipt>;
  /** Loads the check before the first request needs it. */
  warmUp(): Promise<unknown>;
}

const KIND = { traces: RecordKind.traces, metrics: RecordKind.metrics, logs: RecordKind.logs, profiles: RecordKind.profiles } as const;
const ENCODING = { identity: BodyEncoding.identity, gzip: BodyEncoding.gzip, zstd: BodyEncoding.zstd } as const;
const ITEM = { traces: 'spans', metrics: 'data points', logs: 'log records', profiles: 'profiles' } as const;
const POOL_IDLE_BYTES = 32 * 1024 * 1024;
/** What a body without a stated size is taken to inflate to, for the budget. */
const GUESSED_RATIO = 8;

/** The checked body, and how the journal keeps it. */
interface Checked {
  readonly items: number;
  readonly rejected: number;
  readonly reasons: ReadonlyMap<string, number>;
  readonly body: Uint8Array;
  readonly encoding: BodyEncoding;
  readonly unreadable: number;
  readonly problem: string;
}

/** Loaded on first use: generated tables cost a tenth of a second, and the ports must be open before that. */
let checking: Promise<typeof import('./check.ts')> | null = null;
let checkModule: typeof import('./check.ts') | null = null;
function loadCheck(): Promise<typeof import('./check.ts')> {
  checking ??= import('./check.ts').then((module) => {
    checkModule = module;
    return module;
  });
  return checking;
}
const loadTranscoder = () => import('./json.ts');

export function createReceiver(given: Omit<ReceiverOptions, 'senders' | 'turns' | 'rates' | 'fullOfSeries' | 'leftOut'>): Receiver {
  const fullOfSeries = new Set<string>();
  const options: ReceiverOptions = {
    ...given,
    senders: new Senders(given.nowMs),
    turns: new FairTurns(),
    rates: new SourceRates(given.limits.sources, given.nowMs),
    fullOfSeries,
    leftOut: new LeftOutBook(fullOfSeries),
  };
  return {
    options,
    pool: new BufferPool(POOL_IDLE_BYTES),
    warmUp: loadCheck,
    receive: async (request) => {
      try {
        return await receive(options, request);
      } catch (error) {
        throw refusalOf(error);
      }
    },
  };
}
/** Errors of the stages carry their reason; anything else passes. */
function refusalOf(error: unknown): unknown {
  if (error instanceof DecompressError || error instanceof JournalError) return new Refusal(error.reason, error.message);
  return error;
}

async function receive(options: ReceiverOptions, request: OtlpRequest): Promise<Receipt> {
  const { limits, budget, senders, turns } = options;
  const { body, connection } = request;
  if (body.length > limits.maxBodyBytes)
    throw new Refusal('body_too_large', `The body has ${body.length} bytes, the limit is ${limits.maxBodyBytes}`);
  // Compressed, it tells its service when it is inflated; a new connection's first bytes were looked into before (receiver-body.ts).
  if (connection && request.format === 'protobuf' && request.encoding === 'identity') senders.learn(connection, firstService(body));
  const sender = connection?.sender;
  const extraBytes = workingBytes(request, limits);
  const reservation = reserveBeside(budget, body, extraBytes, sender ?? null);
  try {
    const turn = turns.enter(sender?.key ?? request.account.source, body.length + extraBytes);
    if (turn) await turn;
    const receivedUnixNano = arrivalOf(options, request.forwarded);
    const checked = await check(options, request, receivedUnixNano);
    withinRate(options, request.account.source, checked.items);
    const over = checked.body.length > 0 ? await append(options, request, checked, receivedUnixNano) : '';
    if (over !== '') return { rejected: checked.items, message: over };
    request.account.accept(request.kind, checked.items - checked.rejected, body.length);
    if (connection) senders.accepted(connection, body.length);
    if (checked.unreadable > 0) request.account.refuse('malformed', checked.problem, checked.unreadable);
    return { rejected: checked.rejected, message: partialMessage(request.kind, checked) || seriesWarning(options, request) };
  } finally {
    reservation.free();
  }
}
/** @throws Refusal source_rate */
export function withinRate({ rates }: ReceiverOptions, source: string, items: number): void {
  const limit = rates.take(source, items);
  if (limit !== null) throw new Refusal('source_rate', `${source} sends more than ${limit} items a second`);
}
/**
 * Our clock; for a forwarded body the arrival at the first console, so that items without a time of their own get the same
 * time in both. Only where it lies within the retention: a body must not choose how long it is kept.
 */
export function arrivalOf({ nowMs, retentionSeconds }: ReceiverOptions, forwarded: Forwarded | undefined): bigint {
  const now = BigInt(nowMs()) * 1_000_000n;
  const first = forwarded?.arrivalUnixNano ?? null;
  if (first === null || first > now) return now;
  return retentionSeconds > 0 && now - first > BigInt(retentionSeconds) * 1_000_000_000n ? now : first;
}
/**
 * Memory a request takes beside its body, of which the pool may give twice as much.
 * @throws Refusal: for good where no one else need hold anything for it to be too much
 */
export function reserveBeside(budget: MemoryBudget, { length }: Uint8Array, bytes: number, share: Share | null): Reservation {
  if (length * 2 + bytes > budget.maxBytes)
    throw new Refusal(
      'decompressed_too_large',
      `A body of ${length} bytes takes ${bytes} more to be read, limits.maxInFlightBytes is ${budget.maxBytes}`,
      'Send smaller batches or raise limits.maxInFlightBytes.',
    );
  const reservation = budget.reserve(bytes, share);
  if (!reservation) throw new Refusal(budget.denial);
  return reservation;
}
/** Memory the request takes beside its body as sent. */
function workingBytes({ body, encoding, format, plainBytes }: OtlpRequest, limits: Limits): number {
  const own = plainBytes?.(body, limits);
  const claimed = own ?? (encoding === 'identity' ? body.length : claimedSize(body, encoding) || body.length * GUESSED_RATIO);
  const plain = Math.min(claimed, limits.maxDecompressedBytes);
  // JSON: the text, what the parser makes of it, and the message. One is read at a time: a large one counts as half of the memory.
  const reading = format === 'json' ? Math.min(plain * 4, limits.maxInFlightBytes / 2) : 0;
  return (encoding === 'identity' && own === undefined ? 0 : plain) + reading;
}
async function check(options: ReceiverOptions, request: OtlpRequest, receivedUnixNano: bigint): Promise<Checked> {
  const { limits, retentionSeconds } = options;
  const { kind, format, encoding } = request;
  const plain = await decompress(request.body, encoding, limits.maxDecompressedBytes);
  // An import, even of what is loaded, costs 28 µs: a twentieth of a request.
  const { checkOtlp } = checkModule ?? (await loadCheck());
  const context = { limits, receivedUnixNano, retentionSeconds };
  const { connection } = request;
  if (format === 'protobuf') {
    if (connection && encoding !== 'identity') options.senders.learn(connection, firstService(plain));
    const { items, rejected, rejectedReasons } = accepted(checkOtlp(kind, plain, context));
    // Kept as received: an eighth of the disk, and nothing to write twice.
    const body = plain.length === 0 ? plain : request.body;
    if (body !== plain) freeInflated(plain);
    return { items, rejected, reasons: rejectedReasons, body, encoding: ENCODING[encoding], unreadable: 0, problem: '' };
  }
  const { body, unreadable, problem } = await transcode(request, plain, limits);
  if (body.length > limits.maxDecompressedBytes)
    throw new Refusal('decompressed_too_large', `The body becomes ${body.length} bytes, the limit is ${limits.maxDecompressedBytes}`);
  if (connection) options.senders.learn(connection, firstService(body));
  const { items, rejected, rejectedReasons } = accepted(checkOtlp(kind, body, context));
  return { items, rejected, reasons: rejectedReasons, body, encoding: BodyEncoding.identity, unreadable, problem };
}
function accepted(result: CheckResult): Extract<CheckResult, { ok: true }> {
  if (!result.ok) throw new Refusal(result.reason, result.message);
  return result;
}
/** JSON, and what other protocols sent, becomes protobuf before the journal: refused here if at all, and decoded by one decoder only. */
async function transcode({ kind, transcode: other }: OtlpRequest, plain: Uint8Array, limits: Limits): Promise<Transcoded> {
  try {
    if (other) return await other(plain, limits);
    const { transcodeJson } = await loadTranscoder();
    return { body: transcodeJson(kind, plain, limits), unreadable: 0, problem: '' };
  } catch (error) {
    const reason = (error as { reason?: ReasonCode }).reason;
    if (reason !== undefined && reason in REASONS) throw new Refusal(reason, (error as Error).message);
    throw error;
  }
}
/** Sources that can be told of items that are not taken, in a partial success. */
const PARTIAL: readonly string[] = ['otlp-http', 'otlp-grpc', 'import'];
/**
 * @returns why nothing of it was taken, for a partial success: what is over the limit of the day would be refused again however often it is
 * sent; '' once it is durable
 */
async function append(options: ReceiverOptions, request: OtlpRequest, checked: Checked, receivedUnixNano: bigint): Promise<string> {
  try {
    await appendChecked(options, request, checked, receivedUnixNano);
    return '';
  } catch (error) {
    const { account, connection, transcode } = request;
    const isOver = error instanceof JournalError && error.reason === 'source_bytes';
    if (!isOver || transcode || !PARTIAL.includes(account.kind)) throw error;
    const { sentence } = new Refusal(error.reason, error.message);
    account.refuse(error.reason, sentence);
    if (connection) options.senders.refused(connection);
    return sentence;
  }
}
/** OTLP: a partial success that rejects nothing is a warning. */
function seriesWarning({ fullOfSeries }: ReceiverOptions, { kind, account: { source } }: OtlpRequest): string {
  if (kind !== 'metrics') return '';
  if (fullOfSeries.has(ALL_SOURCES)) return 'there are as many series as limits.maxSeries allows: points of further series are not stored';
  if (!fullOfSeries.has(source)) return '';
  return `${source} has as many active series as its limit allows it today: points of further series are not stored`;
}
async function appendChecked(options: ReceiverOptions, request: OtlpRequest, checked: Checked, receivedUnixNano: bigint): Promise<void> {
  const entry: JournalEntry = {
    kind: KIND[request.kind],
    format: BodyFormat.protobuf,
    encoding: checked.encoding,
    receivedUnixNano,
    retentionSeconds: options.retentionSeconds,
    items: checked.items,
    source: request.account.source,
    meta: request.forwarded ? JSON.stringify({ batch: request.forwarded.batch } satisfies BatchMeta) : '',
    body: checked.body,
  };
  await options.append(entry, request.connection?.sender.key);
}
function partialMessage(kind: OtlpKind, { items, rejected, reasons }: Checked): string {
  if (rejected === 0) return '';
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason} (${REASONS[reason as ReasonCode]?.says ?? 'unknown reason'})`);
  return `${rejected} of ${items} ${ITEM[kind]} rejected: ${parts.join('; ')}`;
}
