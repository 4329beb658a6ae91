import type { ColumnBatch, DecodedRecord, Dictionary, FixedColumn, SeriesRow, StringColumn, UuidColumn } from '#contracts/columns.ts';
import type { JournalPosition, JournalRecord } from '#contracts/journal.ts';
import { TABLES, type TableName } from '#contracts/tables.ts';
import { type RuleCounts, SAMPLED_KEY, type VolumeRule } from '#contracts/volume-rules.ts';
import { batchFromRows } from '#store/hot/columns-from-rows.ts';
import { type CompiledRule, compileRule, logShapeOf, severityOf, timeHash, traceHash } from './match-rule.ts';
import { pickRows, textAt, writeShort } from './pick-rows.ts';
import { RULED, RuleDictionary } from './rule-dictionary.ts';
import { type FoldedRow, Windows } from './windows.ts';

const at = (table: TableName, column: string): number => TABLES[table].columns.findIndex(({ name }) => name === column);
const SPAN = {
  trace: at('spans', 'trace_id'),
  name: at('spans', 'name'),
  service: at('spans', 'service'),
  status: at('spans', 'status_code'),
  state: at('spans', 'trace_state'),
};
const LOG = {
  time: at('logs', 'time'),
  trace: at('logs', 'trace_id'),
  number: at('logs', 'severity_number'),
  text: at('logs', 'severity_text'),
  service: at('logs', 'service'),
  body: at('logs', 'body'),
};
const SAMPLE = { series: at('samples', 'series_id'), time: at('samples', 'time'), value: at('samples', 'value') };
/** Metric the lines an aggregate rule takes out are counted as. */
export const LOG_LINES_METRIC = 'log_lines';

/** What a record must be replayed from, when its rows, or windows still open, come of earlier records. */
export interface Needs {
  /** For the rows this record wrote; null: none but its own. */
  readonly rows: JournalPosition | null;
  /** For the windows that are open after it. */
  readonly open: JournalPosition | null;
}
export interface Ruled {
  readonly decoded: DecodedRecord;
  readonly needs: Needs | null;
}
interface Tally {
  matched: number;
  leftOut: number;
  written: number;
}
/** What became of the rows of one record, before it is known that they are stored. */
type Tallies = Map<CompiledRule, Tally>;
const tallyOf = (tallies: Tallies, rule: CompiledRule): Tally => {
  let tally = tallies.get(rule);
  if (!tally) {
    tally = { matched: 0, leftOut: 0, written: 0 };
    tallies.set(rule, tally);
  }
  return tally;
};
const REASON = { drop: 'rule_dropped', sample: 'rule_sampled', aggregate: 'rule_aggregated' } as const;

/** The rules in force from a journal position on, and what they keep between records. */
export class RuleSet {
  readonly dictionary: RuleDictionary;
  readonly windows: ReadonlyMap<string, Windows>;
  private readonly rules: readonly CompiledRule[];
  private readonly spans: readonly CompiledRule[];
  private readonly logs: readonly CompiledRule[];
  private readonly counts: Map<string, { -readonly [K in keyof RuleCounts]: RuleCounts[K] }>;

  /** @param before the set this one replaces: windows of rules that did not change go on */
  constructor(rules: readonly VolumeRule[], inner: Dictionary, limit: number, counts: Map<string, RuleCounts>, before: RuleSet | null) {
    const enabled = rules.filter((rule) => rule.enabled);
    this.windows = new Map(
      enabled
        .filter(({ action }) => action.kind === 'aggregate')
        .map((rule) => {
          const known = before?.windows.get(rule.id);
          return [rule.id, known && JSON.stringify(known.rule) === JSON.stringify(rule) ? known : new Windows(rule)];
        }),
    );
    this.rules = enabled.map(compileRule);
    this.spans = this.rules.filter(({ rule }) => rule.signal === 'traces');
    this.logs = this.rules.filter(({ rule }) => rule.signal === 'logs');
    this.counts = counts;
    this.dictionary = new RuleDictionary(inner, this.rules, this.windows, limit);
  }
  /** Nothing is matched, and no window is open. */
  get isEmpty(): boolean {
    return this.rules.length === 0;
  }

