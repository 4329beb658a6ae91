import { describe, expect, it } from 'vitest';
import { readRules } from '#query/rules/read-rules.ts';
import { DAY_MS } from '#query/slo/burn-windows.ts';
import { generateRules } from '#query/slo/generate-rules.ts';
import { readSlos } from '#query/slo/read-slos.ts';
import { ruleDocument } from '#query/slo/rule-document.ts';
import { loadSlos } from './load-slos.ts';
import { parseYamlDocuments } from './parse-yaml.ts';

const read = (...texts: string[]) => {
  const files = readSlos(texts.map((text, i) => ({ file: `${i}.yml`, documents: parseYamlDocuments(text) })));
  return {
    objectives: files.flatMap(({ objectives }) => objectives),
    problems: files.flatMap(({ problems }) => problems.map((p) => p.message)),
  };
};
const rulesOf = (...texts: string[]) => {
  const { objectives, problems } = read(...texts);
  expect(problems).toEqual([]);
  // What is generated is what a rule file may hold.
  expect(readRules(ruleDocument(objectives, { version: 'dev' }), 'x').problems).toEqual([]);
  return objectives.flatMap((objective) => generateRules(objective, { version: 'dev' })).flatMap(({ rules }) => rules);
};
const sloth = (...lines: string[]): string => `version: prometheus/v1\nservice: shop\nslos:\n${lines.map((line) => `${line}\n`).join('')}`;
const GOOD = ['- name: checkout', '  objective: 99', '  sli: {raw: {error_ratio_query: "avg(x[{{.window}}])"}}', '  alerting: {name: A}'];
const QUERY = GOOD.map((line) => line.replace('avg(x[{{.window}}])', 'avg_over_time(x[{{.window}}])'));
const without = (start: string, ...instead: string[]): string[] =>
  QUERY.flatMap((line) => (line.trimStart().startsWith(start) ? instead : [line]));

