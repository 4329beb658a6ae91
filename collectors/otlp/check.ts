import type { ReasonCode } from '#contracts/reasons.ts';
import type { Limits } from '#contracts/settings.ts';
import type { OtlpKind } from '#protos/field-table.ts';
import { canonicalOtlp } from './canonical.ts';
import * as T from './check-table.ts';
import { OtlpError } from './otlp-error.ts';
import { TIME_OK, TIME_REASONS, TimeWindow } from './time-window.ts';
import { isAscii, isValidUtf8 } from './utf8.ts';
import { malformed, readLength, readTag, readVarint, skipField, type WireInput, wireInput } from './wire.ts';

export interface CheckContext {
  readonly limits: Pick<Limits, 'maxDepth'>;
  /** Arrival, the same value the journal record keeps. */
  readonly receivedUnixNano: bigint;
  /** 0 = off. */
  readonly retentionSeconds: number;
}
export type CheckResult =
  | {
      readonly ok: true;
      /** Spans, log records or data points in the body. */
      readonly items: number;
      /** Those of them the decoder will drop, by reason: what partial_success says. */
      readonly rejected: number;
      readonly rejectedReasons: Map<string, number>;
    }
  | { readonly ok: false; readonly reason: ReasonCode; readonly message: string };

/**
 * An empty log record takes two bytes on the wire and some two hundred in columns: 64 MiB of them would take the
 * engine down, again at every replay. No honest batch comes near this many.
 */
export const MAX_ROWS = 1_048_576;

/** One body being checked. Positions are those of the item at hand, -1 = not seen. */
interface Check extends WireInput {
  readonly table: T.CheckTable;
  readonly window: TimeWindow;
  readonly maxDepth: number;
  items: number;
  rows: number;
  readonly rejected: Map<string, number>;
  /** A message in parts, or a oneof set twice: legal, and merged before anything is counted. */
  split: boolean;
  traceIdAt: number;
  traceIdLength: number;
  spanIdAt: number;
  spanIdLength: number;
  timeAt: number;
  otherTimeAt: number;
}

/** Length right, and not all zero. @returns false for what every OTLP receiver must call an invalid id */
function isUsableId(bytes: Uint8Array, at: number, length: number, wanted: number): boolean {
  if (at < 0 || length !== wanted) return false;
  for (let i = at; i < at + length; i++) if (bytes[i] !== 0) return true;
  return false;
}

function reject(check: Check, reason: string): void {
  check.rejected.set(reason, (check.rejected.get(reason) ?? 0) + 1);
}

/** Same order of questions as the decoder: ids first, then the time that will be stored. */
function judgeItem(check: Check, item: number): void {
  check.items++;
  const { view, window, bytes } = check;
  if (item === T.SPAN_ITEM) {
    const traceOk = isUsableId(bytes, check.traceIdAt, check.traceIdLength, 16);
    if (!traceOk || !isUsableId(bytes, check.spanIdAt, check.spanIdLength, 8)) {
      reject(check, 'invalid_id');
      return;
    }
  }
  const halves = (at: number): readonly [number, number] => (at < 0 ? [0, 0] : [view.getUint32(at, true), view.getUint32(at + 4, true)]);
  let [lo, hi] = halves(check.timeAt);
  if (lo === 0 && hi === 0) [lo, hi] = halves(check.otherTimeAt);
  if (lo === 0 && hi === 0) return;
  const verdict = window.verdict(hi, lo);
  if (verdict !== TIME_OK) reject(check, TIME_REASONS[verdict] as string);
}

function checkString(check: Check, message: number, start: number, end: number): void {
  if (isValidUtf8(check.bytes, check.view, start, end)) return;
  throw new OtlpError('invalid_utf8', `a string of ${check.table.names[message]} at byte ${start} is not valid UTF-8`);
}

function checkPackedVarints(check: Check, end: number): void {
  while (check.pos < end) readVarint(check, end);
}

function noteId(check: Check, action: number, at: number, length: number): void {
  if (action === T.TRACE_ID) {
    check.traceIdAt = at;
    check.traceIdLength = length;
  } else {
    check.spanIdAt = at;
    check.spanIdLength = length;
  }
}

function checkDelimited(check: Check, message: number, action: number, length: number, depth: number): void {
  const start = check.pos;
  const end = start + length;
  if (action === check.table.attribute && depth < check.maxDepth && isPlainAttribute(check, start, end)) check.pos = end;
  else if (action >= T.MESSAGE) checkMessage(check, action - T.MESSAGE, end, depth);
  else if (action === T.STRING) checkString(check, message, start, end);
  else if (action === T.PACKED_VARINT) checkPackedVarints(check, end);
  else if (action === T.PACKED_FIXED64) {
    if (length % 8 !== 0) throw malformed('a packed list of 64-bit numbers has a broken length', start);
  } else if (action === T.TRACE_ID || action === T.SPAN_ID) noteId(check, action, start, length);
  check.pos = end;
}

