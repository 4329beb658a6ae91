import type { ExploredMetric } from '#contracts/promql.ts';
import { type LabelMatcher, literalRegex } from '#contracts/promql-text.ts';

/** Which metrics the explorer shows, and in which order. Pure. */
export const SORTS = ['name', 'series', 'change'] as const;
export type Sort = (typeof SORTS)[number];
export interface Narrowed {
  readonly q: string;
  readonly service: string;
  readonly kind: string;
  readonly label: string;
  readonly prefix: string;
  /** Full names of series a label's value is on; null: no value was chosen. */
  readonly withValue: ReadonlySet<string> | null;
}
const PARTS = ['', '_bucket', '_count', '_sum'];
/** Dots and underscores are one: OTLP names are found as they were sent. */
const plain = (text: string): string => text.toLowerCase().replaceAll(/[.\-/]/g, '_');

export function narrow(metrics: readonly ExploredMetric[], by: Narrowed): ExploredMetric[] {
  const words = plain(by.q)
    .split(/\s+/)
    .filter((word) => word !== '');
  const lead = words[0] ?? '';
  return metrics
    .filter((metric) => by.service === '' || metric.services.includes(by.service))
    .filter((metric) => by.kind === '' || metric.kind === by.kind)
    .filter((metric) => by.label === '' || metric.labels.includes(by.label))
    .filter((metric) => by.prefix === '' || prefixOf(metric.name) === by.prefix)
    .filter((metric) => by.withValue === null || PARTS.some((part) => by.withValue?.has(metric.name + part)))
    .filter((metric) => {
      const text = plain(`${metric.name} ${metric.help} ${metric.services.join(' ')}`);
      return words.every((word) => text.includes(word));
    })
    .sort((a, b) => Number(!plain(a.name).startsWith(lead)) - Number(!plain(b.name).startsWith(lead)) || (a.name < b.name ? -1 : 1));
}
/** Up to the first underscore or colon. */
export const prefixOf = (name: string): string => /^[^_:.]+/.exec(name)?.[0] ?? name;
/** Prefixes of several metrics, the largest first. */
export function prefixesOf(metrics: readonly ExploredMetric[], most: number): { readonly prefix: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const { name } of metrics) counts.set(prefixOf(name), (counts.get(prefixOf(name)) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([prefix, count]) => ({ prefix, count }))
    .sort((a, b) => b.count - a.count || (a.prefix < b.prefix ? -1 : 1))
    .slice(0, most);
}
type Values = readonly (number | null)[];
export interface Change {
  /** Mean of the first and of the last quarter with values; of the window's beginning to its end. */
  readonly from: number;
  readonly to: number;
}
/** null: too little to say. */
export function changeOf(values: Values): Change | null {
  const own = values.filter((value) => value !== null);
  const quarter = Math.floor(own.length / 4);
  if (quarter === 0) return null;
  const mean = (some: readonly number[]): number => some.reduce((sum, value) => sum + value, 0) / some.length;
  return { from: mean(own.slice(0, quarter)), to: mean(own.slice(-quarter)) };
}
/** 0 to 1: how much it moved, whichever way; what appeared or went to nothing is 1. */
export function sizeOfChange(change: Change | null): number {
  if (change === null) return 0;
  const most = Math.max(Math.abs(change.from), Math.abs(change.to));
  return most === 0 ? 0 : Math.min(1, Math.abs(change.to - change.from) / most);
}
/** Of each metric by name; metrics whose values are not known yet stay behind. */
export function inOrder(metrics: readonly ExploredMetric[], sort: Sort, changes: ReadonlyMap<string, number>): ExploredMetric[] {
  if (sort === 'series') return [...metrics].sort((a, b) => b.series - a.series);
  if (sort === 'change') return [...metrics].sort((a, b) => (changes.get(b.name) ?? -1) - (changes.get(a.name) ?? -1));
  return [...metrics];
}
/** The metric of a link: by its name in PromQL, or as it was sent (http.server.duration), which is the beginning of it. */
export function metricNamed(metrics: readonly ExploredMetric[], wanted: string): ExploredMetric | undefined {
  const exact = metrics.find(({ name }) => name === wanted) ?? metrics.find(({ name }) => PARTS.some((part) => name + part === wanted));
  if (exact || wanted === '') return exact;
  const start = wanted.replaceAll(/[^a-zA-Z0-9_:]/g, '_');
  return metrics.filter(({ name }) => name === start || name.startsWith(`${start}_`)).sort((a, b) => a.name.length - b.name.length)[0];
}
/** Series of a service: by service_name where the metric has it, else by the job, which may begin with a namespace. */
export function serviceMatcher(metric: ExploredMetric, service: string): LabelMatcher[] {
  if (service === '') return [];
  if (metric.labels.includes('service_name')) return [{ name: 'service_name', operator: '=', value: service }];
  return metric.labels.includes('job') ? [{ name: 'job', operator: '=~', value: `(?:.+/)?${literalRegex(service)}` }] : [];
}