  /** @param ended windows of the set before that do not go on: they are written with this record */
  apply(record: JournalRecord, decoded: DecodedRecord, nowMs: number, ended: readonly Windows[] = []): Ruled {
    const tallies: Tallies = new Map();
    const { position } = record;
    const receivedMs = Number(record.receivedUnixNano / 1_000_000n);
    const batches = decoded.batches.flatMap((batch) => this.filter(record, batch, tallies));
    const { rows, first, early } = this.close(position, receivedMs, ended, tallies);
    if (rows.length > 0) batches.push(this.batchOf(rows));
    const noted = new Map(decoded.noted);
    for (const [{ rule }, { matched, leftOut, written }] of tallies) {
      const reason = REASON[rule.action.kind];
      if (leftOut > 0) noted.set(reason, (noted.get(reason) ?? 0) + leftOut);
      this.count(rule.id, matched, leftOut, written, nowMs);
    }
    if (early > 0) noted.set('rule_window_cut', early);
    const open = [...this.windows.values()].map((windows) => windows.needs()).filter((needs) => needs !== null);
    const needs = this.windows.size === 0 && first === null ? null : { rows: first, open: open.length === 0 ? null : Math.min(...open) };
    return { decoded: { ...decoded, batches, noted }, needs };
  }

  private close(position: JournalPosition, receivedMs: number, ended: readonly Windows[], tallies: Tallies) {
    const rows: FoldedRow[] = [];
    let first: JournalPosition | null = null;
    let early = 0;
    const end = (windows: Windows, all: boolean): void => {
      const closed = windows.close(position, receivedMs, all);
      rows.push(...closed.rows);
      early += closed.early;
      if (closed.first !== null) first = Math.min(first ?? closed.first, closed.first);
      const rule = this.rules.find((each) => each.rule.id === windows.rule.id);
      if (rule && closed.rows.length > 0) tallyOf(tallies, rule).written += closed.rows.length;
    };
    for (const windows of ended) end(windows, true);
    for (const windows of this.windows.values()) end(windows, false);
    return { rows, first: first as JournalPosition | null, early };
  }
  private batchOf(rows: readonly FoldedRow[]): ColumnBatch {
    const stored = rows
      .map(({ target, startMs, endMs, value }) => ({
        series_id: this.dictionary.targetId(target),
        time: BigInt(endMs) * 1_000_000n,
        value,
        value_int: null,
        start_time: BigInt(startMs) * 1_000_000n,
        flags: 0,
      }))
      .filter(({ series_id }) => series_id !== 0);
    return batchFromRows(TABLES.samples, stored);
  }
  private count(id: string, matched: number, leftOut: number, written: number, nowMs: number): void {
    const counts = this.counts.get(id) ?? { matched: 0, leftOut: 0, written: 0, lastMs: null };
    this.counts.set(id, {
      matched: counts.matched + matched,
      leftOut: counts.leftOut + leftOut,
      written: counts.written + written,
      lastMs: matched > 0 ? nowMs : counts.lastMs,
    });
  }

