import { create, toBinary } from '@bufbuild/protobuf';
import { afterEach, expect, it } from 'vitest';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import type { Observation } from '#contracts/observation.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { createRandom } from '#demo/random.ts';
import { createShop } from '#demo/simulate.ts';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import { readObservation } from '#store/read/read-observation.ts';
import { cellOf, instanceOf, isEntry } from '#store/sql/read/expressions.ts';
import { between, nanoLiteral } from '#store/sql/read/literals.ts';
import { observeEdgesSql, observeRedSql, observeSelfSql } from '#store/sql/read/observe-spans-sql.ts';
import { callsSql, selfTimeSql } from '#store/sql/read/services-sql.ts';
import { TestStore } from '#store/test-store.ts';
import { eventExtent } from './ingest-account.ts';
import { LiveReading } from './live-reading.ts';
import { ObservationRing } from './observation-ring.ts';

const STEP_MS = 10_000;
const CELLS = 3;
const LIMITS = limitsSchema.parse(undefined);
const opened: TestStore[] = [];
afterEach(() => Promise.all(opened.splice(0).map((t) => t.end())));

type Signal = 'traces' | 'logs' | 'metrics';
/** Two rings side by side: one by LiveReading, one that reads every cell each time. */
async function rig() {
  const t = new TestStore();
  opened.push(t);
  await t.open();
  const counted = { spans: 0 };
  const live = new LiveReading(
    {
      query: (...args: Parameters<typeof t.store.query>) => {
        if (args[0].includes("'changed' AS part") || args[0].includes("'edge' AS part")) counted.spans++;
        return t.store.query(...args);
      },
    },
    STEP_MS,
    CELLS,
  );
  const [byLive, byAll] = [new ObservationRing(STEP_MS, 30), new ObservationRing(STEP_MS, 30)];
  return {
    t,
    live,
    counted,
    add(signal: Signal, body: Uint8Array): void {
      const receivedUnixNano = BigInt(t.nowMs) * 1_000_000n;
      const { batches } = decodeOtlp(signal, body, {
        dictionary: t.store.dictionary,
        receivedUnixNano,
        retentionSeconds: 0,
        limits: LIMITS,
      });
      t.append(...batches);
      for (const batch of batches.filter(({ rows }) => rows > 0)) {
        const { oldestMs, newestMs } = eventExtent(batch);
        live.note(batch.table, oldestMs, newestMs);
      }
    },
    async judge(endMs: number): Promise<[unknown, unknown]> {
      const grid = { startMs: endMs - CELLS * STEP_MS, stepMs: STEP_MS, buckets: CELLS };
      for (const ring of [byLive, byAll]) {
        if (ring.endMs === 0) ring.reset(endMs);
        ring.advance(endMs);
      }
      byLive.merge(await live.read(endMs));
      byAll.merge(await readObservation(t.store, grid));
      return [plain(byLive.view()), plain(byAll.view())];
    },
  };
}
/**
 * Rows by name, without the last digits of a mean of doubles, which hang on the order of the sum, and without rows that hold nothing: a
 * ring forgets them when it moves on, and only another look makes them again.
 */
function plain(observation: Observation): unknown {
  const value = (v: unknown): unknown =>
    v instanceof Float64Array ? [...v].map((n) => (Number.isNaN(n) ? 'none' : n.toPrecision(12))) : v;
  const rows = (list: readonly object[]): unknown[] =>
    list
      .filter((row) => Object.values(row).some((v) => v instanceof Float64Array && v.some((n) => !Number.isNaN(n))))
      .map((row) => JSON.stringify(Object.entries(row).map(([key, v]) => [key, value(v)])))
      .sort();
  const { services, edges, metrics, logs, placements, changes } = observation;
  return {
    services: rows(services),
    edges: rows(edges),
    metrics: rows(metrics),
    logs: rows(logs),
    placements: placements.map((place) => JSON.stringify(place)).sort(),
    changes,
  };
}

