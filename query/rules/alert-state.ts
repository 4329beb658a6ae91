import { entriesOf, type Labels, labelOf, labelsOf, METRIC_NAME, setLabel } from '#query/promql/labels.ts';
import { EvaluationError } from '#query/promql/value.ts';
import type { AlertingRule } from './rule.ts';
import type { RuleSample, WrittenSample } from './sample.ts';

/**
 * The life of the alerts of one rule: inactive -> pending -> firing -> (kept firing) -> inactive. Pure: time comes with each evaluation.
 * As rules/alerting.go of Prometheus 3 has it, but that a restart goes on where it was (`restore`).
 */
export type AlertState = 'inactive' | 'pending' | 'firing';
export interface Alert {
  /** With alertname, without the metric's name. */
  readonly labels: Labels;
  annotations: ReadonlyMap<string, string>;
  state: AlertState;
  value: number;
  activeAtMs: number;
  firedAtMs: number | null;
  /** Firing, though its expression gives nothing, since then. */
  keepFiringSinceMs: number | null;
  resolvedAtMs: number | null;
  /** When others were told of it last. */
  lastSentMs: number | null;
}
/** A sample with what the templates made of it. */
export interface ExpandedSample {
  readonly sample: RuleSample;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
}
/** What was written of an alert before a restart. */
export interface StoredAlert {
  /** Without the metric's name and alertstate. */
  readonly labels: Labels;
  readonly activeAtMs: number;
  readonly isFiring: boolean;
  /** When it was written last. */
  readonly lastMs: number;
  /** It was written as these. */
  readonly series: readonly Labels[];
}
/** The newest sample of a series. */
export interface LastSample {
  readonly labels: Labels;
  readonly lastMs: number;
  readonly value: number;
}
/** So long a resolved alert is told of. */
const RESOLVED_MS = 15 * 60_000;
export const ALERTS = 'ALERTS';
export const ALERTS_FOR_STATE = 'ALERTS_FOR_STATE';

export class AlertBook {
  readonly rule: AlertingRule;
  /** By key of the labels. */
  private active = new Map<string, Alert>();

  constructor(rule: AlertingRule) {
    this.rule = rule;
  }
  /** Goes on with the alerts of the same rule as it was before its file changed. */
  takeOver(before: AlertBook): void {
    this.active = before.active;
  }
  /** Pending and firing ones. */
  get alerts(): readonly Alert[] {
    return [...this.active.values()].filter(({ state }) => state !== 'inactive');
  }
  /** Also those that resolved a little while ago. */
  get recent(): readonly Alert[] {
    return [...this.active.values()];
  }
  get counts(): { firing: number; pending: number } {
    const counts = { firing: 0, pending: 0 };
    for (const { state } of this.active.values()) if (state !== 'inactive') counts[state]++;
    return counts;
  }
  get state(): AlertState {
    const states = new Set(this.alerts.map(({ state }) => state));
    return states.has('firing') ? 'firing' : states.has('pending') ? 'pending' : 'inactive';
  }

  /**
   * Alerts as they were when they were written last. Time in which nothing was evaluated counts for none that was pending.
   * @param intervalMs of the group: a gap of one interval is none
   */
  restore(stored: readonly StoredAlert[], nowMs: number, intervalMs: number): void {
    for (const { labels, activeAtMs, isFiring, lastMs } of stored) {
      if (this.active.has(labels.key)) continue;
      const missedMs = Math.max(0, nowMs - lastMs - intervalMs);
      this.active.set(labels.key, {
        labels,
        annotations: new Map(),
        state: isFiring ? 'firing' : 'pending',
        value: Number.NaN,
        activeAtMs: isFiring ? activeAtMs : activeAtMs + missedMs,
        firedAtMs: isFiring ? activeAtMs + this.rule.forMs : null,
        keepFiringSinceMs: null,
        resolvedAtMs: null,
        lastSentMs: null,
      });
    }
  }

