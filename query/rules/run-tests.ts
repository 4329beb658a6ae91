import { compareLabels, compareText, type Labels, labelsOf } from '#query/promql/labels.ts';
import { printDuration } from '#query/promql/print.ts';
import { EvaluationError } from '#query/promql/value.ts';
import { GroupRun } from './evaluate-group.ts';
import { formatFloat } from './go-float.ts';
import { formatDuration } from './go-format.ts';
import { parseHistogram, printHistogram } from './histogram-notation.ts';
import { MemoryStore } from './memory-store.ts';
import type { AlertTest, ExprTest, TestFile, TestGroup } from './read-tests.ts';
import type { RuleGroup } from './rule.ts';
import type { RuleSample } from './sample.ts';
import { NotationError, parseMetric, parseValues, printLabels } from './series-values.ts';

/** Runs a rule test file as promtool does, and says what is not as expected in its words. */
const MAX_EVALUATIONS = 1_000_000;
const MAX_SERIES = 100_000;

/** @returns what failed; nothing: all is as it must be */
export async function runTests(
  file: TestFile,
  groups: readonly RuleGroup[],
  wants: (name: string) => boolean = () => true,
): Promise<string[]> {
  const order = new Map<string, number>();
  for (const [i, name] of file.groupOrder.entries()) {
    if (order.has(name)) return [`group name repeated in evaluation order: ${name}`];
    order.set(name, i);
  }
  const rank = ({ name }: RuleGroup): number => order.get(name) ?? 0;
  const sorted = [...groups].sort((a, b) => rank(a) - rank(b));
  const failures: string[] = [];
  for (const test of file.tests) {
    if (!wants(test.name)) continue;
    try {
      failures.push(...(await new TestRun(file, test, sorted).run()));
    } catch (error) {
      if (!(error instanceof NotationError)) throw error;
      failures.push(error.message);
    }
  }
  return failures;
}

interface ShownAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
}
class TestRun {
  private readonly file: TestFile;
  private readonly test: TestGroup;
  private readonly store: MemoryStore;
  private readonly runs: readonly GroupRun[];
  private readonly failures: string[] = [];

