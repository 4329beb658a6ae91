import type { Fields } from '#query/rules/yaml-decoder.ts';
import type { YamlNode } from '#query/rules/yaml-node.ts';
import { DAY_MS, DEFAULT_PERIOD_MS, promDuration, recordedWindows } from './burn-windows.ts';
import { ALL_RULES, type BudgetMethod, type Objective, type Sli } from './objective.ts';
import type { OpenSloBook } from './openslo-book.ts';
import { promqlFault, queryFault, WINDOW_PATTERN } from './query-template.ts';
import { readPolicies } from './read-policies.ts';
import { entryOf, type SloReader, textOf } from './slo-reader.ts';

/**
 * SLOs of OpenSLO, one objective for each of theirs, named as Sloth names them (name-0, name-1). v1alpha gives Sloth's rules; of v1, which
 * Sloth does not read, the recorded series are the same and the alerts are those of its alert policies.
 */
const SPEC_KEYS = {
  'openslo/v1': [
    ...['description', 'service', 'indicator', 'indicatorRef', 'timeWindow', 'budgetingMethod', 'objectives', 'alertPolicies'],
  ],
  'openslo/v1alpha': ['description', 'service', 'indicator', 'budgetingMethod', 'objectives', 'timeWindows', 'alertPolicies'],
};
type Version = keyof typeof SPEC_KEYS;
const MAX_TARGETS = 100;
/** Rolling windows longer than this nobody keeps data for. */
const MAX_PERIOD_MS = 366 * DAY_MS;

