import { WIRE_BYTES, WIRE_VARINT, type WireInput, wireInput } from '#collectors/otlp/wire.ts';
import { eachField, varintAt } from '#collectors/otlp/wire-fields.ts';
import { parseLabels } from './parse-labels.ts';
import { type LokiStream, PushReading } from './push-entry.ts';

/** Lines are bytes in the sender's file before they are texts: what is not UTF-8 becomes U+FFFD, as in Loki. */
const textOf = ({ bytes }: WireInput, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');

/** google.protobuf.Timestamp: seconds = 1, nanos = 2. */
function timeOf(input: WireInput, start: number, end: number): bigint {
  const parts = [0n, 0n];
  input.pos = start;
  eachField(input, end, (number, wireType, from, to) => {
    if ((number === 1 || number === 2) && wireType === WIRE_VARINT) parts[number - 1] = BigInt.asIntN(64, varintAt(input, from, to));
  });
  return (parts[0] as bigint) * 1_000_000_000n + (parts[1] as bigint);
}
/** EntryAdapter: timestamp = 1, line = 2, structuredMetadata = 3 of { name = 1, value = 2 }. */
function readEntry(reading: PushReading, stream: LokiStream, input: WireInput, start: number, end: number): void {
  let timeNs = 0n;
  let line = '';
  const metadata: [string, string][] = [];
  input.pos = start;
  eachField(input, end, (number, wireType, from, to) => {
    if (wireType !== WIRE_BYTES) return;
    if (number === 1) timeNs = timeOf(input, from, to);
    else if (number === 2) line = textOf(input, from, to);
    else if (number === 3) {
      const pair: [string, string] = ['', ''];
      input.pos = from;
      eachField(input, to, (field, type, at, next) => {
        if ((field === 1 || field === 2) && type === WIRE_BYTES) pair[field - 1] = textOf(input, at, next);
      });
      metadata.push(pair);
    }
  });
  reading.add(stream, timeNs, line, metadata);
}
/** StreamAdapter: labels = 1, entries = 2. */
function readStream(reading: PushReading, input: WireInput, start: number, end: number): void {
  const place = (): string => `stream ${reading.streams.length}`;
  let labels = '';
  const entries: [number, number][] = [];
  const whole = reading.attempt(place, 1, () => {
    input.pos = start;
    eachField(input, end, (number, wireType, from, to) => {
      if (wireType !== WIRE_BYTES) return;
      if (number === 1) labels = textOf(input, from, to);
      else if (number === 2) entries.push([from, to]);
    });
  });
  if (!whole) return;
  reading.attempt(place, Math.max(1, entries.length), () => {
    const stream: LokiStream = { labels: parseLabels(labels), entries: [] };
    for (const [i, [from, to]] of entries.entries())
      reading.attempt(
        () => `${place()}, entry ${i}`,
        1,
        () => readEntry(reading, stream, input, from, to),
      );
    reading.streams.push(stream);
  });
}

/** PushRequest of pkg/push/push.proto: streams = 1. @param body after snappy @throws OtlpError malformed */
export function readProtobufPush(body: Uint8Array): PushReading {
  const input = wireInput(body);
  const reading = new PushReading();
  eachField(input, body.length, (number, wireType, start, end) => {
    if (number === 1 && wireType === WIRE_BYTES) readStream(reading, input, start, end);
  });
  return reading;
}