/**
 * The attribute nearly every sender writes: a short key, then a short text or an integer. All bytes between the two
 * texts are below 0x80, so one look over both says whether they are ASCII.
 * @returns false for anything else, which the tables then judge
 */
function isPlainAttribute({ bytes, view }: Check, start: number, end: number): boolean {
  const keyLength = bytes[start + 1] as number;
  const value = start + 4 + keyLength;
  if (bytes[start] !== 0x0a || keyLength > 0x7f || value + 2 > end) return false;
  if (bytes[value - 2] !== 0x12 || bytes[value - 1] !== end - value || end - value > 0x7f) return false;
  const tag = bytes[value];
  if (tag === 0x0a) return bytes[value + 1] === end - value - 2 && isAscii(bytes, view, start + 2, end);
  if (tag !== 0x18 || end - value > 11) return false;
  for (let p = value + 1; p < end - 1; p++) if ((bytes[p] as number) < 0x80) return false;
  return (bytes[end - 1] as number) < 0x80 && isAscii(bytes, view, start + 2, start + 2 + keyLength);
}

function forgetItem(check: Check): void {
  check.traceIdAt = -1;
  check.spanIdAt = -1;
  check.timeAt = -1;
  check.otherTimeAt = -1;
}

function checkMessage(check: Check, message: number, end: number, outerDepth: number): void {
  const { bytes, table } = check;
  const depth = outerDepth + (table.nests[message] as number);
  if (depth > check.maxDepth) throw new OtlpError('too_deep', `a value is nested deeper than ${check.maxDepth} at byte ${check.pos}`);
  const item = table.items[message] as number;
  if (item !== T.NOT_AN_ITEM) forgetItem(check);
  check.rows += table.rows[message] as number;
  if (check.rows > MAX_ROWS)
    throw new OtlpError('decompressed_too_large', `more than ${MAX_ROWS} spans, records, points or events in one request`);
  const base = message * T.TAGS;
  let seen = 0;
  while (check.pos < end) {
    let tag = bytes[check.pos] as number;
    if (tag < 0x80 && tag >= 8) check.pos++;
    else tag = readTag(check, end);
    const action = tag < T.TAGS ? (table.actions[base + tag] as number) : T.SKIP;
    if (action === T.SKIP) {
      skipField(check, tag, end);
      continue;
    }
    const once = table.onceBits[base + tag] as number;
    if ((seen & once) !== 0) check.split = true;
    seen |= once;
    if ((tag & 7) === 2) {
      const p = check.pos;
      let length = p < end ? (bytes[p] as number) : 0x80;
      if (length < 0x80 && length < end - p) check.pos = p + 1;
      else length = readLength(check, end);
      checkDelimited(check, message, action, length, depth);
    } else {
      const p = check.pos;
      if (action === T.TIME) check.timeAt = p;
      else if (action === T.OTHER_TIME) check.otherTimeAt = p;
      if (action === T.VARINT && p < end && (bytes[p] as number) < 0x80) check.pos = p + 1;
      else skipField(check, tag, end);
    }
  }
  if (item !== T.NOT_AN_ITEM) judgeItem(check, item);
}

function run(kind: OtlpKind, body: Uint8Array, context: CheckContext): Check {
  const check: Check = {
    ...wireInput(body),
    table: T.CHECK_TABLES[kind],
    window: new TimeWindow(context.receivedUnixNano, context.retentionSeconds),
    maxDepth: context.limits.maxDepth,
    items: 0,
    rows: 0,
    rejected: new Map(),
    split: false,
    traceIdAt: -1,
    traceIdLength: 0,
    spanIdAt: -1,
    spanIdLength: 0,
    timeAt: -1,
    otherTimeAt: -1,
  };
  checkMessage(check, 0, body.length, 0);
  return check;
}

/**
 * What the collector must know before it answers: is this body the message it should be, how many items does it hold,
 * and how many of them will be dropped for a reason the sender can act on. Whatever passes here, decodeOtlp decodes.
 * @param body protobuf, decompressed
 * Spec: opentelemetry-proto docs/specification.md, "Partial Success" and "Failures".
 */
export function checkOtlp(kind: OtlpKind, body: Uint8Array, context: CheckContext): CheckResult {
  try {
    let check = run(kind, body, context);
    if (check.split) check = run(kind, canonicalOtlp(kind, body, context.limits.maxDepth), context);
    let rejected = 0;
    for (const count of check.rejected.values()) rejected += count;
    return { ok: true, items: check.items, rejected, rejectedReasons: check.rejected };
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error;
    return { ok: false, reason: error.reason, message: `cannot read OTLP ${kind} from ${body.length} bytes: ${error.message}` };
  }
}
