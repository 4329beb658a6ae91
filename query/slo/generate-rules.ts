import { formatFloat } from '#query/rules/go-float.ts';
import { DAY_MS, lengthsOf, promDuration } from './burn-windows.ts';
import type { AlertText, BurnAlert, Objective, Sli } from './objective.ts';
import { WINDOW_PATTERN } from './query-template.ts';

/** Prometheus' rules of an objective, name by name and text by text what Sloth generates (slok/sloth@0e395d8). */
export interface GeneratedRule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations?: ReadonlyMap<string, string>;
}
export interface GeneratedGroup {
  readonly name: string;
  readonly rules: readonly GeneratedRule[];
}
export interface GenerateOptions {
  /** On every recorded series. */
  readonly extraLabels?: ReadonlyMap<string, string>;
  /** Of the generator, in sloth_slo_info. */
  readonly version: string;
}
type LabelMap = ReadonlyMap<string, string>;
const MODES = {
  'prometheus/v1': 'cli-gen-prom',
  'sloth.slok.dev/v1': 'cli-gen-k8s',
  'openslo/v1alpha': 'cli-gen-openslo',
  'openslo/v1': 'cli-gen-openslo',
};
const CORRECTION = 'slo:numerator_correction:ratio';
const merged = (...maps: readonly LabelMap[]): LabelMap => new Map(maps.flatMap((map) => [...map]));
export const sliMetric = (windowMs: number): string => `slo:sli_error:ratio_rate${promDuration(windowMs)}`;
/** As Go prints a float by default. */
const number = (value: number): string => formatFloat(value, 'g', -1);
const fraction = (value: number): string => (Math.abs(value) >= 1 ? formatFloat(value, 'f', -1) : number(value));
/** 1 - target, as Sloth subtracts: percents first. */
export const budgetRatio = ({ target }: Pick<Objective, 'target'>): number => (100 - target) / 100;

const idsOf = ({ id, name, service }: Objective): LabelMap =>
  new Map([
    ['sloth_id', id],
    ['sloth_service', service],
    ['sloth_slo', name],
  ]);
export const filterOf = (objective: Objective): string =>
  `{${[...idsOf(objective)].map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`;
export const inWindow = (query: string, windowMs: number): string => query.replace(WINDOW_PATTERN, () => promDuration(windowMs));

