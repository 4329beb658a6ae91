import { journalItem, NO_TIME } from '#collectors/journald/entry-item.ts';
import type { LokiEntry, LokiStream } from '#collectors/loki/push-entry.ts';
import { writeLokiStreams } from '#collectors/loki/write-otlp.ts';
import { attributesOf, objectOf, textOf, wrong } from '#collectors/otlp/json-values.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { BATCH_BYTES, BATCH_ITEMS, type Bytes, type FileReading, type FileRecord, type ReadContext, TimeSpan } from './file-record.ts';
import { LogBatch, type Pairs } from './log-batch.ts';
import { readElements } from './read-elements.ts';
import { serviceOfName } from './read-log-lines.ts';
import { readObjects } from './read-objects.ts';
import { readMessage } from './structured-line.ts';
import { parseTime } from './times.ts';

/** Streams of Loki until they make a request; written as a push of the same lines is. */
class LokiBatch {
  private streams: LokiStream[] = [];
  private labels: unknown = null;
  private items = 0;
  private bytes = 0;
  private line = 0;
  add(line: number, labels: LokiStream['labels'], entry: LokiEntry): FileRecord | null {
    if (this.items++ === 0) this.line = line;
    if (this.labels !== labels) this.streams.push({ labels, entries: [] });
    this.labels = labels;
    this.streams.at(-1)?.entries.push(entry);
    this.bytes += entry.line.length + 64;
    return this.items >= BATCH_ITEMS || this.bytes >= BATCH_BYTES ? this.flush() : null;
  }
  flush(): FileRecord | null {
    if (this.items === 0) return null;
    const times = new TimeSpan();
    for (const { entries } of this.streams) for (const { timeNs } of entries) times.add(Number(timeNs));
    const record: FileRecord = {
      line: this.line,
      signal: 'logs',
      contentType: 'application/x-protobuf',
      body: writeLokiStreams(this.streams, '', this.bytes),
      items: this.items,
      minTimeMs: times.minMs,
      maxTimeMs: times.maxMs,
    };
    this.streams = [];
    this.labels = null;
    this.items = 0;
    this.bytes = 0;
    return record;
  }
}
function nanos(name: string, value: unknown): bigint {
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return BigInt(value);
  const time = typeof value === 'string' || typeof value === 'number' ? parseTime(String(value)) : null;
  if (time === null || time > 2n ** 63n - 1n) throw wrong(name, 'a time', value);
  return time;
}
/** Loki's answer of query_range: {"data": {"resultType": "streams", "result": [{stream, values: [[ns, line]]}]}}. */
export async function* readLokiJson(content: Bytes): FileReading {
  const batch = new LokiBatch();
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
        record = batch.add(++line, labels, { timeNs: nanos('its time', time), line: said, metadata: attributesOf('its metadata', own) });
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
  const batch = new LokiBatch();
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
      record = batch.add(object.line, own, { timeNs: nanos('timestamp', timestamp), line, metadata: [] });
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
export async function* readCloudwatch(content: Bytes, { name }: ReadContext): FileReading {
  const batch = new LogBatch();
  const service = serviceOfName(name);
  const resources = new Map<string, Pairs>();
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
      const said = readMessage(message.replace(/\n$/, ''));
      const key = `${said.service || service}\0${stream}`;
      const resource: Pairs = resources.get(key) ?? [
        ['service.name', said.service || service],
        ...(stream === '' ? [] : ([['aws.log.stream.names', stream]] as const)),
      ];
      if (resources.size < 10_000) resources.set(key, resource);
      const id = textOf('eventId', event['eventId']);
      const attributes: Pairs = id === '' ? said.attributes : [...said.attributes, ['aws.log.event.id', id]];
      record = batch.add({ ...said, line: element.index + 1, timeNs: timeNs || said.timeNs, resource, attributes });
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
  const batch = new LogBatch();
  const resources = new Map<string, Pairs>();
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
    const key = JSON.stringify(item.resource);
    const resource: Pairs = resources.get(key) ?? item.resource;
    if (resources.size < 10_000) resources.set(key, resource);
    const { timeNs, body, severityText, severityNumber, attributes } = item;
    const record = batch.add({ line, timeNs, body, severity: severityText, severityNumber, resource, attributes });
    if (record) yield record;
  }
  const last = batch.flush();
  if (last) yield last;
}
