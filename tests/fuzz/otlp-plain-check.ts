import { isUtf8 } from 'node:buffer';
import { canonicalOtlp } from '#collectors/otlp/canonical.ts';
import { type CheckContext, type CheckResult, MAX_ROWS } from '#collectors/otlp/check.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { malformed, readLength, readTag, readVarint, skipField, type WireInput, wireInput } from '#collectors/otlp/wire.ts';
import { acceptTime } from '#contracts/accept-time.ts';
import { type FieldEntry, type MessageTable, type OtlpKind, REQUEST_TABLES } from '#protos/field-table.ts';

/** The structural check as its rules read, field by field from the tables: what checkOtlp must say of any bytes, to the letter. */
interface PlainCheck {
  readonly input: WireInput;
  readonly context: CheckContext;
  items: number;
  rows: number;
  split: boolean;
  readonly rejected: Map<string, number>;
}
type Found = Map<string, { readonly at: number; readonly length: number }>;
const shortName = (table: MessageTable): string => table.name.slice(table.name.lastIndexOf('.') + 1);
const ROWS =
  /^(Span|Event|Link|LogRecord|Exemplar|ValueAtQuantile|.*DataPoint|Profile|Sample|Mapping|Location|Line|Function|Stack|KeyValueAndUnit)$/;
const ITEMS = /^(Span|LogRecord|Profile|.*DataPoint)$/;

function verdictOf({ input, context }: PlainCheck, table: MessageTable, found: Found): string {
  const id = (name: string, wanted: number): boolean => {
    const place = found.get(name);
    return place?.length === wanted && input.bytes.subarray(place.at, place.at + wanted).some((byte) => byte !== 0);
  };
  const time = (name: string): bigint => {
    const place = found.get(name);
    return place ? input.view.getBigUint64(place.at, true) : 0n;
  };
  if (shortName(table) === 'Span' && !(id('trace_id', 16) && id('span_id', 8))) return 'invalid_id';
  const [first, second] = {
    Span: ['start_time_unix_nano', 'end_time_unix_nano'],
    LogRecord: ['time_unix_nano', 'observed_time_unix_nano'],
  }[shortName(table)] ?? ['time_unix_nano', ''];
  const unixNano = time(first as string) || time(second as string);
  return unixNano === 0n ? 'ok' : acceptTime(unixNano, context.receivedUnixNano, context.retentionSeconds);
}

function checkDelimited(check: PlainCheck, table: MessageTable, field: FieldEntry, end: number, depth: number): void {
  const { input } = check;
  const start = input.pos;
  if (field.message) checkMessage(check, field.message, end, depth);
  else if (field.kind === 'string') {
    if (!isUtf8(input.bytes.subarray(start, end)))
      throw new OtlpError('invalid_utf8', `a string of ${shortName(table)} at byte ${start} is not valid UTF-8`);
  } else if (field.packable && field.wireType === 0) while (input.pos < end) readVarint(input, end);
  else if (field.packable && (end - start) % 8 !== 0) throw malformed('a packed list of 64-bit numbers has a broken length', start);
  input.pos = end;
}

function checkMessage(check: PlainCheck, table: MessageTable, end: number, outerDepth: number): void {
  const { input, context } = check;
  const { maxDepth } = context.limits;
  const depth = outerDepth + (shortName(table) === 'AnyValue' ? 1 : 0);
  if (depth > maxDepth) throw new OtlpError('too_deep', `a value is nested deeper than ${maxDepth} at byte ${input.pos}`);
  if (ROWS.test(shortName(table)) && ++check.rows > MAX_ROWS)
    throw new OtlpError('decompressed_too_large', `more than ${MAX_ROWS} spans, records, points or events in one request`);
  const found: Found = new Map();
  const once = new Set<string>();
  while (input.pos < end) {
    const tag = readTag(input, end);
    const field = table.byNumber[tag >>> 3];
    const packed = field?.packable === true && (tag & 7) === 2;
    if (!field || ((tag & 7) !== field.wireType && !packed)) {
      skipField(input, tag, end);
      continue;
    }
    const name = field.oneof >= 0 ? `oneof ${field.oneof}` : field.name;
    if (!field.repeated && (field.oneof >= 0 || field.message)) {
      if (once.has(name)) check.split = true;
      once.add(name);
    }
    if ((tag & 7) === 2) {
      const length = readLength(input, end);
      found.set(field.name, { at: input.pos, length });
      checkDelimited(check, table, field, input.pos + length, depth);
    } else {
      found.set(field.name, { at: input.pos, length: 8 });
      skipField(input, tag, end);
    }
  }
  if (!ITEMS.test(shortName(table))) return;
  check.items++;
  const verdict = verdictOf(check, table, found);
  if (verdict !== 'ok') check.rejected.set(verdict, (check.rejected.get(verdict) ?? 0) + 1);
}

function run(kind: OtlpKind, body: Uint8Array, context: CheckContext): PlainCheck {
  const check: PlainCheck = { input: wireInput(body), context, items: 0, rows: 0, split: false, rejected: new Map() };
  checkMessage(check, REQUEST_TABLES[kind], body.length, 0);
  return check;
}
export function plainCheck(kind: OtlpKind, body: Uint8Array, context: CheckContext): CheckResult {
  try {
    let check = run(kind, body, context);
    if (check.split) check = run(kind, canonicalOtlp(kind, body, context.limits.maxDepth), context);
    const rejected = [...check.rejected.values()].reduce((sum, count) => sum + count, 0);
    return { ok: true, items: check.items, rejected, rejectedReasons: check.rejected };
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error;
    return { ok: false, reason: error.reason, message: `cannot read OTLP ${kind} from ${body.length} bytes: ${error.message}` };
  }
}
