import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import type { ContentEncoding } from '#collectors/pipeline/decompress.ts';
import { parseContentEncoding } from '#collectors/pipeline/decompress.ts';
import { MsgpackReader, type ReadLimits } from './msgpack.ts';

/**
 * A message of Fluent Forward v1 (github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1): [tag, entries, option?]
 * with entries as an array (Forward), as bytes (PackedForward, with `compressed` CompressedPackedForward), or
 * [tag, time, record, option?] (Message).
 */
export interface ForwardMessage {
  readonly tag: string;
  /** true: [time, record] of one entry without the array around it. */
  readonly single: boolean;
  readonly encoding: ContentEncoding;
  /** Entries one after the other, lent. */
  readonly entries: Buffer;
  /** The sender's word for the message, as MessagePack, for the acknowledgement; null: it asks for none. */
  readonly chunk: Buffer | null;
}
const MAX_CHUNK_BYTES = 1_024;
const MAX_TAG_BYTES = 4_096;
const SHALLOW: ReadLimits = { maxDepth: 4, maxValues: 100 };

/** @param bytes one whole value @returns null for a heartbeat @throws OtlpError malformed */
export function readMessage(bytes: Buffer): ForwardMessage | null {
  const reader = new MsgpackReader(bytes, SHALLOW);
  if (reader.peek() === 'nil') return null;
  const count = reader.count('array');
  if (count < 2 || count > 4) throw new OtlpError('malformed', `a message has 2 to 4 parts, this one ${count}`);
  const tag = reader.raw();
  if (tag.length > MAX_TAG_BYTES) throw new OtlpError('malformed', `the tag has ${tag.length} bytes, the limit is ${MAX_TAG_BYTES}`);
  const type = reader.peek();
  const start = reader.pos;
  const single = type === 'integer' || type === 'extension' || type === 'float';
  const body = { tag: tag.toString('utf8'), single };
  if (single) {
    if (count < 3) throw new OtlpError('malformed', 'there is a time and no record');
    reader.skip();
    reader.skip();
    const entries = bytes.subarray(start, reader.pos);
    return { ...body, encoding: 'identity', entries, ...readOption(reader, count > 3, false) };
  }
  if (type === 'array') {
    reader.skip();
    const end = reader.pos;
    const inside = new MsgpackReader(bytes.subarray(start, end), SHALLOW);
    inside.count('array');
    return { ...body, encoding: 'identity', entries: bytes.subarray(start + inside.pos, end), ...readOption(reader, count > 2, false) };
  }
  const entries = reader.raw();
  return { ...body, encoding: 'identity', entries, ...readOption(reader, count > 2, true) };
}

interface Option {
  readonly chunk: Buffer | null;
  readonly encoding?: ContentEncoding;
}
function readOption(reader: MsgpackReader, isThere: boolean, packed: boolean): Option {
  if (!isThere || reader.peek() === 'nil') return { chunk: null };
  let chunk: Buffer | null = null;
  let encoding: ContentEncoding | null = 'identity';
  for (let left = reader.count('map'); left > 0; left--) {
    const key = reader.text();
    const start = reader.peek() === 'nil' ? -1 : reader.pos;
    if (key === 'compressed' && start >= 0) {
      const name = reader.text();
      encoding = name === 'text' ? 'identity' : parseContentEncoding(name);
      if (encoding === null)
        throw new OtlpError('malformed', `the compression ${JSON.stringify(name.slice(0, 40))} is not gzip, zstd or text`);
    } else if (key === 'fluent_signal' && start >= 0) {
      const signal = reader.value();
      // Fluent Bit's own formats: cmetrics and ctraces.
      if (signal !== 0)
        throw new OtlpError('malformed', `fluent_signal is ${String(signal).slice(0, 20)}: metrics and traces come by OTLP`);
    } else {
      reader.skip();
      if (key === 'chunk' && start >= 0) chunk = Buffer.from(reader.bytes.subarray(start, reader.pos));
    }
  }
  if (chunk && chunk.length > MAX_CHUNK_BYTES)
    throw new OtlpError('malformed', `the chunk id has ${chunk.length} bytes, the limit is ${MAX_CHUNK_BYTES}`);
  return { chunk, ...(packed && encoding !== 'identity' ? { encoding } : {}) };
}
