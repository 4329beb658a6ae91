import { journalItem, NO_TIME } from '#collectors/journald/entry-item.ts';
import type { LokiEntry, LokiStream } from '#collectors/loki/push-entry.ts';
import { writeLokiStreams } from '#collectors/loki/write-otlp.ts';
import { attributesOf, objectOf, textOf, wrong } from '#collectors/otlp/json-values.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { timeOfValue } from '#collectors/tail/line-time.ts';
import { serviceOfFile } from '#collectors/tail/log-line.ts';
import { Batch, type BatchKind, LOGS, ResourceCache, sizeOf } from './batch.ts';
import type { Bytes, FileReading, FileRecord, ReadContext } from './file-record.ts';
import { readElements } from './read-elements.ts';
import { clockOf, readMessage } from './read-message.ts';
import { readObjects } from './read-objects.ts';

/** Streams of Loki, written as a push of the same lines is. */
interface LokiLine {
  readonly line: number;
  readonly labels: LokiStream['labels'];
  readonly entry: LokiEntry;
}
const LOKI: BatchKind<LokiLine> = {
  signal: 'logs',
  bytesOf: ({ entry }) => entry.line.length + 64 + sizeOf(entry.metadata),
  timesOf: ({ entry }) => [entry.timeNs],
  write(lines, capacity) {
    const streams: { labels: LokiLine['labels']; entries: LokiEntry[] }[] = [];
    for (const { labels, entry } of lines) {
      if (streams.at(-1)?.labels !== labels) streams.push({ labels, entries: [] });
      streams.at(-1)?.entries.push(entry);
    }
    return writeLokiStreams(streams, '', capacity);
  },
};
function nanos(name: string, value: unknown): bigint {
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return BigInt(value);
  const time = typeof value === 'string' || typeof value === 'number' ? timeOfValue(String(value)) : null;
  if (time === null) throw wrong(name, 'a time', value);
  return time;
}
/** Loki's answer of query_range: {"data": {"resultType": "streams", "result": [{stream, values: [[ns, line]]}]}}. */
export async function* readLokiJson(content: Bytes): FileReading {
  const batch = new Batch(LOKI);
  let line = 0;
  for await (const element of readElements(content, ['data.result'])) {
    if ('reason' in element) {
      yield element;
      continue;
    }
    const { index, offset, value } = element;
    const refuse = (error: unknown, where = '') => {
      if (!(error instanceof OtlpError)) throw error;
      return { line: null, offset, reason: error.reason, message: `stream ${index}${where}: ${error.message}` };
    };
    let labels: LokiStream['labels'];
    let values: readonly unknown[];
    try {
      const stream = objectOf('it', value);
      labels = attributesOf('stream', objectOf('stream', stream['stream']));
      if (!Array.isArray(stream['values'])) throw wrong('values', 'an array', stream['values']);
      values = stream['values'];
    } catch (error) {
      yield refuse(error);
      continue;
    }
    for (const [at, each] of values.entries()) {
      let record: FileRecord | null = null;
      try {
        if (!Array.isArray(each)) throw wrong('it', '[time, line]', each);
        const [time, said, metadata] = each as unknown[];
        if (typeof said !== 'string') throw wrong('its line', 'text', said);
        // Newer answers keep structured metadata one level deeper.
        const own = (metadata as { readonly structuredMetadata?: unknown } | undefined)?.structuredMetadata ?? metadata;
        const entry = { timeNs: nanos('its time', time), line: said, metadata: attributesOf('its metadata', own) };
        record = batch.add({ line: ++line, labels, entry });
      } catch (error) {
        yield refuse(error, `, entry ${at}`);
      }
      if (record) yield record;
    }
  }
  const last = batch.flush();
  if (last) yield last;
}
/** logcli -o jsonl: {"labels": {...}, "line": "...", "timestamp": "..."}. */
export async function* readLogcli(content: Bytes): FileReading {
  const batch = new Batch(LOKI);
  const known = new Map<string, LokiStream['labels']>();
  for await (const object of readObjects(content)) {
    if ('reason' in object) {
      yield object;
      continue;
    }
    let record: FileRecord | null = null;
    try {
      const { labels, line, timestamp } = object.fields;
      if (typeof line !== 'string') throw wrong('line', 'text', line);
      const key = JSON.stringify(labels ?? {});
      const own = known.get(key) ?? attributesOf('labels', labels);
      if (known.size < 10_000) known.set(key, own);
      record = batch.add({ line: object.line, labels: own, entry: { timeNs: nanos('timestamp', timestamp), line, metadata: [] } });
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
      yield { line: object.line, offset: object.offset, reason: error.reason, message: error.message };
    }
    if (record) yield record;
  }
  const last = batch.flush();
  if (last) yield last;
}

/** What `aws logs filter-log-events` and get-log-events print: {"events": [{logStreamName, timestamp, message}]}; milliseconds. */
export async function* readCloudwatch(content: Bytes, context: ReadContext): FileReading {
  const batch = new Batch(LOGS);
  const clock = clockOf(context);
  const service = serviceOfFile(context.name);
  const resources = new ResourceCache();
  for await (const element of readElements(content, ['events'])) {
    if ('reason' in element) {
      yield element;
      continue;
    }
    let record: FileRecord | null = null;
    try {
      const event = objectOf('it', element.value);
      const message = textOf('message', event['message']);
      const timeNs = event['timestamp'] === undefined ? 0n : nanos('timestamp', event['timestamp']);
      const stream = textOf('logStreamName', event['logStreamName']);
      const said = readMessage(message.replace(/\n$/, ''), 'auto', clock);
      const resource = resources.of([
        ['service.name', said.service || service],
        ['aws.log.stream.names', stream],
      ]);
      const id = textOf('eventId', event['eventId']);
      const attributes = id === '' ? said.item.attributes : [...said.item.attributes, ['aws.log.event.id', id] as const];
      record = batch.add({ ...said.item, line: element.index + 1, timeNs: timeNs || said.item.timeNs, resource, attributes });
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
      yield { line: null, offset: element.offset, reason: error.reason, message: `event ${element.index}: ${error.message}` };
    }
    if (record) yield record;
  }
  const last = batch.flush();
  if (last) yield last;
}

/** A field is a text, bytes as an array of numbers, or several of either. */
function journalText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return value === null || value === undefined ? '' : String(value);
  if (value.every((each) => typeof each === 'number')) return Buffer.from(value as number[]).toString('utf8');
  return value.map(journalText).join(', ');
}
/** journalctl -o json: an object a line; -o json-pretty and arrays of them too. */
export async function* readJournalJson(content: Bytes): FileReading {
  const batch = new Batch(LOGS);
  const resources = new ResourceCache();
  for await (const object of readObjects(content)) {
    if ('reason' in object) {
      yield object;
      continue;
    }
    const { fields, line, offset } = object;
    const item = journalItem(new Map(Object.entries(fields).map(([field, value]) => [field, journalText(value)])));
    if (item === null) {
      yield { line, offset, reason: 'malformed', message: NO_TIME };
      continue;
    }
    const record = batch.add({ ...item, line, resource: resources.of(item.resource) });
    if (record) yield record;
  }
  const last = batch.flush();
  if (last) yield last;
}
