import type { ColumnBatch, DecodedRecord, Dictionary } from '#contracts/columns.ts';
import type { OtlpKind } from '#protos/field-table.ts';
import { AttributeKeys } from './attribute-keys.ts';
import { canonicalOtlp } from './canonical.ts';
import { LogRows } from './decode-logs.ts';
import { countPoints, MetricRows, type PointCounts } from './decode-metrics.ts';
import { type Head, OriginReader } from './decode-origin.ts';
import { ProfileRows } from './decode-profiles.ts';
import { SpanRows } from './decode-spans.ts';
import { type DecodeContext, Decoding, IRREGULAR } from './decoding.ts';
import { readByteTag } from './item-fields.ts';
import { PROMOTED_KEYS } from './promoted-keys.ts';
import { readVarint, skipField } from './wire.ts';

export type { DecodeContext } from './decoding.ts';

/** Everything that is kept from one request to the next: predictions, recognised resources and series. */
interface Decoder {
  readonly d: Decoding;
  readonly keys: AttributeKeys;
  readonly origin: OriginReader;
  readonly spans: SpanRows;
  readonly logs: LogRows;
  readonly metrics: MetricRows;
}
// Ids belong to the dictionary that gave them.
const decoders = new WeakMap<Dictionary, Decoder>();

function decoderFor(dictionary: Dictionary): Decoder {
  let decoder = decoders.get(dictionary);
  if (!decoder) {
    const keys = new AttributeKeys(PROMOTED_KEYS);
    const origin = new OriginReader();
    decoder = {
      d: new Decoding(),
      keys,
      origin,
      spans: new SpanRows(keys),
      logs: new LogRows(keys),
      metrics: new MetricRows(keys, origin),
    };
    decoders.set(dictionary, decoder);
  }
  return decoder;
}

/** Calls `each` for the content of every field `tag` of the message in [start, end). */
function eachPart(d: Decoding, start: number, end: number, tag: number, each: (from: number, to: number) => void): void {
  let p = start;
  while (p < end) {
    const found = readByteTag(d, p, end);
    if (found !== tag) {
      skipField(d, found, end);
      p = d.pos;
      continue;
    }
    const length = readVarint(d, end);
    const from = d.pos;
    p = from + length;
    if (p > end) throw IRREGULAR;
    each(from, p);
  }
}

/** Finds resource or scope (field 1) and schema URL (field 3), which may stand behind the items. */
function headOf(d: Decoding, start: number, end: number): Head {
  const head: Head = { start: -1, end: -1, schemaStart: -1, schemaEnd: -1 };
  let p = start;
  while (p < end) {
    const tag = readByteTag(d, p, end);
    if (tag !== 0x0a && tag !== 0x1a) {
      skipField(d, tag, end);
      p = d.pos;
      continue;
    }
    const length = readVarint(d, end);
    const from = d.pos;
    p = from + length;
    if (p > end) throw IRREGULAR;
    if (tag === 0x0a && head.start >= 0) throw IRREGULAR;
    if (tag === 0x0a) {
      head.start = from;
      head.end = p;
    } else {
      head.schemaStart = from;
      head.schemaEnd = p;
    }
  }
  return head;
}

const CONTAINER_TAG = 0x0a;
const PROFILES_DICTIONARY_TAG = 0x12;
const SCOPES_TAG = 0x12;
const ITEMS_TAG = 0x12;

function countItems(d: Decoding, each: (from: number, to: number) => void): void {
  eachPart(d, 0, d.bodyLength, CONTAINER_TAG, (resourceStart, resourceEnd) =>
    eachPart(d, resourceStart, resourceEnd, SCOPES_TAG, (start, end) => eachPart(d, start, end, ITEMS_TAG, each)),
  );
}

function decodeItems({ d, origin }: Pick<Decoder, 'd' | 'origin'>, dictionary: Dictionary, each: (from: number, to: number) => void): void {
  eachPart(d, 0, d.bodyLength, CONTAINER_TAG, (resourceStart, resourceEnd) => {
    origin.openResource(d, dictionary, headOf(d, resourceStart, resourceEnd));
    eachPart(d, resourceStart, resourceEnd, SCOPES_TAG, (start, end) => {
      origin.openScope(d, dictionary, headOf(d, start, end));
      eachPart(d, start, end, ITEMS_TAG, each);
    });
  });
}

/** The tables stand behind the profiles: they are found first. Resources may refer to them, so none is recognised by its bytes. */
function decodeProfiles(d: Decoding, dictionary: Dictionary): ColumnBatch[] {
  const tables: (readonly [number, number])[] = [];
  eachPart(d, 0, d.bodyLength, PROFILES_DICTIONARY_TAG, (from, to) => void tables.push([from, to]));
  if (tables.length > 1) throw IRREGULAR;
  const profiles = new ProfileRows(d, dictionary, tables[0] ?? null);
  const origin = new OriginReader();
  decodeItems({ d, origin }, dictionary, (from, to) => profiles.decode(from, to, origin));
  return profiles.batches();
}

function decodeBody(decoder: Decoder, kind: OtlpKind, body: Uint8Array, context: DecodeContext): DecodedRecord {
  const { d, keys, origin, spans, logs, metrics } = decoder;
  const { dictionary } = context;
  d.begin(body, context);
  if (kind === 'profiles') return { batches: decodeProfiles(d, dictionary), dropped: new Map(d.dropped), noted: new Map(d.noted) };
  origin.forgetIfFull();
  if (keys.forgetIfFull()) for (const rows of [spans, logs, metrics]) rows.forgetKeys();
  const room = { bodyLength: body.length, isLent: d.isLent };
  const rows = kind === 'traces' ? spans : kind === 'logs' ? logs : metrics;
  if (kind === 'metrics') {
    const counts: PointCounts = { numbers: 0, others: 0 };
    countItems(d, (from, to) => countPoints(d, from, to, counts));
    metrics.start(counts, room, dictionary);
    decodeItems(decoder, dictionary, (from, to) => metrics.decode(d, from, to));
  } else {
    let items = 0;
    countItems(d, () => items++);
    const itemRows = kind === 'traces' ? spans : logs;
    itemRows.start(items, room);
    decodeItems(decoder, dictionary, (from, to) => itemRows.decode(d, from, to, origin));
  }
  const batches = rows.batches(d.heap());
  return { batches, dropped: new Map(d.dropped), noted: new Map(d.noted) };
}

/**
 * One acknowledged OTLP request -> columns, in a single pass over the bytes: no object and no JS string per item.
 * Deterministic in (body, receivedUnixNano, retentionSeconds, limits) but for the dictionary's series limit.
 *
 * @param body protobuf, decompressed (OTLP/JSON goes through transcodeJson first). Copied: it may be reused afterwards.
 * @returns batches that own their memory (or borrow it, see DecodeContext.lend). items = rows of spans, logs, samples, histograms + sum of `dropped`;
 *          exemplars ride along and are not items.
 * @throws OtlpError when the body is not what checkOtlp accepts
 */
export function decodeOtlp(kind: OtlpKind, body: Uint8Array, context: DecodeContext): DecodedRecord {
  const decoder = decoderFor(context.dictionary);
  try {
    return decodeBody(decoder, kind, body, context);
  } catch (error) {
    if (error !== IRREGULAR) throw error;
  }
  return decodeBody(decoder, kind, canonicalOtlp(kind, body, context.limits.maxDepth), context);
}
