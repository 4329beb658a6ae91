import { severityOfName } from '#collectors/otlp/log-levels.ts';
import { isSpanId, isTraceId } from '#collectors/otlp/log-writer.ts';
import type { AttributeValue } from '#collectors/otlp/otlp-writer.ts';
import { timeOfValue } from '#collectors/tail/line-time.ts';
import { serviceOfFile } from '#collectors/tail/log-line.ts';
import { spanIdOf, traceIdOf } from '#collectors/zipkin/zipkin-span.ts';
import type { Role } from '#contracts/file-formats.ts';
import type { TableMapping, TablePreview } from '#contracts/import-files.ts';
import { Batch, LOGS, type Pairs, ResourceCache, SPANS } from '../batch.ts';
import type { FileReading, FileRecord, ReadContext, RefusedRecord } from '../file-record.ts';
import { METRIC_TYPE, NO_META, SampleBatch, sortLabels } from '../sample-batch.ts';
import { columnsOf, mappingProblems, numberOf, proposeMapping } from './propose-mapping.ts';
import type { Cell, TableRow, TableRows } from './table-rows.ts';

/** Rows looked at before a mapping is proposed. */
const SAMPLE_ROWS = 200;
const SHOWN_ROWS = 20;

/** The first rows, and all of them again. */
async function sample(rows: TableRows): Promise<{ readonly first: TableRow[]; readonly all: TableRows }> {
  const seen: (TableRow | RefusedRecord)[] = [];
  const first: TableRow[] = [];
  while (first.length < SAMPLE_ROWS && seen.length < SAMPLE_ROWS * 4) {
    const { done, value } = await rows.next();
    if (done) break;
    seen.push(value);
    if ('cells' in value) first.push(value);
  }
  async function* all(): TableRows {
    yield* seen;
    yield* rows;
  }
  return { first, all: all() };
}
export async function previewTable(rows: TableRows, mapping: TableMapping | null): Promise<TablePreview> {
  const { first } = await sample(rows);
  const columns = columnsOf(first);
  const own = mapping ?? proposeMapping(columns, first);
  const shown = first.slice(0, SHOWN_ROWS).map(({ cells }) => columns.map(({ name }) => textOf(cells[name])?.slice(0, 300) ?? null));
  const problems =
    columns.length === 0
      ? ['There is no row that can be read.']
      : mappingProblems(
          own,
          columns.map(({ name }) => name),
        );
  await rows.return(undefined);
  return { columns, rows: shown, mapping: own, problems };
}
const textOf = (cell: Cell | undefined): string | null => (cell === null || cell === undefined ? null : String(cell));

class BadRow extends Error {}
/** One row to what the mapping says it is. */
class RowReader {
  private readonly mapping: TableMapping;
  private readonly service: string;
  private readonly used: ReadonlySet<string>;
  private readonly resources = new ResourceCache();
  readonly logs = new Batch(LOGS);
  readonly spans = new Batch(SPANS);
  readonly samples = new SampleBatch();

