import type { Dictionary } from '#contracts/columns.ts';
import type { JournalRecord, ScrapeMeta } from '#contracts/journal.ts';
import { compileRelabel, type Relabel, type RelabelConfig } from './relabel.ts';

/** What a target showed last time, kept per dictionary: an unchanged series of the text formats costs one memcmp. */
export interface KnownSeries {
  /** As exposed; empty for a series that came as protobuf. */
  readonly raw: Uint8Array;
  readonly key: string;
  /** 0 = dropped by relabeling or by the series limit. */
  readonly seriesId: number;
  readonly isHistogram: boolean;
  /** Scrape it was last part of, whether that was kept or not; and the last one it had a sample in. */
  metAt: number;
  seenAt: number;
  stamped: boolean;
}
export interface TargetState {
  readonly known: Map<string, KnownSeries>;
  order: KnownSeries[];
  scrapes: number;
  /** Number of the last scrape that was kept. */
  lastGood: number;
  relabelText: string;
  relabel: Relabel;
  meta: Map<string, number>;
}
/** Stands for every series beyond the limit: remembering them one by one would be a way around that limit. */
export const BEYOND_LIMIT: KnownSeries = {
  raw: new Uint8Array(0),
  key: '',
  seriesId: 0,
  isHistogram: false,
  metAt: 0,
  seenAt: 0,
  stamped: false,
};

const targetsOf = new WeakMap<Dictionary, Map<string, TargetState>>();
const keyOf = (record: JournalRecord, meta: ScrapeMeta): string => `${record.source}|${JSON.stringify(meta.labels)}`;

export function stateOf(dictionary: Dictionary, record: JournalRecord, meta: ScrapeMeta): TargetState {
  let targets = targetsOf.get(dictionary);
  if (!targets) {
    targets = new Map();
    targetsOf.set(dictionary, targets);
  }
  const key = keyOf(record, meta);
  let state = targets.get(key);
  if (!state) {
    state = { known: new Map(), order: [], scrapes: 0, lastGood: 0, relabelText: '[]', relabel: compileRelabel([]), meta: new Map() };
    targets.set(key, state);
  }
  // Of the job, too, what a series is depends on: what is remembered of it holds for these rules only.
  const relabelText = JSON.stringify([meta.metricRelabelConfigs, meta.honorLabels]);
  if (state.relabelText !== relabelText) {
    state.relabelText = relabelText;
    state.relabel = compileRelabel(meta.metricRelabelConfigs as readonly RelabelConfig[]);
    state.known.clear();
  }
  return state;
}
/** The target is gone for good. */
export function forget(dictionary: Dictionary, record: JournalRecord, meta: ScrapeMeta): void {
  targetsOf.get(dictionary)?.delete(keyOf(record, meta));
}

/** Label rules of scrape.go mutateSampleLabels: the target's labels win unless honor_labels, the loser becomes exported_x. */
export function mergeLabels(name: string, own: readonly (readonly [string, string])[], meta: ScrapeMeta): Map<string, string> {
  const labels = new Map<string, string>();
  const clashes: (readonly [string, string])[] = [];
  for (const [key, value] of own) {
    if (value === '') continue;
    if (!meta.honorLabels && Object.hasOwn(meta.labels, key)) clashes.push([key, value]);
    else labels.set(key, value);
  }
  for (const [key, value] of Object.entries(meta.labels)) if (!(meta.honorLabels && labels.has(key))) labels.set(key, value);
  for (const [key, value] of clashes) {
    let exported = `exported_${key}`;
    while (labels.has(exported)) exported = `exported_${exported}`;
    labels.set(exported, value);
  }
  labels.set('__name__', name);
  return labels;
}

const shown = (text: string): string => (text.length > 50 ? `${text.slice(0, 50)}…` : text);
/** What a job's limits say to a series, as Prometheus' verifyLabelLimits; '' when nothing. */
export function overLabelLimit(labels: ReadonlyMap<string, string>, meta: ScrapeMeta): string {
  const { labelLimit = 0, labelNameLimit = 0, labelValueLimit = 0 } = meta;
  if (labelLimit === 0 && labelNameLimit === 0 && labelValueLimit === 0) return '';
  const metric = shown(labels.get('__name__') ?? '');
  if (labelLimit > 0 && labels.size > labelLimit) return `label_limit: ${metric} has ${labels.size} labels, the limit is ${labelLimit}`;
  for (const [name, value] of labels) {
    const [nameBytes, valueBytes] = [Buffer.byteLength(name), Buffer.byteLength(value)];
    if (labelNameLimit > 0 && nameBytes > labelNameLimit)
      return `label_name_length_limit: label ${shown(name)} of ${metric} has ${nameBytes} bytes, the limit is ${labelNameLimit}`;
    if (labelValueLimit > 0 && valueBytes > labelValueLimit)
      return `label_value_length_limit: the value of label ${shown(name)} of ${metric} has ${valueBytes} bytes, the limit is ${labelValueLimit}`;
  }
  return '';
}
