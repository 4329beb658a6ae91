import type { ReasonCode } from '#contracts/reasons.ts';
import type { Limits } from '#contracts/settings.ts';
import type { OtlpKind } from '#protos/field-table.ts';
import { canonicalOtlp } from './canonical.ts';
import * as T from './check-table.ts';
import { OtlpError } from './otlp-error.ts';
import { TIME_OK, TIME_REASONS, TimeWindow } from './time-window.ts';
import { hasHighBit, isValidUtf8 } from './utf8.ts';
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
  /** Attributes that end up to here were looked over in vain: one by one now, or each would be looked over again and again. */
  oneByOneTo: number;
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
  const { view, bytes, timeAt, otherTimeAt } = check;
  if (item === T.SPAN_ITEM) {
    const traceOk = isUsableId(bytes, check.traceIdAt, check.traceIdLength, 16);
    if (!traceOk || !isUsableId(bytes, check.spanIdAt, check.spanIdLength, 8)) {
      reject(check, 'invalid_id');
      return;
    }
  }
  let lo = timeAt < 0 ? 0 : view.getUint32(timeAt, true);
  let hi = timeAt < 0 ? 0 : view.getUint32(timeAt + 4, true);
  if (lo === 0 && hi === 0) {
    if (otherTimeAt < 0) return;
    lo = view.getUint32(otherTimeAt, true);
    hi = view.getUint32(otherTimeAt + 4, true);
    if (lo === 0 && hi === 0) return;
  }
  const verdict = check.window.verdict(hi, lo);
  if (verdict !== TIME_OK) reject(check, TIME_REASONS[verdict] as string);
}

function checkString(check: Check, message: number, start: number, end: number): void {
  if (isValidUtf8(check.bytes, check.view, start, end)) return;
  throw new OtlpError('invalid_utf8', `a string of ${check.table.names[message]} at byte ${start} is not valid UTF-8`);
}

function checkPackedVarints(check: Check, start: number, end: number): void {
  check.pos = start;
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

/** An AnyValue that is one short ASCII text: the body of most log records. */
function isPlainText({ bytes, view }: Check, start: number, end: number): boolean {
  return end - start >= 4 && bytes[start] === 0x0a && bytes[start + 1] === end - start - 2 && !hasHighBit(view, start, end);
}

function checkDelimited(check: Check, message: number, action: number, start: number, end: number, depth: number): void {
  if (action === check.table.value && depth < check.maxDepth && isPlainText(check, start, end)) return;
  if (action === check.table.numberPoint && depth < check.maxDepth && checkPlainPoint(check, start, end)) return;
  if (action >= T.MESSAGE) checkMessage(check, action - T.MESSAGE, start, end, depth);
  else if (action === T.STRING) checkString(check, message, start, end);
  else if (action === T.PACKED_VARINT) checkPackedVarints(check, start, end);
  else if (action === T.PACKED_FIXED64) {
    if ((end - start) % 8 !== 0) throw malformed('a packed list of 64-bit numbers has a broken length', start);
  } else if (action === T.TRACE_ID || action === T.SPAN_ID) noteId(check, action, start, end - start);
}

/** One varint of at most ten bytes fills [start, end), which is not empty. */
function isVarint(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 10) return false;
  for (let p = start; p < end - 1; p++) if ((bytes[p] as number) < 0x80) return false;
  return (bytes[end - 1] as number) < 0x80;
}

/**
 * The attributes nearly every sender writes, one after the other: a short key, then a short text, a number or a bool. But for
 * the bytes of a number all of theirs are below 0x80, also tags and lengths, so whole rows of them are looked over at once.
 * A length of two bytes is taken for one byte here, and found out by that look.
 * @returns where the first one begins that is not plain
 */
function skipPlainAttributes(check: Check, tag: number, from: number, end: number): number {
  const { bytes, view } = check;
  let p = from;
  let seenTo = from;
  while (p + 8 <= end && bytes[p] === tag) {
    const next = p + 2 + (bytes[p + 1] as number);
    const value = p + 6 + (bytes[p + 3] as number);
    if (next > end || value + 2 > next || bytes[p + 2] !== 0x0a || bytes[value - 2] !== 0x12 || bytes[value - 1] !== next - value) break;
    const kind = bytes[value];
    if (kind === 0x0a) {
      if (bytes[value + 1] !== next - value - 2) break;
      if (next <= check.oneByOneTo) {
        if (hasHighBit(view, seenTo, next)) return seenTo;
        seenTo = next;
      }
    } else {
      if (kind === 0x21 ? next - value !== 9 : (kind !== 0x18 && kind !== 0x10) || !isVarint(bytes, value + 1, next)) break;
      if (hasHighBit(view, seenTo, value + 1)) {
        check.oneByOneTo = Math.max(check.oneByOneTo, next);
        return seenTo;
      }
      seenTo = next;
    }
    p = next;
  }
  if (p === seenTo || !hasHighBit(view, seenTo, p)) return p;
  check.oneByOneTo = Math.max(check.oneByOneTo, p);
  return seenTo;
}