/** Groups of one objective; those without rules are left out. */
export function generateRules(objective: Objective, { extraLabels = new Map(), version }: GenerateOptions): GeneratedGroup[] {
  const { rules, id } = objective;
  const labels = merged(extraLabels, objective.labels);
  const groups = [
    { name: `sloth-slo-sli-recordings-${id}`, rules: rules.sli ? sliRules(objective, labels) : [] },
    { name: `sloth-slo-meta-recordings-${id}`, rules: rules.metadata ? metadataRules(objective, labels, version) : [] },
    { name: `sloth-slo-alerts-${id}`, rules: rules.alerts ? alertRules(objective) : [] },
  ];
  return groups.filter((group) => group.rules.length > 0);
}
/** Windows whose error rate is recorded, without the period. */
export function recordedLengths({ windows, burnAlerts, periodMs }: Objective): number[] {
  const own = burnAlerts.map(({ windowMs }) => windowMs).filter((ms) => ms !== periodMs);
  return [...new Set([...lengthsOf(windows), ...own])].sort((a, b) => a - b);
}
function sliRules(objective: Objective, labels: LabelMap): GeneratedRule[] {
  const { sli, periodMs, rules } = objective;
  const shortest = recordedLengths(objective)[0] as number;
  return [...recordedLengths(objective), periodMs].map((windowMs) => ({
    record: sliMetric(windowMs),
    expr:
      windowMs === periodMs && rules.optimized
        ? fromShortest(objective, shortest)
        : windowMs < periodMs && rules.denominatorCorrected && sli.kind === 'events'
          ? corrected(objective, sli, windowMs)
          : errorRatio(sli, windowMs),
    labels: merged(idsOf(objective), new Map([['sloth_window', promDuration(windowMs)]]), labels),
  }));
}
/** Share of bad events over a window. */
export function errorRatio(sli: Sli, windowMs: number): string {
  if (sli.kind === 'raw') return inWindow(`(${sli.errorRatioQuery})`, Math.max(windowMs, sli.leastWindowMs));
  return inWindow(`(${sli.errorQuery})\n/\n(${sli.totalQuery})\n`, windowMs);
}
function fromShortest(objective: Objective, shortestMs: number): string {
  const series = `${sliMetric(shortestMs)}${filterOf(objective)}[${promDuration(objective.periodMs)}]`;
  return `sum_over_time(${series})\n/ ignoring (sloth_window)\ncount_over_time(${series})\n`;
}
/** Plugin denominator_corrected_rules: a window with few events weighs what its events are of the period's. */
function corrected(objective: Objective, sli: Extract<Sli, { kind: 'events' }>, windowMs: number): string {
  const factor = `${CORRECTION}${promDuration(windowMs)}${filterOf(objective)}`;
  return inWindow(`(\n${factor}\n* on()\n${sli.errorQuery}\n)\n/\n(${sli.totalQuery})\n`, windowMs);
}
function metadataRules(objective: Objective, own: LabelMap, version: string): GeneratedRule[] {
  const { target, periodMs, sli, rules, spec } = objective;
  const labels = merged(idsOf(objective), own);
  const filter = filterOf(objective);
  const ratio = number(target / 100);
  const burnRate = (metric: string): string =>
    `${metric}${filter}\n/ on(sloth_id, sloth_slo, sloth_service) group_left\nslo:error_budget:ratio${filter}\n`;
  const info = new Map([
    ...([
      ['sloth_version', version],
      ['sloth_mode', MODES[spec]],
    ] as const),
    ...([
      ['sloth_spec', spec],
      ['sloth_objective', formatFloat(target, 'f', -1)],
    ] as const),
  ]);
  const list: GeneratedRule[] = [
    { record: 'slo:objective:ratio', expr: `vector(${ratio})`, labels },
    { record: 'slo:error_budget:ratio', expr: `vector(1-${ratio})`, labels },
    { record: 'slo:time_period:days', expr: `vector(${number(periodMs / DAY_MS)})`, labels },
    { record: 'slo:current_burn_rate:ratio', expr: burnRate(sliMetric(recordedLengths(objective)[0] as number)), labels },
    { record: 'slo:period_burn_rate:ratio', expr: burnRate(sliMetric(periodMs)), labels },
    { record: 'slo:period_error_budget_remaining:ratio', expr: `1 - slo:period_burn_rate:ratio${filter}`, labels },
    { record: 'sloth_slo_info', expr: 'vector(1)', labels: merged(labels, info) },
  ];
  if (!rules.denominatorCorrected || sli.kind !== 'events') return list;
  const total = (windowMs: number): string => `(${inWindow(sli.totalQuery, windowMs)})`;
  const corrections = recordedLengths(objective).map((windowMs) => ({
    ...{ record: `${CORRECTION}${promDuration(windowMs)}`, expr: `${total(windowMs)}/${total(periodMs)}`, labels },
  }));
  return [...list, ...corrections];
}
function alertRules(objective: Objective): GeneratedRule[] {
  const { page, ticket, burnAlerts } = objective;
  const both = (['page', 'ticket'] as const).flatMap((severity) => {
    const text = { page, ticket }[severity];
    return text ? [windowsAlert(objective, severity, text)] : [];
  });
  return [...both, ...burnAlerts.flatMap((alert) => [...burnAlertRules(objective, alert)])];
}
function windowsAlert(objective: Objective, severity: 'page' | 'ticket', { name, labels, annotations }: AlertText): GeneratedRule {
  const filter = filterOf(objective);
  const budget = fraction(budgetRatio(objective));
  const pairs = objective.windows
    .filter((window) => window.severity === severity)
    .map(({ shortMs, longMs, factor }) => {
      const over = (windowMs: number): string =>
        `    max(${sliMetric(windowMs)}${filter} > (${fraction(factor)} * ${budget})) without (sloth_window)\n`;
      return `(\n${over(shortMs)}    and\n${over(longMs)})\n`;
    });
  const of = '{{$labels.sloth_service}} {{$labels.sloth_slo}}';
  const texts = new Map([
    ['title', `(${severity}) ${of} SLO error budget burn rate is too fast.`],
    ['summary', `${of} SLO error budget burn rate is over expected.`],
  ]);
  return {
    ...{ alert: name, expr: pairs.join('or\n') },
    ...{ labels: merged(new Map([['sloth_severity', severity]]), labels), annotations: merged(texts, annotations) },
  };
}
/** An OpenSLO condition. Sloth has none of v1: the form is ours, the recorded series are the same. */
function* burnAlertRules(objective: Objective, alert: BurnAlert): Iterable<GeneratedRule> {
  const { name, operator, threshold, windowMs, forMs, annotations } = alert;
  const series = `${sliMetric(windowMs)}${filterOf(objective)}`;
  const held = forMs > 0 ? { for: promDuration(forMs) } : {};
  const labels = merged(idsOf(objective), alert.labels);
  const comparison = `${operator} (${fraction(threshold)} * ${fraction(budgetRatio(objective))})`;
  if (alert.whenBreaching)
    yield { alert: name, expr: `max(${series}) without (sloth_window) ${comparison}\n`, ...held, labels, annotations };
  if (alert.whenNoData) yield { alert: `${name}NoData`, expr: `absent(${series})\n`, ...held, labels, annotations };
}