it('gives what reading all cells each time gives, over a shop that breaks and whose telemetry comes late', async () => {
  const { t, live, add, judge } = await rig();
  const random = createRandom('lateness');
  const startMs = t.nowMs;
  const endMs = startMs + 180_000;
  const shop = createShop({ seed: 7, scenario: 'bad_deploy', startMs, onsetMs: startMs + 60_000, requestsPerSecond: 4 });
  const due: { readonly atMs: number; readonly signal: Signal; readonly body: Uint8Array }[] = [];
  let ticks = 0;
  for (t.nowMs = startMs; t.nowMs < endMs; t.nowMs += 1000) {
    const bodies = shop.advance(t.nowMs);
    for (const signal of ['traces', 'logs', 'metrics'] as const)
      for (const body of bodies[signal]) {
        // Two minutes of three everything is punctual; in the one between, the first of the trouble, one body of six is up to 40 s late.
        const isLate = t.nowMs % 120_000 > 60_000 && random.between(0, 6) < 1;
        due.push({ atMs: t.nowMs + random.between(500, isLate ? 40_000 : 4_000), signal, body });
      }
    for (const { signal, body } of due.filter(({ atMs }) => atMs <= t.nowMs)) add(signal, body);
    due.splice(0, due.length, ...due.filter(({ atMs }) => atMs > t.nowMs));
    if (t.nowMs % 70_000 === 0) await t.store.flush();
    if (t.nowMs % STEP_MS !== 8_000) continue;
    const [byLive, byAll] = await judge(t.nowMs - 8_000);
    expect(byLive, `tick ${ticks++}`).toEqual(byAll);
  }
  expect(live.readings).toBe(ticks);
  for (const signal of ['spans', 'logs', 'samples'] as const) {
    expect(live.newestOnly[signal], signal).toBeGreaterThan(ticks / 5);
    expect(live.newestOnly[signal], signal).toBeLessThan(ticks);
  }
}, 120_000);

interface SpanOf {
  readonly trace: number;
  readonly id: number;
  readonly parent?: number;
  readonly kind: number;
  readonly atMs: number;
  readonly forMs: number;
}
function request(service: string, spans: readonly SpanOf[]): Uint8Array {
  const id = (n: number, bytes: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: bytes }, (_, i) => (i === 0 ? n : 1));
  const nano = (ms: number): bigint => BigInt(ms) * 1_000_000n;
  return toBinary(
    ExportTraceServiceRequestSchema,
    create(ExportTraceServiceRequestSchema, {
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { value: { case: 'stringValue', value: service } } }] },
          scopeSpans: [
            {
              spans: spans.map(({ trace, id: own, parent, kind, atMs, forMs }) => ({
                traceId: id(trace, 16),
                spanId: id(own, 8),
                parentSpanId: parent === undefined ? new Uint8Array(0) : id(parent, 8),
                name: 'work',
                kind,
                startTimeUnixNano: nano(atMs),
                endTimeUnixNano: nano(atMs + forMs),
                attributes: [{ key: 'messaging.destination.name', value: { value: { case: 'stringValue' as const, value: 'orders' } } }],
              })),
            },
          ],
        },
      ],
    }),
  );
}
const [INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER] = [1, 2, 3, 4, 5];

it.each<[string, [string, SpanOf][], [string, SpanOf][]]>([
  [
    'a message is taken from its queue long after it was put there',
    [['shop', { trace: 1, id: 1, kind: PRODUCER, atMs: 5_000, forMs: 5 }]],
    [['mail', { trace: 1, id: 2, parent: 1, kind: CONSUMER, atMs: 16_000, forMs: 50 }]],
  ],
  [
    'a request calls on after it was answered',
    [['shop', { trace: 1, id: 1, kind: SERVER, atMs: 5_000, forMs: 4_000 }]],
    [['shop', { trace: 1, id: 2, parent: 1, kind: CLIENT, atMs: 15_500, forMs: 900 }]],
  ],
  [
    'a trace comes back to a service in the next cell',
    [['shop', { trace: 1, id: 1, kind: SERVER, atMs: 9_000, forMs: 100 }]],
    [['shop', { trace: 1, id: 2, parent: 3, kind: SERVER, atMs: 10_500, forMs: 300 }]],
  ],
  [
    'a span is told long after another service continued it',
    [['mail', { trace: 1, id: 2, parent: 1, kind: SERVER, atMs: 9_500, forMs: 20 }]],
    [['shop', { trace: 1, id: 1, kind: INTERNAL, atMs: 14_000, forMs: 9_000 }]],
  ],
])('reads older cells again when %s', async (_, first, then) => {
  const { t, live, counted, add, judge } = await rig();
  const startMs = t.nowMs;
  const put = (list: readonly [string, SpanOf][]): void => {
    for (const [service, span] of list) add('traces', request(service, [{ ...span, atMs: startMs + span.atMs }]));
  };
  put(first);
  const [live1, all1] = await judge(startMs + 10_000);
  expect(live1).toEqual(all1);
  put(then);
  const before = counted.spans;
  const [live2, all2] = await judge(startMs + 20_000);
  expect(live2).toEqual(all2);
  expect(live2).not.toEqual(live1);
  // Nothing became visible in the older cells, so only the newest was asked for; its answer made it look at all.
  expect([live.newestOnly.spans, counted.spans - before]).toEqual([1, 2]);
});