function forgetItem(check: Check): void {
  check.traceIdAt = -1;
  check.spanIdAt = -1;
  check.timeAt = -1;
  check.otherTimeAt = -1;
}

function addRows(check: Check, rows: number): void {
  check.rows += rows;
  if (check.rows > MAX_ROWS)
    throw new OtlpError('decompressed_too_large', `more than ${MAX_ROWS} spans, records, points or events in one request`);
}

const POINT_ATTRIBUTES_TAG = 0x3a;
/**
 * A number data point in the form nearly all have: start or none, time, value, plain attributes.
 * @returns false, with nothing counted: it has another one
 */
function checkPlainPoint(check: Check, start: number, end: number): boolean {
  const { bytes } = check;
  const at = bytes[start] === 0x11 ? start + 9 : start;
  const p = at + 18;
  if (p > end || bytes[at] !== 0x19 || (bytes[at + 9] !== 0x21 && bytes[at + 9] !== 0x31)) return false;
  if (skipPlainAttributes(check, POINT_ATTRIBUTES_TAG, p, end) !== end) return false;
  forgetItem(check);
  check.timeAt = at + 1;
  addRows(check, 1);
  judgeItem(check, T.OTHER_ITEM);
  return true;
}

/** Everything here runs per field: the position is a local, and the tables are asked once for each. */
function checkMessage(check: Check, message: number, start: number, end: number, outerDepth: number): void {
  const { bytes, table, maxDepth } = check;
  const { actions, onceBits } = table;
  const depth = outerDepth + (table.nests[message] as number);
  if (depth > maxDepth) throw new OtlpError('too_deep', `a value is nested deeper than ${maxDepth} at byte ${start}`);
  const item = table.items[message] as number;
  if (item !== T.NOT_AN_ITEM) forgetItem(check);
  addRows(check, table.rows[message] as number);
  const base = message * T.TAGS;
  const attribute = depth < maxDepth ? table.attribute : -1;
  let seen = 0;
  let p = start;
  while (p < end) {
    const at = p;
    let tag = bytes[p] as number;
    if (tag < 0x80 && tag >= 8) p++;
    else {
      check.pos = p;
      tag = readTag(check, end);
      p = check.pos;
    }
    const entry = tag < T.TAGS ? (actions[base + tag] as number) : T.SKIP;
    if ((entry & T.ONCE) !== 0) {
      const once = onceBits[base + tag] as number;
      if ((seen & once) !== 0) check.split = true;
      seen |= once;
    }
    const action = entry & ~T.ONCE;
    if (action === attribute) {
      const next = skipPlainAttributes(check, tag, at, end);
      if (next > at) {
        p = next;
        continue;
      }
    }
    if ((tag & 7) === 2 && action !== T.SKIP) {
      let length = p < end ? (bytes[p] as number) : 0x80;
      if (length < 0x80 && length < end - p) p++;
      else {
        check.pos = p;
        length = readLength(check, end);
        p = check.pos;
      }
      p += length;
      checkDelimited(check, message, action, p - length, p, depth);
      continue;
    }
    if (action === T.TIME) check.timeAt = p;
    else if (action === T.OTHER_TIME) check.otherTimeAt = p;
    const kind = tag & 7;
    if (kind === 1 && end - p >= 8) p += 8;
    else if (kind === 0 && p < end && (bytes[p] as number) < 0x80) p++;
    else {
      check.pos = p;
      skipField(check, tag, end);
      p = check.pos;
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
    oneByOneTo: 0,
    traceIdAt: -1,
    traceIdLength: 0,
    spanIdAt: -1,
    spanIdLength: 0,
    timeAt: -1,
    otherTimeAt: -1,
  };
  checkMessage(check, 0, 0, body.length, 0);
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