  /**
   * One evaluation.
   * @param atMs its time; samples are written at `writtenMs`, which a query offset moves back
   * @param limit pending and firing alerts at most; 0: no limit
   * @throws EvaluationError when two alerts have the same labels, or there are too many
   */
  evaluate(samples: readonly ExpandedSample[], atMs: number, writtenMs: number, limit: number): WrittenSample[] {
    const now = this.fresh(samples, atMs);
    for (const [key, alert] of now) {
      const known = this.active.get(key);
      if (known && known.state !== 'inactive') {
        known.value = alert.value;
        known.annotations = alert.annotations;
      } else this.active.set(key, alert);
    }
    const written: WrittenSample[] = [];
    let count = 0;
    for (const [key, alert] of this.active) {
      if (now.has(key)) alert.keepFiringSinceMs = null;
      else if (!this.isKept(key, alert, atMs)) continue;
      count++;
      if (alert.state === 'pending' && atMs - alert.activeAtMs >= this.rule.forMs) {
        alert.state = 'firing';
        alert.firedAtMs = atMs;
      }
      written.push(...this.written(alert, writtenMs));
    }
    if (limit > 0 && count > limit) {
      this.active.clear();
      throw new EvaluationError(`exceeded limit of ${limit} with ${count} alerts`);
    }
    return written;
  }
  private fresh(samples: readonly ExpandedSample[], atMs: number): Map<string, Alert> {
    const fresh = new Map<string, Alert>();
    for (const { sample, labels: own, annotations } of samples) {
      const labels = alertLabels(this.rule, sample.labels, own);
      if (fresh.has(labels.key)) throw new EvaluationError('vector contains metrics with the same labelset after applying alert labels');
      fresh.set(labels.key, {
        labels,
        annotations,
        state: 'pending',
        value: sample.value,
        activeAtMs: atMs,
        firedAtMs: null,
        keepFiringSinceMs: null,
        resolvedAtMs: null,
        lastSentMs: null,
      });
    }
    return fresh;
  }
  /** Of an alert the expression no longer gives: whether it goes on firing. */
  private isKept(key: string, alert: Alert, atMs: number): boolean {
    const { keepFiringForMs } = this.rule;
    if (alert.state === 'firing' && keepFiringForMs > 0) {
      alert.keepFiringSinceMs ??= atMs;
      if (atMs - alert.keepFiringSinceMs < keepFiringForMs) return true;
    }
    const isOver = alert.resolvedAtMs !== null && atMs - alert.resolvedAtMs > RESOLVED_MS;
    if (alert.state === 'pending' || isOver) this.active.delete(key);
    if (alert.state !== 'inactive') {
      alert.state = 'inactive';
      alert.resolvedAtMs = atMs;
    }
    return false;
  }
  private written({ labels, state, activeAtMs }: Alert, atMs: number): WrittenSample[] {
    const { base, shown } = alertSeries(this.rule, labels, state);
    return [
      { labels: shown, value: 1, atMs, isStale: false },
      { labels: base, value: Math.floor(activeAtMs / 1000), atMs, isStale: false },
    ];
  }
}
/** Labels of the alert a sample is; `own`: those of the rule, expanded. */
export function alertLabels(rule: AlertingRule, sample: Labels, own: ReadonlyMap<string, string>): Labels {
  const entries = new Map(entriesOf(sample).filter(([name]) => name !== METRIC_NAME));
  for (const [name, value] of own) entries.set(name, value);
  return labelsOf(entries.set('alertname', rule.name));
}
/** Series an alert is written as: ALERTS_FOR_STATE, and ALERTS in a state. */
export function alertSeries(rule: AlertingRule, labels: Labels, state: AlertState): { readonly base: Labels; readonly shown: Labels } {
  // A label whose template gave nothing is written as the rule has it; so does Prometheus.
  const all = new Map([...rule.labels, ...entriesOf(labels)]);
  const base = labelsOf(all.set(METRIC_NAME, ALERTS_FOR_STATE));
  return { base, shown: setLabel(setLabel(base, METRIC_NAME, ALERTS), 'alertstate', state) };
}
/**
 * The alerts a store has of a rule, from the last samples of ALERTS and ALERTS_FOR_STATE. Rules of the same name are told apart by the
 * labels they set.
 */
export function storedAlerts(rule: AlertingRule, last: readonly LastSample[]): StoredAlert[] {
  const fixed = [...rule.labels].filter(([, text]) => !rule.templates.has(text));
  const own = last.filter(
    ({ labels }) => labelOf(labels, 'alertname') === rule.name && fixed.every(([name, text]) => labelOf(labels, name) === text),
  );
  const bare = (labels: Labels): Labels => setLabel(setLabel(labels, METRIC_NAME, ''), 'alertstate', '');
  const shown = own
    .filter(({ labels }) => labelOf(labels, METRIC_NAME) === ALERTS)
    .map((each) => ({ ...each, key: bare(each.labels).key }));
  return own.flatMap(({ labels, lastMs, value }) => {
    if (labelOf(labels, METRIC_NAME) !== ALERTS_FOR_STATE) return [];
    const alert = bare(labels);
    const states = shown.filter(({ key }) => key === alert.key);
    const isFiring = states.some((each) => labelOf(each.labels, 'alertstate') === 'firing' && each.lastMs >= lastMs);
    return [{ labels: alert, activeAtMs: value * 1000, isFiring, lastMs, series: [labels, ...states.map((each) => each.labels)] }];
  });
}