  private filter(record: JournalRecord, batch: ColumnBatch, tallies: Tallies): ColumnBatch | ColumnBatch[] {
    if (batch.table === 'spans') return this.spans.length === 0 ? batch : this.filterSpans(record, batch, tallies);
    if (batch.table === 'logs') return this.logs.length === 0 ? batch : this.filterLogs(record, batch, tallies);
    if (batch.table === 'profiles' || batch.table === 'profile_samples') return batch;
    return this.filterPoints(record, batch, tallies);
  }
  /** Rows of samples, histograms and exemplars whose series a rule is about. */
  private filterPoints({ position }: JournalRecord, batch: ColumnBatch, tallies: Tallies): ColumnBatch | ColumnBatch[] {
    const ids = (batch.columns[SAMPLE.series] as FixedColumn).data as Uint32Array;
    let ruled = 0;
    for (let row = 0; row < batch.rows; row++) if ((ids[row] as number) >= RULED) ruled++;
    if (ruled === 0) return batch;
    const isSample = batch.table === 'samples';
    const times = (batch.columns[SAMPLE.time] as FixedColumn).data as BigInt64Array;
    const values = (batch.columns[SAMPLE.value] as FixedColumn).data as Float64Array;
    const keep = new Uint32Array(batch.rows - ruled);
    let kept = 0;
    for (let row = 0; row < batch.rows; row++) {
      const id = ids[row] as number;
      if (id < RULED) {
        keep[kept++] = row;
        continue;
      }
      const { rule, folded } = this.dictionary.verdict(id);
      // Exemplars ride along and are no items.
      if (batch.table === 'exemplars') continue;
      const tally = tallyOf(tallies, rule);
      tally.matched++;
      tally.leftOut++;
      if (folded && isSample)
        this.windows.get(rule.rule.id)?.add(position, folded, Number((times[row] as bigint) / 1_000_000n), values[row] as number);
    }
    return kept === 0 ? [] : pickRows(batch, keep);
  }

  private filterSpans({ source }: JournalRecord, batch: ColumnBatch, tallies: Tallies): ColumnBatch | ColumnBatch[] {
    const traces = (batch.columns[SPAN.trace] as UuidColumn).data;
    const status = (batch.columns[SPAN.status] as FixedColumn).data as Uint8Array;
    const [names, services] = [batch.columns[SPAN.name] as StringColumn, batch.columns[SPAN.service] as StringColumn];
    const rules = this.spans.filter((rule) => rule.source(source));
    const keep: number[] = [];
    const sampled: { readonly row: number; readonly rule: CompiledRule }[] = [];
    for (let row = 0; row < batch.rows; row++) {
      const rule = rules.find(
        (each) =>
          (each.status === null || each.status === status[row]) &&
          each.service(textAt(services, batch.heap, row)) &&
          each.name(textAt(names, batch.heap, row)),
      );
      if (!rule) {
        keep.push(row);
        continue;
      }
      const tally = tallyOf(tallies, rule);
      tally.matched++;
      const { action } = rule.rule;
      const isKept = action.kind === 'sample' && action.keepErrors && status[row] === 2;
      if (isKept) keep.push(row);
      else if (action.kind === 'sample' && traceHash(traces, row) < rule.below) {
        sampled.push({ row: keep.length, rule });
        keep.push(row);
      } else tally.leftOut++;
    }
    if (keep.length === batch.rows && sampled.length === 0) return batch;
    if (keep.length === 0) return [];
    return markSampled(pickRows(batch, Uint32Array.from(keep)), sampled);
  }

  private filterLogs({ source, position }: JournalRecord, batch: ColumnBatch, tallies: Tallies): ColumnBatch | ColumnBatch[] {
    const rules = this.logs.filter((rule) => rule.source(source));
    const keep: number[] = [];
    for (let row = 0; row < batch.rows; row++) {
      const line = lineAt(batch, row);
      const rule = rules.find(
        (each) =>
          each.service(line.service()) &&
          (each.severity === null || each.severity === line.severity()) &&
          (each.pattern === null || each.pattern === line.pattern()),
      );
      if (!rule) {
        keep.push(row);
        continue;
      }
      const tally = tallyOf(tallies, rule);
      tally.matched++;
      if (this.keepsLine(rule, line)) keep.push(row);
      else {
        tally.leftOut++;
        const windows = this.windows.get(rule.rule.id);
        if (windows) countLine(windows, position, line);
      }
    }
    if (keep.length === batch.rows) return batch;
    return keep.length === 0 ? [] : pickRows(batch, Uint32Array.from(keep));
  }
  private keepsLine({ rule: { action }, below }: CompiledRule, line: Line): boolean {
    if (action.kind !== 'sample') return false;
    return (action.keepErrors && ['error', 'fatal'].includes(line.severity())) || line.hash() < below;
  }
}

