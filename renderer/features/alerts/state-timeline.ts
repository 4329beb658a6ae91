import type { StepGrid } from '../promql/prometheus-answer.ts';
import { type PromSeries, type Stretch, stretchesOf } from './prom-range.ts';

/** States of one alert over time, as ALERTS has them. Pure. */
export interface TimelineRow {
  /** Its labels but those all alerts of the rule have. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly pending: readonly Stretch[];
  readonly firing: readonly Stretch[];
  readonly firingMs: number;
}
const HIDDEN = ['__name__', 'alertname', 'alertstate'];

/** A row for each set of labels; those that fired longest first. */
export function timelineRows(series: readonly PromSeries[], { stepMs }: Pick<StepGrid, 'stepMs'>): TimelineRow[] {
  const all = series.map(({ metric }) => metric);
  const isShared = (name: string): boolean => all.length > 1 && all.every((metric) => metric[name] === all[0]?.[name]);
  const rows = new Map<string, { labels: Record<string, string>; pending: readonly Stretch[]; firing: readonly Stretch[] }>();
  for (const each of series) {
    const labels = Object.fromEntries(Object.entries(each.metric).filter(([name]) => !HIDDEN.includes(name)));
    const key = JSON.stringify(Object.entries(labels).sort());
    const row = rows.get(key) ?? { labels, pending: [], firing: [] };
    rows.set(key, row);
    row[each.metric['alertstate'] === 'pending' ? 'pending' : 'firing'] = stretchesOf(each, stepMs);
  }
  return [...rows.values()]
    .map(({ labels, pending, firing }) => ({
      labels,
      name: Object.entries(labels)
        .filter(([name]) => !isShared(name))
        .map(([name, value]) => `${name}=${value}`)
        .join('  '),
      ...{ pending, firing },
      firingMs: firing.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0),
    }))
    .sort((a, b) => b.firingMs - a.firingMs || (a.name < b.name ? -1 : 1));
}