  constructor(mapping: TableMapping, name: string) {
    this.mapping = mapping;
    this.service = serviceOfFile(name);
    this.used = new Set(Object.values(mapping.roles).flat());
  }
  private cell(row: TableRow, role: Role): Cell {
    const name = this.mapping.roles[role]?.[0];
    return name === undefined ? null : (row.cells[name] ?? null);
  }
  private text(row: TableRow, role: Role): string {
    return textOf(this.cell(row, role)) ?? '';
  }
  private time(row: TableRow, role: Role): bigint {
    const said = this.text(row, role);
    if (said === '') return 0n;
    const time = timeOfValue(said.trim());
    if (time === null) throw new BadRow(`"${said.slice(0, 60)}" in column "${this.mapping.roles[role]?.[0]}" is no time`);
    return time;
  }
  private resource(row: TableRow): Pairs {
    return this.resources.of([['service.name', this.text(row, 'service') || this.service]]);
  }
  private attributes(row: TableRow): Pairs {
    const pairs: [string, AttributeValue][] = [];
    for (const [name, cell] of Object.entries(row.cells)) if (cell !== null && !this.used.has(name)) pairs.push([name, cell]);
    return pairs;
  }
  *read(row: TableRow): Generator<FileRecord> {
    const { kind } = this.mapping;
    if (kind === 'metrics') yield* this.readSamples(row);
    else {
      const record = kind === 'logs' ? this.readLog(row) : this.readSpan(row);
      if (record) yield record;
    }
  }
  private readLog(row: TableRow): FileRecord | null {
    const traceId = this.text(row, 'trace_id').toLowerCase();
    const spanId = this.text(row, 'span_id').toLowerCase();
    const body = this.mapping.roles.body ? this.text(row, 'body') : JSON.stringify(row.cells);
    const severityText = this.text(row, 'severity');
    return this.logs.add({
      line: row.line,
      timeNs: this.time(row, 'time'),
      observedNs: 0n,
      body,
      severityText,
      severityNumber: severityOfName(severityText),
      traceId: isTraceId(traceId) ? traceId : '',
      spanId: isSpanId(spanId) ? spanId : '',
      resource: this.resource(row),
      attributes: this.attributes(row),
    });
  }
  private readSpan(row: TableRow): FileRecord | null {
    const traceId = traceIdOf(this.text(row, 'trace_id'));
    const spanId = spanIdOf(this.text(row, 'span_id'));
    if (traceId === '' || spanId === '') throw new BadRow('its trace or span id is missing or not hexadecimal');
    const startNs = this.time(row, 'time');
    if (startNs === 0n) throw new BadRow('its time is missing');
    const end = this.time(row, 'end');
    return this.spans.add({
      line: row.line,
      traceId,
      spanId,
      parentId: spanIdOf(this.text(row, 'parent_id')).replace(/^0+$/, ''),
      name: this.text(row, 'name'),
      kind: 0,
      startNs,
      endNs: end > 0n ? end : startNs + this.duration(row),
      resource: this.resource(row),
      attributes: this.attributes(row),
      events: [],
      links: [],
      statusCode: 0,
      statusText: '',
      scopeName: '',
      scopeVersion: '',
    });
  }
  /** Unit by the column's name; milliseconds without one. */
  private duration(row: TableRow): bigint {
    const name = this.mapping.roles.duration?.[0];
    if (name === undefined) return 0n;
    const value = numberOf(row.cells[name] ?? null);
    if (value === null || !(value >= 0 && value < 1e15))
      throw new BadRow(`its duration is no number: ${this.text(row, 'duration').slice(0, 40)}`);
    const nanos = /ns$|nano/i.test(name) ? 1 : /us$|µs$|micro/i.test(name) ? 1e3 : /_s$|sec/i.test(name) ? 1e9 : 1e6;
    return BigInt(Math.round(value * nanos));
  }
  private *readSamples(row: TableRow): Generator<FileRecord> {
    const time = this.time(row, 'time');
    if (time === 0n) throw new BadRow('its time is missing');
    const labels: [string, string][] = [['job', this.text(row, 'service') || this.service]];
    for (const [name, cell] of Object.entries(row.cells))
      if (cell !== null && !this.used.has(name)) labels.push([labelName(name), String(cell)]);
    for (const column of this.mapping.roles.value ?? []) {
      const cell = row.cells[column] ?? null;
      if (cell === null || cell === '') continue;
      const value =
        numberOf(cell) ??
        ({ nan: NaN, inf: Infinity, '+inf': Infinity, '-inf': -Infinity } as Record<string, number>)[String(cell).toLowerCase()];
      if (value === undefined) throw new BadRow(`"${String(cell).slice(0, 60)}" in column "${column}" is no number`);
      const name = this.mapping.roles.name ? this.text(row, 'name') : column;
      const own = sortLabels([...new Map([...labels, ['__name__', metricName(name)] as const])]);
      const record = this.samples.add(
        row.line,
        JSON.stringify(own),
        own,
        { ...NO_META, type: METRIC_TYPE.gauge },
        Number(time / 1_000_000n),
        value,
      );
      if (record) yield record;
    }
  }
  *flush(): Generator<FileRecord> {
    for (const batch of [this.logs, this.spans, this.samples]) {
      const record = batch.flush();
      if (record) yield record;
    }
  }
}
const labelName = (name: string): string => name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_') || '_';
const metricName = (name: string): string => name.replace(/[^a-zA-Z0-9_:]/g, '_').replace(/^(?=\d)/, '_') || '_';

/** Rows by a mapping, or by the one that is proposed. A bad row takes no other with it. */
export async function* readTable(rows: TableRows, { name }: Pick<ReadContext, 'name'>, mapping: TableMapping | null): FileReading {
  const { first, all } = await sample(rows);
  const columns = columnsOf(first);
  const own = mapping ?? proposeMapping(columns, first);
  const problems =
    columns.length === 0
      ? []
      : mappingProblems(
          own,
          columns.map((column) => column.name),
        );
  if (problems.length > 0) {
    yield {
      line: null,
      reason: 'malformed',
      message: `${problems.join(' ')} Columns: ${columns
        .map((column) => column.name)
        .join(', ')
        .slice(0, 500)}`,
    };
    return;
  }
  const reader = new RowReader(own, name);
  for await (const row of all) {
    if ('reason' in row) {
      yield row;
      continue;
    }
    try {
      yield* reader.read(row);
    } catch (error) {
      if (!(error instanceof BadRow)) throw error;
      yield { line: row.line, offset: row.offset, reason: 'malformed', message: error.message };
    }
  }
  yield* reader.flush();
}