it('ranks log shapes by the whole window where there are more than are kept', async () => {
  const { t, live, add, judge } = await rig();
  const startMs = t.nowMs;
  const lines = (cell: number, shapes: readonly number[]): Uint8Array =>
    toBinary(
      ExportLogsServiceRequestSchema,
      create(ExportLogsServiceRequestSchema, {
        resourceLogs: [
          {
            scopeLogs: [
              {
                logRecords: shapes.map((shape) => ({
                  timeUnixNano: BigInt(startMs + cell * STEP_MS + 1000) * 1_000_000n,
                  severityNumber: 9,
                  body: { value: { case: 'stringValue' as const, value: `word${'a'.repeat(shape)} happened` } },
                })),
              },
            ],
          },
        ],
      }),
    );
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
  // Few shapes, then together too many, then a cell of others that only the cells before push aside, then few again.
  const cells = [
    range(0, 20),
    range(15, 50),
    [...range(0, 30), ...range(0, 30)],
    range(60, 95),
    range(0, 5),
    range(0, 6),
    range(0, 7),
    range(0, 8),
  ];
  for (const [i, shapes] of cells.entries()) {
    add('logs', lines(i, shapes));
    const [byLive, byAll] = await judge(startMs + (i + 1) * STEP_MS);
    expect(byLive, `cell ${i}`).toEqual(byAll);
  }
  expect(live.newestOnly.logs).toBeGreaterThan(1);
});

/** What the statements say, written plainly: one pass for each thing, nothing told apart for cost. */
const cell = (time: string, startMs: number): string => cellOf(time, nanoLiteral(startMs), nanoLiteral(STEP_MS));
const PLAIN = {
  red: (w: {
    startMs: number;
    endMs: number;
  }): string => `SELECT s.service, ${instanceOf('r')} AS instance, grouping(instance)::DOUBLE AS whole,
  ${cell('s.start_time', w.startMs)}::DOUBLE AS cell, count(*)::DOUBLE AS requests, count_if(s.status_code = 2)::DOUBLE AS errors,
  quantile_cont(s.duration_ns, 0.5) / 1e6 AS p50_ms, quantile_cont(s.duration_ns, 0.95) / 1e6 AS p95_ms
FROM spans s LEFT JOIN resources r ON r.resource_id = s.resource_id
WHERE ${between('s.start_time', w.startMs, w.endMs)} AND ${isEntry('s')} GROUP BY GROUPING SETS ((s.service, cell), (s.service, instance, cell))`,
  self: (w: { startMs: number; endMs: number }): string => `WITH ${selfTimeSql(w)}
SELECT v.service, ${instanceOf('r')} AS instance, grouping(instance)::DOUBLE AS whole, ${cell('v.start_time', w.startMs)}::DOUBLE AS cell,
  sum(v.requests)::DOUBLE AS requests, sum(v.self_ns)::DOUBLE / 1e6 AS self_ms, sum(v.own_errors)::DOUBLE AS own_errors
FROM visit v LEFT JOIN resources r ON r.resource_id = v.resource_id WHERE ${between('v.start_time', w.startMs, w.endMs)}
GROUP BY GROUPING SETS ((v.service, cell), (v.service, instance, cell))`,
  edges: (w: { startMs: number; endMs: number }): string => `WITH ${callsSql(w)}
SELECT caller, callee, callee_kind, ${cell('start_time', w.startMs)}::DOUBLE AS cell, count(*)::DOUBLE AS requests, count_if(failed)::DOUBLE AS errors,
  avg(client_ns) / 1e6 AS client_mean_ms, quantile_cont(client_ns, 0.95) / 1e6 AS client_p95_ms, avg(server_ns) / 1e6 AS server_mean_ms
FROM calls WHERE callee IS NOT NULL AND callee <> caller GROUP BY caller, callee, callee_kind, cell`,
};
it('says of spans what the plain statements say', async () => {
  const { t, add } = await rig();
  const startMs = t.nowMs;
  const shop = createShop({ seed: 11, scenario: 'slow_dependency', startMs, onsetMs: startMs + 40_000, requestsPerSecond: 12 });
  for (t.nowMs = startMs; t.nowMs < startMs + 90_000; t.nowMs += 5_000) {
    for (const body of shop.advance(t.nowMs).traces) add('traces', body);
    if (t.nowMs === startMs + 45_000) await t.store.flush();
  }
  const window = { startMs: startMs + 20_000, endMs: startMs + 70_000 };
  const rows = async (sql: string): Promise<string[]> => {
    const found = (await t.store.query(sql)).rows();
    return found.map((row) => JSON.stringify(Object.entries(row).sort())).sort();
  };
  const [red, self, edges] = [await rows(PLAIN.red(window)), await rows(PLAIN.self(window)), await rows(PLAIN.edges(window))];
  expect(red.length).toBeGreaterThan(100);
  expect(await rows(observeRedSql(window, STEP_MS))).toEqual(red);
  expect(self.length).toBeGreaterThan(100);
  expect(await rows(observeSelfSql(window, STEP_MS))).toEqual(self);
  expect(edges.length).toBeGreaterThan(50);
  expect(await rows(observeEdgesSql(window, STEP_MS))).toEqual(edges);
});
