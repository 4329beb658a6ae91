import { YamlDecoder, type YamlFault } from './yaml-decoder.ts';
import type { YamlDocument, YamlNode } from './yaml-node.ts';

/** promtool's test files for rules. Times in milliseconds. */
export interface AlertTest {
  readonly evalMs: number;
  readonly alertname: string;
  readonly expected: readonly { readonly labels: ReadonlyMap<string, string>; readonly annotations: ReadonlyMap<string, string> }[];
}
export interface ExprTest {
  readonly expr: string;
  readonly evalMs: number;
  readonly expected: readonly { readonly labels: string; readonly value: number; readonly histogram: string }[];
}
export interface TestGroup {
  readonly name: string;
  readonly intervalMs: number;
  readonly startMs: number;
  readonly series: readonly { readonly series: string; readonly values: string }[];
  readonly alertTests: readonly AlertTest[];
  readonly exprTests: readonly ExprTest[];
  readonly externalLabels: ReadonlyMap<string, string>;
  readonly externalUrl: string;
}
export interface TestFile {
  readonly ruleFiles: readonly string[];
  readonly evaluationMs: number;
  readonly groupOrder: readonly string[];
  /** A difference in the last digit is none. */
  readonly isFuzzy: boolean;
  readonly tests: readonly TestGroup[];
  readonly faults: readonly YamlFault[];
}
const MINUTE_MS = 60_000;

export function readTests(document: YamlDocument): TestFile {
  const decoder = new YamlDecoder(document);
  const keys = ['rule_files', 'evaluation_interval', 'group_eval_order', 'tests', 'fuzzy_compare'];
  const top = decoder.map(document.root ?? undefined, 'main.unitTestFile', keys);
  const evaluationMs = decoder.duration(top.get('evaluation_interval')) || MINUTE_MS;
  const texts = (key: string): string[] => decoder.list(top.get(key), 'string').map((node) => decoder.text(node));
  return {
    ruleFiles: texts('rule_files'),
    evaluationMs,
    groupOrder: texts('group_eval_order'),
    isFuzzy: decoder.boolean(top.get('fuzzy_compare')),
    tests: decoder.list(top.get('tests'), 'main.testGroup').map((node) => readGroup(decoder, node, evaluationMs)),
    faults: decoder.faults,
  };
}
const GROUP_KEYS = [
  ...['interval', 'input_series', 'alert_rule_test', 'promql_expr_test', 'external_labels', 'external_url', 'name', 'start_timestamp'],
];
function readGroup(decoder: YamlDecoder, node: YamlNode, evaluationMs: number): TestGroup {
  const fields = decoder.map(node, 'main.testGroup', GROUP_KEYS);
  return {
    name: decoder.text(fields.get('name')),
    intervalMs: decoder.duration(fields.get('interval')) || evaluationMs,
    startMs: startOf(decoder, fields.get('start_timestamp')),
    series: decoder.list(fields.get('input_series'), 'main.series').map((each) => {
      const series = decoder.map(each, 'main.series', ['series', 'values']);
      return { series: decoder.text(series.get('series')), values: decoder.text(series.get('values')) };
    }),
    alertTests: decoder.list(fields.get('alert_rule_test'), 'main.alertTestCase').map((each) => readAlertTest(decoder, each)),
    exprTests: decoder.list(fields.get('promql_expr_test'), 'main.promqlTestCase').map((each) => readExprTest(decoder, each)),
    externalLabels: decoder.texts(fields.get('external_labels')),
    externalUrl: decoder.text(fields.get('external_url')),
  };
}
/** RFC 3339 or Unix seconds. */
function startOf(decoder: YamlDecoder, node: YamlNode | undefined): number {
  const text = decoder.text(node);
  if (!node || text === '') return 0;
  const ms = /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(ms)) return Math.round(ms);
  decoder.fault(node, `not a time in RFC 3339 or Unix seconds: ${JSON.stringify(text)}`);
  return 0;
}
function readAlertTest(decoder: YamlDecoder, node: YamlNode): AlertTest {
  const fields = decoder.map(node, 'main.alertTestCase', ['eval_time', 'alertname', 'exp_alerts']);
  return {
    evalMs: decoder.duration(fields.get('eval_time')) ?? 0,
    alertname: decoder.text(fields.get('alertname')),
    expected: decoder.list(fields.get('exp_alerts'), 'main.alert').map((each) => {
      const alert = decoder.map(each, 'main.alert', ['exp_labels', 'exp_annotations']);
      return { labels: decoder.texts(alert.get('exp_labels')), annotations: decoder.texts(alert.get('exp_annotations')) };
    }),
  };
}
function readExprTest(decoder: YamlDecoder, node: YamlNode): ExprTest {
  const fields = decoder.map(node, 'main.promqlTestCase', ['expr', 'eval_time', 'exp_samples']);
  return {
    expr: decoder.text(fields.get('expr')),
    evalMs: decoder.duration(fields.get('eval_time')) ?? 0,
    expected: decoder.list(fields.get('exp_samples'), 'main.sample').map((each) => {
      const sample = decoder.map(each, 'main.sample', ['labels', 'value', 'histogram']);
      const [labels, histogram] = [decoder.text(sample.get('labels')), decoder.text(sample.get('histogram'))];
      return { labels, value: decoder.float(sample.get('value')), histogram };
    }),
  };
}
