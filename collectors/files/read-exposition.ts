import { isUtf8 } from 'node:buffer';
import { type ExpositionFormat, type ExpositionVisitor, parseExpositionLine } from '#collectors/prometheus/parse-exposition.ts';
import { parseSeries, SeriesSyntaxError } from '#collectors/prometheus/series-text.ts';
import { readTextExemplar } from '#collectors/prometheus/text-exemplar.ts';
import type { Bytes, FileReading, FileRecord, ReadContext } from './file-record.ts';
import { readLines, tooLongLine } from './read-lines.ts';
import { type Labels, METRIC_TYPE, NO_META, SampleBatch, type SeriesMeta, sortLabels } from './sample-batch.ts';

interface KnownSeries {
  readonly key: string;
  readonly labels: Labels;
  meta: SeriesMeta;
}
/** Series kept so that a text that comes again is not parsed again. */
const KNOWN = 200_000;
const SUFFIXES = ['_total', '_bucket', '_count', '_sum', '_created', '_info', '_gcount', '_gsum'];

class ExpositionFile implements ExpositionVisitor {
  private readonly strict: boolean;
  private readonly arrivalMs: number;
  private readonly batch: SampleBatch;
  private known = new Map<string, KnownSeries>();
  private readonly families = new Map<string, { type?: string; help?: string; unit?: string }>();
  line = 0;
  record: FileRecord | null = null;

  constructor(format: ExpositionFormat, arrivalMs: number, batch: SampleBatch) {
    this.strict = format === 'openmetrics';
    this.arrivalMs = arrivalMs;
    this.batch = batch;
  }
  metadata(family: string, kind: 'type' | 'help' | 'unit', text: string): void {
    const known = this.families.get(family) ?? {};
    if (this.families.size < 100_000 || known[kind] !== undefined) this.families.set(family, { ...known, [kind]: text.slice(0, 1_024) });
    // Series read before have the metadata of their time.
    this.known = new Map();
  }
  predict(): number {
    return -1;
  }
  sample(body: Uint8Array, start: number, end: number, value: number, timestampMs: number, exemplarStart: number, lineEnd: number): void {
    const text = Buffer.from(body.buffer, body.byteOffset + start, end - start).toString('latin1');
    const series = this.known.get(text) ?? this.learn(text, body, start, end);
    const at = Number.isNaN(timestampMs) ? this.arrivalMs : Math.round(timestampMs);
    if (!(at > 0 && at < 9e12)) throw new SeriesSyntaxError(`its time is out of range: ${at} ms`);
    if (exemplarStart >= 0) this.exemplar(series, body, exemplarStart, lineEnd, at);
    this.record = this.batch.add(this.line, series.key, series.labels, series.meta, at, value);
  }
  private learn(text: string, body: Uint8Array, start: number, end: number): KnownSeries {
    const { name, labels } = parseSeries(body, start, end);
    const sorted = sortLabels([['__name__', name], ...labels.filter(([key]) => key !== '__name__')]);
    const series = { key: JSON.stringify(sorted), labels: sorted, meta: this.metaOf(name) };
    if (this.known.size >= KNOWN) this.known = new Map();
    this.known.set(text, series);
    return series;
  }
  private metaOf(name: string): SeriesMeta {
    const suffix = SUFFIXES.find((each) => name.endsWith(each) && this.families.has(name.slice(0, -each.length)));
    const family = this.families.get(name) ?? (suffix ? this.families.get(name.slice(0, -suffix.length)) : undefined);
    if (!family) return NO_META;
    return {
      type: METRIC_TYPE[(family.type ?? 'unknown') as keyof typeof METRIC_TYPE] ?? 0,
      help: family.help ?? '',
      unit: family.unit ?? '',
    };
  }
  /** `{trace_id="..."} value [seconds]`; one that cannot be read does not cost the sample. */
  private exemplar({ key, labels, meta }: KnownSeries, body: Uint8Array, start: number, lineEnd: number, sampleMs: number): void {
    const exemplar = readTextExemplar(body, start, lineEnd, this.strict);
    this.batch.exemplar(key, labels, meta, {
      labels: sortLabels(exemplar.labels),
      value: exemplar.value,
      timestampMs: exemplar.unixMicros === null ? sampleMs : Math.round(exemplar.unixMicros / 1_000),
    });
  }
}

/** Text exposition, with or without times: samples without one get the time of the import. A bad line takes no other with it. */
export async function* readExposition(content: Bytes, { arrivalUnixNano }: ReadContext, format: ExpositionFormat): FileReading {
  const batch = new SampleBatch();
  const file = new ExpositionFile(format, Number(arrivalUnixNano / 1_000_000n), batch);
  let eof = false;
  for await (const lines of readLines(content)) {
    for (const line of lines) {
      if (line.bytes === null) {
        yield tooLongLine(line);
        continue;
      }
      const refuse = (reason: string, message: string) => ({ line: line.number, offset: line.offset, reason, message });
      let body = line.bytes;
      if (format === 'prometheus') while (body[0] === 0x20 || body[0] === 0x09) body = body.subarray(1);
      if (body.length === 0) continue;
      if (!isUtf8(body)) {
        yield refuse('invalid_utf8', 'the line is not valid UTF-8');
        continue;
      }
      file.line = line.number;
      file.record = null;
      try {
        if (eof) throw new SeriesSyntaxError('text follows # EOF');
        eof = parseExpositionLine(body, format, file) === 'eof';
      } catch (error) {
        if (!(error instanceof SeriesSyntaxError)) throw error;
        yield refuse('malformed', error.message);
      }
      if (file.record) yield file.record;
    }
  }
  const last = batch.flush();
  if (last) yield last;
  if (format === 'openmetrics' && !eof) yield { line: null, reason: 'malformed', message: '# EOF is missing: the exposition is cut off' };
}