export function readOpenSlo(reader: SloReader, root: YamlNode, apiVersion: string, book: OpenSloBook): Objective[] {
  const kindAt = entryOf(root, 'kind') ?? root;
  const kind = textOf(kindAt);
  if (!Object.hasOwn(SPEC_KEYS, apiVersion)) {
    reader.issue(
      entryOf(root, 'apiVersion') ?? root,
      '',
      `${JSON.stringify(apiVersion.slice(0, 60))} is not read: openslo/v1 and openslo/v1alpha are`,
    );
    return [];
  }
  if (kind !== 'SLO') {
    reader.issue(kindAt, '', `kind ${JSON.stringify(kind.slice(0, 60))} of ${apiVersion} is not read`);
    return [];
  }
  const version = apiVersion as Version;
  const metadata = reader.map(entryOf(root, 'metadata'), 'openslo.Metadata', null);
  const name = reader.name(metadata.get('name'), root, '', 'metadata.name');
  const about = `slo ${JSON.stringify(name ?? '')}`;
  const fields = reader.map(entryOf(root, 'spec'), 'openslo.SLOSpec', SPEC_KEYS[version]);
  const service = reader.name(fields.get('service'), root, about, 'spec.service');
  const periodMs = version === 'openslo/v1' ? readPeriod(reader, fields, about) : readDays(reader, fields, about);
  const nodes = reader.list(fields.get('objectives'), 'openslo.Objective');
  if (nodes.length === 0) reader.issue(fields.get('objectives') ?? root, about, 'at least one objective is required');
  if (nodes.length > MAX_TARGETS) reader.issue(nodes[MAX_TARGETS] as YamlNode, about, `more than ${MAX_TARGETS} objectives`);
  const indicator = version === 'openslo/v1' ? readIndicator(reader, fields, root, about, book) : null;
  const alerts = version === 'openslo/v1' ? readPolicies(reader, fields.get('alertPolicies'), about, `${service}-${name}`, book) : [];
  if (name === null || service === null || periodMs === null) return [];
  return nodes.slice(0, MAX_TARGETS).flatMap((node, i): Objective[] => {
    const target = readTarget(reader, node, about);
    const method = readMethod(reader, fields, node, about);
    const sli =
      version === 'openslo/v1alpha'
        ? readAlphaSli(reader, node, about)
        : indicator && method && sliOf(reader, indicator, node, method, about);
    if (target === null || !method || !sli) return [];
    return [
      {
        ...{
          id: `${service}-${name}-${i}`,
          service,
          name: `${name}-${i}`,
          description: reader.text(fields.get('description')),
          target,
          periodMs,
        },
        ...{
          labels: new Map(),
          sli,
          method,
          spec: version,
          windows: recordedWindows(periodMs),
          page: null,
          ticket: null,
          burnAlerts: alerts,
        },
        ...{ rules: ALL_RULES, file: reader.file, line: node.line, column: node.column },
      },
    ];
  });
}
function readTarget(reader: SloReader, node: YamlNode, about: string): number | null {
  const [ratioAt, percentAt] = [entryOf(node, 'target'), entryOf(node, 'targetPercent')];
  const [ratio, percent] = [reader.number(ratioAt), reader.number(percentAt)];
  if (ratio !== null && percent !== null) reader.issue(percentAt as YamlNode, about, 'only one of target and targetPercent is allowed');
  const target = ratio !== null ? ratio * 100 : percent;
  if (target !== null && target > 0 && target <= 100) return target;
  reader.issue(ratioAt ?? percentAt ?? node, about, 'target (above 0, at most 1) or targetPercent is required');
  return null;
}
function readPeriod(reader: SloReader, fields: Fields, about: string): number | null {
  const windows = reader.list(fields.get('timeWindow'), 'openslo.TimeWindow');
  const [window, second] = windows;
  if (!window) return DEFAULT_PERIOD_MS;
  if (second) reader.issue(second, about, 'only one time window is allowed');
  const rollingAt = entryOf(window, 'isRolling');
  const isRolling = rollingAt ? reader.boolean(rollingAt) : !entryOf(window, 'calendar');
  if (!isRolling) reader.issue(rollingAt ?? window, about, 'calendar-aligned windows are not evaluated here: use a rolling one');
  const durationAt = entryOf(window, 'duration');
  if (!durationAt) reader.issue(window, about, 'duration of the time window is required');
  const ms = reader.duration(durationAt, about);
  if (ms === null || !isRolling) return null;
  return inBounds(reader, durationAt as YamlNode, about, ms);
}
function inBounds(reader: SloReader, at: YamlNode, about: string, ms: number): number | null {
  if (ms >= DAY_MS && ms <= MAX_PERIOD_MS) return ms;
  reader.issue(at, about, 'the time window must be from 1 day to 366 days');
  return null;
}
function readDays(reader: SloReader, fields: Fields, about: string): number | null {
  const windows = reader.list(fields.get('timeWindows'), 'openslo.TimeWindow');
  const [window, second] = windows;
  if (!window) return DEFAULT_PERIOD_MS;
  if (second) reader.issue(second, about, 'only 1 time window is supported');
  const unitAt = entryOf(window, 'unit');
  if (textOf(unitAt).toLowerCase() !== 'day') {
    reader.issue(unitAt ?? window, about, 'only days based time windows are supported');
    return null;
  }
  return inBounds(reader, window, about, (reader.number(entryOf(window, 'count')) ?? 0) * DAY_MS);
}
function readMethod(reader: SloReader, spec: Fields, node: YamlNode, about: string): BudgetMethod | null {
  const at = spec.get('budgetingMethod');
  const kind = textOf(at) || 'Occurrences';
  if (kind === 'Occurrences') return { kind: 'occurrences' };
  if (kind !== 'Timeslices' && kind !== 'RatioTimeslices') {
    reader.issue(
      at ?? node,
      about,
      `budgetingMethod ${JSON.stringify(kind.slice(0, 40))} is none of Occurrences, Timeslices, RatioTimeslices`,
    );
    return null;
  }
  const windowAt = entryOf(node, 'timeSliceWindow');
  if (!windowAt) reader.issue(node, about, `timeSliceWindow is required with ${kind}`);
  const sliceMs = reader.duration(windowAt, about, 'm');
  if (sliceMs === null) return null;
  if (sliceMs > DAY_MS) {
    reader.issue(windowAt as YamlNode, about, 'timeSliceWindow must be at most 1d');
    return null;
  }
  if (kind === 'RatioTimeslices') return { kind: 'ratio-timeslices', sliceMs };
  const targetAt = entryOf(node, 'timeSliceTarget');
  const sliceTarget = reader.number(targetAt);
  if (sliceTarget !== null && sliceTarget > 0 && sliceTarget <= 1) return { kind: 'timeslices', sliceMs, sliceTarget };
  reader.issue(targetAt ?? node, about, 'timeSliceTarget above 0 and at most 1 is required with Timeslices');
  return null;
}