interface Line {
  service(): string;
  severity(): ReturnType<typeof severityOf>;
  pattern(): string;
  hash(): number;
  ms(): number;
}
/** What rules ask of a log record, read when it is asked for. */
function lineAt({ columns, heap }: ColumnBatch, row: number): Line {
  const times = (columns[LOG.time] as FixedColumn).data as BigInt64Array;
  const trace = columns[LOG.trace] as UuidColumn;
  return {
    service: () => textAt(columns[LOG.service] as StringColumn, heap, row),
    severity: () =>
      severityOf((columns[LOG.number] as FixedColumn).data[row] as number, textAt(columns[LOG.text] as StringColumn, heap, row)),
    pattern: () => logShapeOf(textAt(columns[LOG.body] as StringColumn, heap, row)),
    hash: () => {
      if (!trace.present || trace.present[row] === 1) return traceHash(trace.data, row);
      const time = BigInt.asUintN(64, times[row] as bigint);
      return timeHash(Number(time & 0xffff_ffffn), Number(time >> 32n));
    },
    ms: () => Number((times[row] as bigint) / 1_000_000n),
  };
}
/** Stands for the patterns a window has no room for. */
export const OTHER_PATTERNS = '<other>';
/** Lines become a count a service, severity and pattern. */
function countLine(windows: Windows, position: JournalPosition, line: Line): void {
  const [service, severity, ms] = [line.service(), line.severity(), line.ms()];
  const keyOf = (pattern: string): string => ['lines', service, severity, pattern].join('\0');
  const own = line.pattern();
  const pattern = windows.hasRoom(ms) || windows.hasTarget(ms, keyOf(own)) ? own : OTHER_PATTERNS;
  const key = keyOf(pattern);
  let target = windows.targets.get(key);
  if (!target) {
    target = { key, merged: true, row: linesRow(service, severity, pattern) };
    windows.targets.set(key, target);
  }
  windows.add(position, { target, fold: 'total', lastMs: 0, lastValue: 0, lastWindow: -1 }, ms, 1);
}
const linesRow = (service: string, severity: string, pattern: string): SeriesRow => ({
  metric: LOG_LINES_METRIC,
  type: 'sum',
  unit: '{line}',
  description: 'Log lines a rule of the Volume page counts instead of storing them.',
  temporality: 'delta',
  monotonic: true,
  numberType: 'd',
  source: 'otlp',
  service,
  attributes: { keys: ['pattern', 'severity'], values: [pattern, severity], types: 'ss' },
  metadata: { keys: [], values: [], types: '' },
  resourceId: 0,
  scopeId: 0,
});

/** A span kept for others says for how many in its tracestate, which judgement reads (store/sql/read/expressions.ts spanWeight). */
function markSampled(batch: ColumnBatch, sampled: readonly { readonly row: number; readonly rule: CompiledRule }[]): ColumnBatch {
  if (sampled.length === 0) return batch;
  const state = batch.columns[SPAN.state] as StringColumn;
  const present = state.present ?? new Uint8Array(batch.rows).fill(1);
  const extra: Buffer[] = [];
  let heapEnd = batch.heap.length;
  for (const { row, rule } of sampled) {
    const { action } = rule.rule;
    const mark = `${SAMPLED_KEY}${action.kind === 'sample' ? action.keepOneIn : 1}`;
    const known = textAt({ ...state, present }, batch.heap, row);
    present[row] = 1;
    if (known === '') writeShort(state.cells, row, mark);
    else {
      const text = Buffer.from(`${mark},${known}`);
      writeShort(state.cells, row, text.subarray(0, 4).toString('latin1'));
      state.cells[row * 4] = text.length;
      state.cells[row * 4 + 2] = heapEnd;
      extra.push(text);
      heapEnd += text.length;
    }
  }
  const columns = batch.columns.map((column, i) => (i === SPAN.state ? { ...state, present } : column));
  return { ...batch, columns, heap: extra.length === 0 ? batch.heap : Buffer.concat([batch.heap, ...extra]) };
}