describe('a file of Sloth', () => {
  it.each<[string, string, string[]]>([
    [
      'a bad expression',
      sloth(...GOOD),
      [
        expect.stringMatching(
          /^6:34: slo "checkout": error_ratio_query: could not parse expression: 1:5: .*range vector/,
        ) as unknown as string,
      ],
    ],
    [
      'no window',
      sloth(...without('sli', '  sli: {raw: {error_ratio_query: x}}')),
      ['6:34: slo "checkout": error_ratio_query: the query must contain {{.window}}'],
    ],
    [
      'another template',
      sloth(...without('sli', '  sli: {raw: {error_ratio_query: "x[{{.window}}] > {{ .limit }}"}}')),
      ['6:34: slo "checkout": error_ratio_query: only {{.window}} is known in a query, not {{ .limit }}'],
    ],
    ['no objective', sloth(...without('objective')), ['4:3: slo "checkout": objective must be a percentage above 0 and at most 100']],
    [
      'an objective above 100',
      sloth(...without('objective', '  objective: 100.1')),
      ['5:14: slo "checkout": objective must be a percentage above 0 and at most 100'],
    ],
    [
      'an objective that is none',
      sloth(...without('objective', '  objective: high')),
      ['5:14: cannot unmarshal !!str `high` into float64', '5:14: slo "checkout": objective must be a percentage above 0 and at most 100'],
    ],
    ['no SLI', sloth(...without('sli')), ['4:3: slo "checkout": one of sli.events and sli.raw is required']],
    [
      'an SLI plugin',
      sloth(...without('sli', '  sli: {plugin: {id: sloth-common/x}}')),
      ['6:17: slo "checkout": sli.plugin is code that does not run here: write its queries as sli.events or sli.raw'],
    ],
    [
      'an unknown plugin',
      sloth(...QUERY, '  plugins: {chain: [{id: constructor}]}'),
      [expect.stringContaining('8:21: slo "checkout": plugin "constructor" is code that does not run here') as unknown as string],
    ],
    ['alerts without a name', sloth(...without('alerting')), ['4:3: slo "checkout": alerting.name is required (or both alerts disabled)']],
    [
      'a bad name',
      sloth(...without('- name', '- name: "a b"')),
      ["4:9: name of an SLO \"a b\" must begin and end with a letter or digit and hold only these, '.', '_' and '-'"],
    ],
    ['an unknown key', sloth(...QUERY, '  page_alerts: {}'), ['8:3: field page_alerts not found in type v1.SLO']],
    ['none at all', 'version: prometheus/v1\nservice: shop\n', ['1:1: at least one SLO is required']],
    [
      'something else',
      'groups: []',
      ['1:1: this is neither Sloth (version: prometheus/v1, sloth.slok.dev/v1) nor OpenSLO (openslo/v1, openslo/v1alpha)'],
    ],
    ['no YAML', 'version: [', [expect.stringMatching(/^1:11: /) as unknown as string]],
    ['a text', 'x', ['1:1: this is neither Sloth (version: prometheus/v1, sloth.slok.dev/v1) nor OpenSLO (openslo/v1, openslo/v1alpha)']],
  ])('says where: %s', (_, text, wanted) => expect(read(text).problems).toEqual(wanted));

  it('with one bad SLO has the others', () => {
    const { objectives, problems } = read(sloth(...without('objective'), ...QUERY.map((line) => line.replace('checkout', 'cart'))));
    expect(objectives.map(({ id }) => id)).toEqual(['shop-cart']);
    expect(problems).toHaveLength(1);
  });
  it('may not define what another does', () =>
    expect(read(sloth(...QUERY), sloth(...QUERY)).problems).toEqual(['4:3: slo "checkout": shop-checkout is defined already, in 0.yml:4']));
  it('of aliases that stand for millions is refused', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++) lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`);
    expect(read(lines.join('\n')).problems[0]).toMatch(/more than 300000 nodes/);
  });
  it('that is not there is a problem', () => expect(loadSlos(['/nowhere/slo.yml'])[0]?.problems[0]?.message).toMatch(/cannot be read/));
  it('has names for windows of 28 and 7 days as Prometheus writes them', () => {
    const [{ objectives } = { objectives: [] }] = readSlos([{ file: 'x', documents: parseYamlDocuments(sloth(...QUERY)) }], {
      periodMs: 28 * DAY_MS,
    });
    const rules = objectives.flatMap((objective) => generateRules(objective, { version: 'dev' })).flatMap((group) => group.rules);
    expect(rules.map(({ record }) => record)).toContain('slo:sli_error:ratio_rate4w');
    expect(rules.at(-2)?.expr).toContain('> (13.44 * 0.01)');
  });
});

const METRICS = (kind: string, query: string): string =>
  `{metricSource: {metricSourceRef: prom, spec: {query: '${query}'}}}`.replace(/^/, kind === '' ? '' : `${kind}: `);
const PARTS = `
apiVersion: openslo/v1
kind: DataSource
metadata: {name: prom}
spec: {type: Prometheus, connectionDetails: {url: x}}
---
apiVersion: openslo/v1
kind: Service
metadata: {name: shop}
spec: {description: sells}
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: errors}
spec: {ratioMetric: {counter: true, ${METRICS('good', 'http_total{code!~"5.."}')}, ${METRICS('total', 'http_total')}}}
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: fast}
spec: {severity: page, description: 'burns {{fast}}', condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 90m, alertAfter: 5m}}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: burns}
spec: {alertWhenBreaching: true, alertWhenNoData: true, conditions: [{conditionRef: fast}], notificationTargets: [{targetRef: mail}]}
`;
const slo = (spec: string): string => `apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: ok}\nspec: ${spec}\n`;
const OBJECTIVES = 'objectives: [{target: 0.98}]';

describe('a file of OpenSLO v1', () => {
  it('has objectives of parts from any file', () => {
    const rules = rulesOf(
      slo(
        `{service: shop, indicatorRef: errors, budgetingMethod: Occurrences, timeWindow: [{duration: 4w, isRolling: true}], ${OBJECTIVES}, alertPolicies: [{alertPolicyRef: burns}]}`,
      ),
      PARTS,
    );
    expect(rules.map(({ record, alert }) => record ?? alert)).toEqual([
      ...['5m', '30m', '1h', '1h30m', '2h', '6h', '1d', '3d', '4w'].map((window) => `slo:sli_error:ratio_rate${window}`),
      ...[
        'slo:objective:ratio',
        'slo:error_budget:ratio',
        'slo:time_period:days',
        'slo:current_burn_rate:ratio',
        'slo:period_burn_rate:ratio',
      ],
      ...['slo:period_error_budget_remaining:ratio', 'sloth_slo_info', 'shop-ok-burns', 'shop-ok-burnsNoData'],
    ]);
    expect(rules[0]?.expr).toBe('(1 - (\n  (sum(increase(http_total{code!~"5.."}[5m])))\n  /\n  (sum(increase(http_total[5m])))\n))');
    expect(rules.at(-2)).toMatchObject({
      for: '5m',
      labels: new Map(
        Object.entries({ sloth_id: 'shop-ok-0', sloth_service: 'shop', sloth_slo: 'ok-0', severity: 'page', notification_targets: 'mail' }),
      ),
    });
    expect(rules.at(-2)?.expr).toMatch(/^max\(slo:sli_error:ratio_rate1h30m\{.*\}\) without \(sloth_window\) >= \(2 \* 0\.02\)\n$/);
  });
  it('counts time slices', () => {
    const rules = rulesOf(
      slo(
        `{service: shop, indicatorRef: errors, budgetingMethod: Timeslices, objectives: [{target: 0.98, timeSliceTarget: 0.9, timeSliceWindow: 10m}]}`,
      ),
      PARTS,
    );
    const slice = '(1 - (1 - (\n  (sum(increase(http_total{code!~"5.."}[10m])))\n  /\n  (sum(increase(http_total[10m])))\n))) < bool 0.9';
    // Shorter than a slice cannot be told.
    expect(rules[0]?.expr).toBe(`(avg_over_time((${slice})[10m:10m]))`);
    expect(rules[2]?.expr).toBe(`(avg_over_time((${slice})[1h:10m]))`);
    const ratios = rulesOf(
      slo(`{service: shop, indicatorRef: errors, budgetingMethod: RatioTimeslices, objectives: [{targetPercent: 98, timeSliceWindow: 5}]}`),
      PARTS,
    );
    expect(ratios[2]?.expr).toMatch(/^\(avg_over_time\(\(1 - \([\s\S]*\[5m\][\s\S]*\)\)\[1h:5m\]\)\)$/);
  });
  it('compares a threshold metric', () => {
    const indicator = `{metadata: {name: l}, spec: {thresholdMetric: ${METRICS('', 'latency_seconds')}}}`;
    const rules = rulesOf(slo(`{service: shop, indicator: ${indicator}, objectives: [{op: lte, value: 0.5, target: 0.9}]}`), PARTS);
    expect(rules[0]?.expr).toBe('(1 - avg(avg_over_time(((latency_seconds) <= bool 0.5)[5m:])))');
  });
  it.each<[string, string, string]>([
    [
      'a calendar',
      `{service: shop, indicatorRef: errors, timeWindow: [{duration: 1w, isRolling: false, calendar: {startTime: x}}], ${OBJECTIVES}}`,
      'calendar-aligned windows are not evaluated here',
    ],
    [
      'months',
      `{service: shop, indicatorRef: errors, timeWindow: [{duration: 1M}], ${OBJECTIVES}}`,
      '"1M" is not a length of time such as 5m, 24h, 30d or 4w: months, quarters and years have no fixed length',
    ],
    ['no SLI', `{service: shop, indicatorRef: x, ${OBJECTIVES}}`, 'there is no SLI "x"'],
    ['no policy', `{service: shop, indicatorRef: errors, ${OBJECTIVES}, alertPolicies: [nothing]}`, 'there is no AlertPolicy "nothing"'],
    ['no target', '{service: shop, indicatorRef: errors, objectives: [{}]}', 'target (above 0, at most 1) or targetPercent is required'],
    [
      'no slice',
      '{service: shop, indicatorRef: errors, budgetingMethod: Timeslices, objectives: [{target: 0.9}]}',
      'timeSliceWindow is required with Timeslices',
    ],
    [
      'another method',
      `{service: shop, indicatorRef: errors, budgetingMethod: Magic, ${OBJECTIVES}}`,
      'budgetingMethod "Magic" is none of',
    ],
    [
      'another source',
      `{service: shop, indicator: {spec: {thresholdMetric: {metricSource: {type: Datadog, spec: {query: x}}}}}, ${OBJECTIVES}}`,
      'metric source "Datadog" is not read: only Prometheus',
    ],
    [
      'a bad query',
      `{service: shop, indicator: {spec: {thresholdMetric: {metricSource: {type: prometheus, spec: {query: 'sum('}}}}}, ${OBJECTIVES}}`,
      'could not parse expression: 1:5: parse error: unclosed left parenthesis',
    ],
  ])('says where: %s', (_, spec, wanted) => {
    const { objectives, problems } = read(slo(spec), PARTS);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('\n')).toContain(wanted);
    expect(problems[0]).toMatch(/^4:\d+: slo "ok": /);
    if (wanted.startsWith('there is no AlertPolicy')) expect(objectives).toHaveLength(1);
    else expect(objectives).toEqual([]);
  });
  it.each(['openslo/v2alpha', 'openslo/v9', 'openslo/constructor'])('%s is not read', (version) =>
    expect(read(`apiVersion: ${version}\nkind: SLO`).problems).toEqual([
      `1:13: "${version}" is not read: openslo/v1 and openslo/v1alpha are`,
    ]),
  );
});