/** v1alpha: good and total events in each objective, as Sloth writes their ratio. */
function readAlphaSli(reader: SloReader, node: YamlNode, about: string): Sli | null {
  const metrics = entryOf(node, 'ratioMetrics');
  if (!metrics) {
    reader.issue(node, about, 'ratioMetrics is required');
    return null;
  }
  const [good, total] = (['good', 'total'] as const).map((key) => {
    const each = entryOf(metrics, key) ?? metrics;
    const source = entryOf(each, 'source');
    if (!['prometheus', 'sloth'].includes(textOf(source)))
      reader.issue(source ?? each, about, `${key}: source must be prometheus or sloth`);
    const type = entryOf(each, 'queryType');
    if (textOf(type) !== 'promql') reader.issue(type ?? each, about, `${key}: queryType must be promql`);
    const query = reader.query(entryOf(each, 'query'), each, about, key);
    return textOf(type) === 'promql' ? query : null;
  }) as [string | null, string | null];
  if (good === null || total === null) return null;
  return raw(`\n  1 - (\n    (\n      ${good}\n    )\n    /\n    (\n      ${total}\n    )\n  )\n`);
}
const raw = (errorRatioQuery: string, leastWindowMs = 0): Sli => ({ kind: 'raw', errorRatioQuery, leastWindowMs });

interface Indicator {
  readonly kind: 'threshold' | 'good' | 'bad' | 'success' | 'failure';
  readonly query: string;
  readonly total: string;
  readonly at: YamlNode;
}
function readIndicator(reader: SloReader, spec: Fields, root: YamlNode, about: string, book: OpenSloBook): Indicator | null {
  const [inline, ref] = [spec.get('indicator'), spec.get('indicatorRef')];
  if (inline && ref) reader.issue(ref, about, 'only one of indicator and indicatorRef is allowed');
  const node = inline ?? (ref ? book.find('SLI', textOf(ref)) : null);
  if (!node) {
    reader.issue(ref ?? root, about, ref ? `there is no SLI ${JSON.stringify(textOf(ref))}` : 'indicator or indicatorRef is required');
    return null;
  }
  const fields = reader.map(entryOf(node, 'spec'), 'openslo.SLISpec', ['description', 'thresholdMetric', 'ratioMetric']);
  const [threshold, ratio] = [fields.get('thresholdMetric'), fields.get('ratioMetric')];
  if ((threshold === undefined) === (ratio === undefined)) {
    reader.issue(ratio ?? node, about, 'an SLI has either thresholdMetric or ratioMetric');
    return null;
  }
  const source = (at: YamlNode, key: string): string | null => readSource(reader, at, `${about}: ${key}`, book);
  if (threshold) {
    const query = source(threshold, 'thresholdMetric');
    return query === null ? null : { kind: 'threshold', query, total: '', at: threshold };
  }
  const metric = ratio as YamlNode;
  const entries = reader.map(metric, 'openslo.RatioMetric', ['counter', 'good', 'bad', 'total', 'raw', 'rawType']);
  const isCounter = reader.boolean(entries.get('counter'));
  const [good, bad, total, own] = ['good', 'bad', 'total', 'raw'].map((key) => entries.get(key));
  if (own) {
    const type = textOf(entries.get('rawType'));
    if (type !== 'success' && type !== 'failure')
      reader.issue(entries.get('rawType') ?? own, about, 'rawType must be success or failure where raw is given');
    const query = source(own, 'raw');
    return query === null || (type !== 'success' && type !== 'failure')
      ? null
      : { kind: type, query: overTime(query, 'avg'), total: '', at: own };
  }
  const numerator = good ?? bad;
  if (!numerator || !total || (good && bad)) {
    reader.issue(bad ?? metric, about, 'ratioMetric has total and one of good and bad, or raw');
    return null;
  }
  const [query, all] = [source(numerator, good ? 'good' : 'bad'), source(total, 'total')];
  if (query === null || all === null) return null;
  const over = (text: string): string => overTime(text, isCounter ? 'rate' : 'sum');
  return { kind: good ? 'good' : 'bad', query: over(query), total: over(all), at: metric };
}
/** The query of a metricSource, from Prometheus only. */
function readSource(reader: SloReader, node: YamlNode, about: string, book: OpenSloBook): string | null {
  const source = entryOf(node, 'metricSource');
  const ref = entryOf(source, 'metricSourceRef');
  const found = ref ? book.find('DataSource', textOf(ref)) : null;
  const typeAt = entryOf(source, 'type') ?? entryOf(entryOf(found ?? undefined, 'spec'), 'type');
  if (!typeAt) {
    const says = ref
      ? `there is no DataSource ${JSON.stringify(textOf(ref))}, and no type is given`
      : 'type of the metricSource is required';
    reader.issue(ref ?? source ?? node, about, says);
    return null;
  }
  if (!/^(?:prometheus|promql|faultline)$/i.test(textOf(typeAt))) {
    reader.issue(typeAt, about, `metric source ${JSON.stringify(textOf(typeAt).slice(0, 60))} is not read: only Prometheus`);
    return null;
  }
  const spec = entryOf(source, 'spec');
  const queryAt = entryOf(spec, 'query') ?? entryOf(spec, 'promql');
  const query = reader.text(queryAt);
  const fault =
    query.search(WINDOW_PATTERN) >= 0 ? queryFault(query, true) : query.trim() === '' ? 'a query is required' : promqlFault(query);
  if (fault === '') return query;
  reader.issue(queryAt ?? spec ?? source ?? node, about, fault);
  return null;
}
/** OpenSLO's queries know no window: one without is looked at over the window, a bare selector as it is stored. */
function overTime(query: string, how: 'rate' | 'sum' | 'avg'): string {
  if (query.search(WINDOW_PATTERN) >= 0) return query;
  const text = query.trim();
  const range = promqlFault(`${text}[1m]`) === '' ? `${text}[{{.window}}]` : `(${text})[{{.window}}:]`;
  if (how === 'avg') return `avg(avg_over_time(${range}))`;
  return `sum(${how === 'rate' ? 'increase' : 'sum_over_time'}(${range}))`;
}
const OPERATORS: Readonly<Record<string, string>> = { lte: '<=', gte: '>=', lt: '<', gt: '>' };

