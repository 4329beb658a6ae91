import type { FileRecord } from '#collectors/files/file-record.ts';
import { readLength, readTag, readVarint, skipField, WIRE_BYTES, wireInput } from '#collectors/otlp/wire.ts';
import { IMPORT_HEADER } from '#contracts/file-formats.ts';
import { ARRIVAL_HEADER, BATCH_ID_HEADER } from '#contracts/forward-headers.ts';
import { REASONS } from '#contracts/reasons.ts';

export interface SendResult {
  /** Items the receiver took. */
  readonly accepted: number;
  /** null when all were taken. */
  readonly refused: { readonly reason: string; readonly message: string } | null;
}
/** How long a busy or restarting receiver is asked again. */
const PATIENCE_MS = 60_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
const REASON_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'malformed',
  413: 'body_too_large',
  415: 'unsupported_content_type',
  429: 'backpressure',
  503: 'backpressure',
};

/** What the receiver is told of a request beside its content. */
export interface ImportOrigin {
  /** Batch id: the same request once more is left out. */
  readonly batch: string;
  /** Unix nanoseconds. */
  readonly arrival: string;
  readonly format: string;
}
/** Sends one request to the receiver as any client of its protocol would, and retries what OTLP calls retryable. */
export async function sendRecord(record: FileRecord, ingestUrl: string, origin: ImportOrigin, sleep = defaultSleep): Promise<SendResult> {
  const url = `${ingestUrl.replace(/\/$/, '')}${record.contentType === 'write2' ? '/api/v1/write' : `/v1/${record.signal}`}`;
  let waitedMs = 0;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    const answer = await post(url, record, origin);
    if ('result' in answer) return answer.result;
    const nextMs = Math.max(waitMs, Math.min(answer.retryAfterMs, LONGEST_WAIT_MS));
    if (waitedMs + nextMs > PATIENCE_MS) return { accepted: 0, refused: answer.refused };
    waitedMs += nextMs;
    await sleep(nextMs);
  }
}
const defaultSleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
type Refusal = NonNullable<SendResult['refused']>;

function headersOf(record: FileRecord, { batch, arrival, format }: ImportOrigin): Record<string, string> {
  const own = { [BATCH_ID_HEADER]: batch, [ARRIVAL_HEADER]: arrival, [IMPORT_HEADER]: format };
  if (record.contentType !== 'write2') return { ...own, 'content-type': record.contentType };
  const type = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';
  return { ...own, 'content-type': type, 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '2.0.0' };
}
async function post(
  url: string,
  record: FileRecord,
  origin: ImportOrigin,
): Promise<{ readonly result: SendResult } | { readonly refused: Refusal; readonly retryAfterMs: number }> {
  let response: Response;
  let body: Uint8Array;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: headersOf(record, origin),
      body: record.body as Uint8Array<ArrayBuffer>,
      signal: AbortSignal.timeout(60_000),
    });
    body = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    const cause = (error as { cause?: Error }).cause?.message ?? (error as Error).message;
    return { refused: { reason: 'unreachable', message: `cannot send to ${url}: ${cause}` }, retryAfterMs: 0 };
  }
  // Remote write answers 400 also where it took some: its headers say how many.
  if (record.contentType === 'write2' && [200, 204, 400].includes(response.status)) {
    const written = (kind: string): number => Number(response.headers.get(`x-prometheus-remote-write-${kind}-written`) ?? 0);
    const accepted = Math.min(record.items, written('samples') + written('histograms'));
    if (response.status !== 400) return { result: { accepted: record.items, refused: null } };
    return { result: { accepted, refused: { reason: 'malformed', message: new TextDecoder().decode(body).trim().slice(0, 1_000) } } };
  }
  if (response.ok) {
    const { rejected, message } = partialSuccess(body, record.contentType);
    const refused = rejected > 0 ? { reason: reasonIn(message), message: message || `${rejected} items were rejected` } : null;
    return { result: { accepted: Math.max(0, record.items - rejected), refused } };
  }
  const refused = {
    reason: REASON_OF_STATUS[response.status] ?? 'malformed',
    message: statusMessage(body, response.headers.get('content-type') ?? '') || `HTTP ${response.status}`,
  };
  if (![429, 502, 503, 504].includes(response.status)) return { result: { accepted: 0, refused } };
  return { refused, retryAfterMs: Number(response.headers.get('retry-after') ?? 0) * 1000 || 0 };
}

/** The code most of the rejected items fell under: the answer says "3 of 5 spans rejected: 2 time_in_future, 1 invalid_id". */
function reasonIn(message: string): string {
  const said = [...message.matchAll(/(\d+) ([a-z_]+)/g)].filter(([, , code]) => Object.hasOwn(REASONS, code as string));
  return said.sort(([, a], [, b]) => Number(b) - Number(a))[0]?.[2] ?? 'malformed';
}

/** ExportPartialSuccess of the answer: field 1 is how many, field 2 why. */
function partialSuccess(body: Uint8Array, contentType: string): { rejected: number; message: string } {
  try {
    if (contentType === 'application/json') {
      const { partialSuccess: partial } = JSON.parse(new TextDecoder().decode(body)) as { partialSuccess?: Record<string, unknown> };
      const count = partial?.['rejectedSpans'] ?? partial?.['rejectedLogRecords'] ?? partial?.['rejectedDataPoints'];
      return { rejected: Number(count ?? 0), message: String(partial?.['errorMessage'] ?? '') };
    }
    const partial = bytesField(body, 1);
    return partial ? { rejected: numberField(partial, 1), message: textField(partial, 2) } : { rejected: 0, message: '' };
  } catch {
    return { rejected: 0, message: '' };
  }
}
/** Message of google.rpc.Status. */
function statusMessage(body: Uint8Array, contentType: string): string {
  try {
    if (contentType.includes('json')) return String((JSON.parse(new TextDecoder().decode(body)) as { message?: unknown }).message ?? '');
    if (contentType.includes('protobuf')) return textField(body, 2);
    return new TextDecoder().decode(body.subarray(0, 300));
  } catch {
    return '';
  }
}
function bytesField(body: Uint8Array, number: number): Uint8Array | null {
  const input = wireInput(body);
  while (input.pos < body.length) {
    const tag = readTag(input, body.length);
    if (tag === ((number << 3) | WIRE_BYTES)) {
      const length = readLength(input, body.length);
      return body.subarray(input.pos, input.pos + length);
    }
    skipField(input, tag, body.length);
  }
  return null;
}
const textField = (body: Uint8Array, number: number): string => new TextDecoder().decode(bytesField(body, number) ?? new Uint8Array());
function numberField(body: Uint8Array, number: number): number {
  const input = wireInput(body);
  while (input.pos < body.length) {
    const tag = readTag(input, body.length);
    if (tag === number << 3) return readVarint(input, body.length);
    skipField(input, tag, body.length);
  }
  return 0;
}
