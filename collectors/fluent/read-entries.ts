import { MAX_ROWS } from '#collectors/otlp/check.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import type { NestedValue } from '#collectors/otlp/otlp-writer.ts';
import type { Transcoded } from '#collectors/otlp/receiver.ts';
import { DecompressError, decompress } from '#collectors/pipeline/decompress.ts';
import type { Limits } from '#contracts/settings.ts';
import { MsgpackReader, type ReadLimits } from './msgpack.ts';
import type { ForwardMessage } from './read-message.ts';
import { type FluentEntry, writeEntries } from './write-otlp.ts';

/** What a record of logs never comes near; a record of a million empty values would take hundreds of times its bytes. */
const MAX_VALUES = 65_536;
const MAX_TIME_NS = 2n ** 63n - 1n;
const EVENT_TIME = 0;
/** A record's values lie this much deeper in OTLP. */
const DEPTH_AROUND = 1;

/** @returns Unix nanoseconds; 0n = not said @throws OtlpError malformed */
function readTime(reader: MsgpackReader): bigint {
  if (reader.peek() === 'extension') {
    const { kind, content } = reader.extension();
    if (kind !== EVENT_TIME || content.length !== 8) throw new OtlpError('malformed', 'its time is an extension, but no EventTime');
    return BigInt(content.readUInt32BE(0)) * 1_000_000_000n + BigInt(content.readUInt32BE(4));
  }
  if (reader.peek() !== 'integer' && reader.peek() !== 'float') throw reader.wrong('a time');
  const seconds = reader.value();
  const known = typeof seconds === 'number' && Number.isFinite(seconds);
  const timeNs = known ? (Number.isInteger(seconds) ? BigInt(seconds) * 1_000_000_000n : BigInt(Math.round(seconds * 1e6)) * 1_000n) : -1n;
  if (timeNs < 0n || timeNs > MAX_TIME_NS) throw new OtlpError('malformed', `its time is out of range: ${String(seconds).slice(0, 40)}`);
  return timeNs;
}
/** [time, record], or [[time, metadata], record] as Fluent Bit can. */
function readEntry(reader: MsgpackReader, tag: string, single: boolean): FluentEntry {
  if (!single && reader.count('array') < 2) throw new OtlpError('malformed', 'it is not [time, record]');
  let timeNs: bigint;
  let metadata: NestedValue = null;
  if (!single && reader.peek() === 'array') {
    if (reader.count('array') !== 2) throw new OtlpError('malformed', 'its time is an array, but not [time, metadata]');
    timeNs = readTime(reader);
    metadata = reader.value();
  } else timeNs = readTime(reader);
  if (reader.peek() !== 'map') throw reader.wrong('a record (map)');
  return { tag, timeNs, metadata, record: reader.value() as ReadonlyMap<string, NestedValue> };
}

class EntryReading {
  readonly entries: FluentEntry[] = [];
  unreadable = 0;
  problem = '';

  count(error: unknown, where: string): void {
    if (!(error instanceof OtlpError || error instanceof DecompressError)) throw error;
    this.unreadable++;
    if (this.problem === '') this.problem = `${where}: ${error.message}`;
  }
  /** One that cannot be read takes no other with it, as long as it can be seen where it ends. */
  read(plain: Buffer, { tag, single }: ForwardMessage, limits: ReadLimits): void {
    const reader = new MsgpackReader(plain, limits);
    for (let i = 0; !reader.ended; i++) {
      if (this.entries.length + this.unreadable >= MAX_ROWS)
        throw new OtlpError('decompressed_too_large', `more than ${MAX_ROWS} entries in one message`);
      const start = reader.pos;
      // What is cut off ends here, with what is before it kept.
      let end = plain.length;
      try {
        if (!single) {
          reader.skip();
          end = reader.pos;
        }
        reader.pos = start;
        this.entries.push(readEntry(reader, tag, single));
      } catch (error) {
        this.count(error, `tag ${JSON.stringify(tag.slice(0, 80))}, entry ${i}`);
      }
      reader.pos = end;
    }
  }
}

/**
 * Messages to OTLP. A message of its own that cannot be read at all is refused; among others it is counted.
 * @throws OtlpError, DecompressError
 */
export async function readEntries(
  messages: readonly ForwardMessage[],
  { maxDecompressedBytes, maxDepth }: Pick<Limits, 'maxDecompressedBytes' | 'maxDepth'>,
): Promise<Transcoded> {
  const reading = new EntryReading();
  let left = maxDecompressedBytes;
  for (const message of messages) {
    try {
      const plain = await decompress(message.entries, message.encoding, Math.max(1, left));
      left -= plain.length;
      const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.length);
      reading.read(bytes, message, { maxDepth: maxDepth - DEPTH_AROUND, maxValues: MAX_VALUES });
    } catch (error) {
      if (messages.length === 1) throw error;
      reading.count(error, `tag ${JSON.stringify(message.tag.slice(0, 80))}`);
    }
  }
  const { entries, unreadable, problem } = reading;
  if (messages.length === 1 && entries.length === 0 && unreadable > 0)
    throw new OtlpError('malformed', `none of ${unreadable} entries can be read; ${problem}`);
  return { body: entries.length === 0 ? new Uint8Array(0) : writeEntries(entries, maxDecompressedBytes - left), unreadable, problem };
}
