import { fromBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '#collectors/pipeline/memory-budget.ts';
import { ExportMetricsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { Aggregation } from './aggregate.ts';
import { parseLine } from './parse-line.ts';
import { writePoints } from './write-otlp.ts';

const INTERVAL = { startNs: 1_790_000_000_000_000_000n, endNs: 1_790_000_010_000_000_000n };
const [START, END] = [String(INTERVAL.startNs), String(INTERVAL.endNs)];
// biome-ignore lint/suspicious/noExplicitAny: JSON of a message
type Json = any;
function rig(budget = new MemoryBudget(1 << 30)) {
  const clock = { ms: 1_000_000 };
  const aggregation = new Aggregation(budget, () => clock.ms);
  return {
    clock,
    budget,
    send: (...lines: readonly string[]) => lines.map((line) => aggregation.add(parseLine(line))),
    /** Metrics of the interval by name, with their resource's attributes. */
    flush: (): Record<string, Json[]> => {
      const bytes = writePoints(aggregation.take(), INTERVAL);
      const { resourceMetrics = [] } = toJson(
        ExportMetricsServiceRequestSchema,
        fromBinary(ExportMetricsServiceRequestSchema, bytes),
      ) as Json;
      const metrics: Record<string, Json[]> = {};
      for (const { resource, scopeMetrics } of resourceMetrics)
        for (const metric of scopeMetrics[0].metrics)
          metrics[metric.name] = [...(metrics[metric.name] ?? []), { ...metric, resource: attributesOf(resource) }];
      return metrics;
    },
  };
}
const attributesOf = (of: Json): Record<string, string> =>
  Object.fromEntries((of?.attributes ?? []).map(({ key, value }: Json) => [key, value.stringValue]));
const sums = (metrics: Json[] | undefined) => (metrics ?? []).map(({ sum }) => [sum.dataPoints[0].asDouble, sum.isMonotonic ?? false]);
const gauges = (metrics: Json[] | undefined) => (metrics ?? []).map(({ gauge }) => gauge.dataPoints[0].asDouble);

describe('an interval becomes points', () => {
  it('counters: delta sums of the interval, sampled ones by their weight', () => {
    const { send, flush } = rig();
    send('c:1|c', 'c:2:3|c', 'c:4|c|@0.1', 'c:1|c|#a:1', 'c:1|c|#b:2,a:1', 'c:1|c|#a:1,b:2');
    const { c } = flush();
    expect(c?.[0].sum).toEqual({
      aggregationTemporality: 'AGGREGATION_TEMPORALITY_DELTA',
      isMonotonic: true,
      dataPoints: [{ startTimeUnixNano: START, timeUnixNano: END, asDouble: 46 }],
    });
    expect(c?.map(({ sum: { dataPoints } }) => [dataPoints[0].asDouble, attributesOf(dataPoints[0])])).toEqual([
      [46, {}],
      [1, { a: '1' }],
      [2, { a: '1', b: '2' }],
    ]);
    expect(flush()).toEqual({});
    send('c:7|c');
    expect(sums(flush()['c'])).toEqual([[7, true]]);
  });
  it('a counter that was ever decremented is not monotonic from then on', () => {
    const { send, flush } = rig();
    send('c:5|c', 'c:-2|c', 'other:1|c');
    expect(sums(flush()['c'])).toEqual([[3, false]]);
    send('c:1|c|#x:y', 'other:1|c');
    const metrics = flush();
    expect([sums(metrics['c']), sums(metrics['other'])]).toEqual([[[1, false]], [[1, true]]]);
  });
  it('gauges: the last value, moved by signs, known beyond the interval, said when it changed only', () => {
    const { send, flush, clock } = rig();
    send('g:10|g', 'g:+5|g', 'g:-1|g', 'h:+3|g', 'n:0|g', 'n:-4|g');
    const first = flush();
    expect([gauges(first['g']), gauges(first['h']), gauges(first['n'])]).toEqual([[14], [3], [-4]]);
    expect(first['g']?.[0].gauge.dataPoints[0]).toEqual({ timeUnixNano: END, asDouble: 14 });
    expect(flush()).toEqual({});
    send('g:+1|g');
    expect(gauges(flush()['g'])).toEqual([15]);
    clock.ms += 3_600_001;
    flush();
    send('g:+1|g');
    expect(gauges(flush()['g'])).toEqual([1]);
  });
  it('timers and distributions: delta histograms with exact count, sum, minimum and maximum', () => {
    const { send, flush } = rig();
    send('t:0|ms', 't:5|ms', 't:5.1|ms', 't:99999|ms', 't:7|ms|@0.25', 'd:0.05:3e6|d', 'h:-1|h');
    const { t, d, h } = flush() as Record<string, Json[]>;
    const [timer] = (t as Json[])[0].histogram.dataPoints;
    expect([(t as Json[])[0].unit, (t as Json[])[0].histogram.aggregationTemporality]).toEqual(['ms', 'AGGREGATION_TEMPORALITY_DELTA']);
    expect(timer).toMatchObject({ count: '8', min: 0, max: 99_999, startTimeUnixNano: START, timeUnixNano: END });
    expect(timer.sum).toBeCloseTo(0 + 5 + 5.1 + 99_999 + 28, 6);
    const bucket = (point: Json, at: number): string => point.bucketCounts[point.explicitBounds.indexOf(at)];
    expect([bucket(timer, 0), bucket(timer, 5), bucket(timer, 10), timer.bucketCounts.at(-1)]).toEqual(['1', '1', '5', '1']);
    const [distribution] = (d as Json[])[0].histogram.dataPoints;
    expect(distribution).toMatchObject({ count: '2', sum: 3_000_000.05, min: 0.05, max: 3e6 });
    expect([bucket(distribution, 0.05), bucket(distribution, 5e6)]).toEqual(['1', '1']);
    expect((d as Json[])[0].unit).toBeUndefined();
    const { explicitBounds, bucketCounts } = distribution;
    expect(explicitBounds).toEqual([...explicitBounds].sort((a, b) => a - b));
    expect([explicitBounds[0], explicitBounds[1], explicitBounds.at(-1), bucketCounts.length]).toEqual([
      0,
      0.001,
      1e9,
      explicitBounds.length + 1,
    ]);
    expect(bucket((h as Json[])[0].histogram.dataPoints[0], 0)).toBe('1');
  });
  it('sets: how many different members', () => {
    const { send, flush } = rig();
    send('s:a|s', 's:b|s', 's:a|s', 's:a|s|#x:1');
    expect(gauges(flush()['s'])).toEqual([2, 1]);
    send('s:a|s');
    expect(gauges(flush()['s'])).toEqual([1]);
  });
  it("a sender's own time is the point's, without an interval", () => {
    const { send, flush } = rig();
    send('c:1|c|T1790000005', 'c:2|c|T1790000005', 'c:4|c|T1790000006', 'g:7|g', 'g:-3|g|T1790000005', 'g:+1|g');
    const { c, g } = flush();
    expect(c?.map(({ sum }) => sum.dataPoints[0])).toEqual([
      { timeUnixNano: '1790000005000000000', asDouble: 3 },
      { timeUnixNano: '1790000006000000000', asDouble: 4 },
    ]);
    expect(gauges(g)).toEqual([8, -3]);
  });
  it('unified service tags and the container are the resource, bare tags are true, a key twice keeps both', () => {
    const { send, flush } = rig();
    send('c:1|c|#service:cart,env:prod,version:1.2,host:h1,vip,a:1,a:2,:x|c:ci-0123456789ab');
    const [metric] = flush()['c'] as Json[];
    expect(metric.resource).toEqual({
      ...{ 'service.name': 'cart', 'deployment.environment.name': 'prod', 'service.version': '1.2', 'host.name': 'h1' },
      'container.id': '0123456789ab',
    });
    expect(attributesOf(metric.sum.dataPoints[0])).toEqual({ vip: 'true', a: '1,2' });
  });
});

describe('memory has an end', () => {
  it('more series than there is memory for are refused, the known ones go on, and the next interval has room again', () => {
    const budget = new MemoryBudget(8 * 100_000);
    const { send, flush } = rig(budget);
    const answers = send(...Array.from({ length: 1_000 }, (_, i) => `c${i}:1|c`));
    const taken = answers.indexOf('too_many_series');
    expect(taken).toBeGreaterThan(100);
    expect(send('c0:1|c', 'new:1|c')).toEqual([null, 'too_many_series']);
    expect(budget.heldBytes).toBeLessThanOrEqual(100_000);
    expect(Object.keys(flush())).toHaveLength(answers.filter((answer) => answer === null).length);
    expect(budget.heldBytes).toBe(0);
    expect(send('new:1|c')).toEqual([null]);
  });
  it('members of a set, long tags, gauges and decremented names count too', () => {
    const budget = new MemoryBudget(8 * 100_000);
    const { send, flush, clock } = rig(budget);
    const members = send(...Array.from({ length: 3_000 }, (_, i) => `s:${i}|s`));
    expect(members.filter((answer) => answer === 'backpressure').length).toBeGreaterThan(1_000);
    flush();
    expect(send(`c:1|c|#${'x'.repeat(60_000)}`)).toEqual(['too_many_series']);
    send(...Array.from({ length: 3_000 }, (_, i) => `g${i}:1|g`));
    flush();
    expect(budget.heldBytes).toBeGreaterThan(10_000);
    clock.ms += 3_600_001;
    flush();
    expect(budget.heldBytes).toBe(0);
    for (let round = 0; round < 10; round++) {
      send(...Array.from({ length: 200 }, (_, i) => `d${round}.${i}:-1|c`));
      flush();
    }
    // A name there is no room to remember: this interval says it all the same.
    expect(budget.heldBytes).toBeLessThanOrEqual(50_000);
    expect(send('last:-1|c')).toEqual([null]);
    expect(sums(flush()['last'])).toEqual([[-1, false]]);
    // Nor can a gauge be moved whose value could not be kept; it can be set.
    expect(send('g:1|g', 'h:+1|g')).toEqual([null, 'too_many_series']);
    expect(Object.keys(flush())).toEqual(['g']);
  });
});