/** Share of bad events, or by slices of it. */
function sliOf(reader: SloReader, indicator: Indicator, node: YamlNode, method: BudgetMethod, about: string): Sli | null {
  const ratio = errorRatioOf(reader, indicator, node, about);
  if (ratio === null) return null;
  if (method.kind === 'occurrences') return raw(ratio);
  const slice = promDuration(method.sliceMs);
  const ofSlice = ratio.replaceAll(WINDOW_PATTERN, slice);
  const series = method.kind === 'timeslices' ? `(1 - (${ofSlice})) < bool ${method.sliceTarget}` : ofSlice;
  return raw(`avg_over_time((${series})[{{.window}}:${slice}])`, method.sliceMs);
}
function errorRatioOf(reader: SloReader, { kind, query, total }: Indicator, node: YamlNode, about: string): string | null {
  switch (kind) {
    case 'good':
      return `1 - (\n  (${query})\n  /\n  (${total})\n)`;
    case 'bad':
      return `(${query})\n/\n(${total})`;
    case 'success':
      return `1 - (${query})`;
    case 'failure':
      return query;
    case 'threshold': {
      const opAt = entryOf(node, 'op');
      const operator = Object.hasOwn(OPERATORS, textOf(opAt)) ? OPERATORS[textOf(opAt)] : undefined;
      const value = reader.number(entryOf(node, 'value'));
      if (!operator) reader.issue(opAt ?? node, about, 'op must be lte, gte, lt or gt with a thresholdMetric');
      if (value === null) reader.issue(node, about, 'value is required with a thresholdMetric');
      if (!operator || value === null) return null;
      return `1 - avg(avg_over_time(((${query}) ${operator} bool ${value})[{{.window}}:]))`;
    }
  }
}