  constructor(file: TestFile, test: TestGroup, groups: readonly RuleGroup[]) {
    this.file = file;
    this.test = test;
    this.store = new MemoryStore(file.evaluationMs);
    const { externalLabels, externalUrl } = test;
    this.runs = groups.map((group) => new GroupRun(group, { externalLabels, externalUrl, seconds: () => 0, maxSeries: MAX_SERIES }));
  }
  async run(): Promise<string[]> {
    const { test, file, store, failures } = this;
    for (const { series, values } of test.series) {
      const labels = parseMetric(series);
      parseValues(values).forEach((value, i) => {
        if (value !== null) store.add(labels, test.startMs + i * test.intervalMs, value);
      });
    }
    for (const { alertname, evalMs } of test.alertTests)
      if (alertname === '')
        return [`an item under alert_rule_test misses required attribute alertname at eval_time ${time(evalMs)}${this.inGroup}`];
    const lastMs = Math.max(0, ...test.alertTests.map(({ evalMs }) => evalMs), ...test.exprTests.map(({ evalMs }) => evalMs));
    if (lastMs / file.evaluationMs > MAX_EVALUATIONS)
      return [`more than ${MAX_EVALUATIONS} evaluations: eval_time ${time(lastMs)} every ${time(file.evaluationMs)}`];
    const waiting = [...test.alertTests].sort((a, b) => a.evalMs - b.evalMs);
    for (let at = 0; at <= lastMs; at += file.evaluationMs) {
      if (!(await this.evaluateAt(at))) return failures;
      while (waiting[0] && waiting[0].evalMs < at + file.evaluationMs) this.checkAlerts(waiting.shift() as AlertTest);
    }
    for (const each of test.exprTests) await this.checkExpr(each);
    return failures;
  }
  private get inGroup(): string {
    return this.test.name === '' ? '' : ` (in TestGroup ${this.test.name})`;
  }
  private get head(): string {
    return this.test.name === '' ? '' : `    name: ${this.test.name},\n`;
  }
  /** @returns whether all rules could be evaluated */
  private async evaluateAt(at: number): Promise<boolean> {
    const { store, test } = this;
    store.nowMs = test.startMs + at;
    let isGood = true;
    for (const run of this.runs) {
      await run.evaluate(test.startMs + at, store);
      for (const { rule, health, lastError } of run.runs) {
        if (health !== 'err') continue;
        isGood = false;
        this.failures.push(`    rule: ${rule.name}, time: ${formatDuration(BigInt(at) * 1_000_000n)}, err: ${lastError}`);
      }
    }
    return isGood;
  }
  private checkAlerts({ evalMs, alertname, expected }: AlertTest): void {
    const got = this.runs
      .flatMap(({ runs }) => runs)
      .flatMap(({ rule, book }) => (book && rule.name === alertname ? book.alerts : []))
      .filter(({ state }) => state === 'firing')
      .map(({ labels, annotations }): ShownAlert => ({ labels, annotations: annotationsOf(annotations) }))
      .sort(compareAlerts);
    const wanted = expected
      .map(({ labels, annotations }) => ({
        labels: labelsOf(new Map(labels).set('alertname', alertname)),
        annotations: annotationsOf(annotations),
      }))
      .sort(compareAlerts);
    if (printAlerts(got) === printAlerts(wanted)) return;
    const shown = (alerts: readonly ShownAlert[]): string => indent(printAlerts(alerts), '            ');
    this.failures.push(
      `${this.head}    alertname: ${alertname}, time: ${time(evalMs)}, \n        exp:${shown(wanted)}, \n        got:${shown(got)}`,
    );
  }
  private async checkExpr({ expr, evalMs, expected }: ExprTest): Promise<void> {
    const head = `    expr: ${JSON.stringify(expr)}, time: ${time(evalMs)},`;
    try {
      const wanted = expected.map(({ labels, value, histogram }): RuleSample => {
        const parsed = histogram === '' ? null : parseHistogram(histogram);
        if (typeof parsed === 'string') throw new NotationError(`expected histogram ${JSON.stringify(histogram)}: ${parsed}`);
        return { labels: metricOf(labels), value, ...(parsed ? { histogram: parsed } : {}) };
      });
      const got = [...(await this.store.queryText(expr, this.test.startMs + evalMs))];
      for (const list of [wanted, got]) list.sort((a, b) => compareLabels(a.labels, b.labels));
      const isSame =
        got.length === wanted.length &&
        got.every((sample, i) => {
          const other = wanted[i] as RuleSample;
          const isEqual =
            sample.histogram && other.histogram
              ? printHistogram(sample.histogram) === printHistogram(other.histogram)
              : !sample.histogram && !other.histogram && this.isEqual(other.value, sample.value);
          return sample.labels.key === other.labels.key && isEqual;
        });
      if (!isSame) this.failures.push(`${head}\n        exp: ${printSamples(wanted)}\n        got: ${printSamples(got)}`);
    } catch (error) {
      if (!(error instanceof EvaluationError || error instanceof NotationError)) throw error;
      this.failures.push(`${head} err: ${error.message}`);
    }
  }
  private isEqual(a: number, b: number): boolean {
    if (Object.is(a, b) || a === b) return true;
    return this.file.isFuzzy && (neighbour(a, 1) === b || neighbour(a, -1) === b);
  }
}
/** Empty ones stay, other than of labels. */
function annotationsOf(texts: ReadonlyMap<string, string>): Labels {
  const sorted = [...texts].sort(([a], [b]) => compareText(a, b));
  return { names: sorted.map(([name]) => name), values: sorted.map(([, value]) => value), key: '' };
}
function metricOf(text: string): Labels {
  try {
    return parseMetric(text);
  } catch (error) {
    if (error instanceof NotationError) throw new NotationError(`labels ${JSON.stringify(text)}: ${error.message}`);
    throw error;
  }
}
const bits = new DataView(new ArrayBuffer(8));
/** The next number there is. */
function neighbour(value: number, direction: 1 | -1): number {
  if (!Number.isFinite(value)) return value;
  if (value === 0) return direction * Number.MIN_VALUE;
  bits.setFloat64(0, value);
  bits.setBigInt64(0, bits.getBigInt64(0) + (value > 0 === direction > 0 ? 1n : -1n));
  return bits.getFloat64(0);
}
const time = (ms: number): string => printDuration(ms / 1000);
const compareAlerts = (a: ShownAlert, b: ShownAlert): number =>
  compareLabels(a.labels, b.labels) || compareLabels(a.annotations, b.annotations);
const indent = (text: string, by: string): string => text.replaceAll('\n', `\n${by}`);
function printAlerts(alerts: readonly ShownAlert[]): string {
  if (alerts.length === 0) return '[]';
  const each = alerts.map(({ labels, annotations }, i) => {
    const said = `\nLabels:${printLabels(labels)}\nAnnotations:${printLabels(annotations)}`;
    return `${i}:${indent(said, '  ')}`;
  });
  return `[\n${each.join(',\n')}\n]`;
}
function printSamples(samples: readonly RuleSample[]): string {
  if (samples.length === 0) return 'nil';
  return samples
    .map(({ labels, value, histogram }) => `${printLabels(labels)} ${histogram ? printHistogram(histogram) : formatFloat(value, 'E', -1)}`)
    .join(', ');
}
