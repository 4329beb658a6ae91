import { gzipSync, zstdCompressSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportMetricsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import { CHUNK_BYTES } from './file-record.ts';
import { readBytes } from './test-read.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const START = 1_795_255_200_000_000_000n;
const startMs = 1_795_255_200_000;

const jsonTraces = (count: number) => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
      scopeSpans: [
        {
          spans: Array.from({ length: count }, (_, i) => ({
            name: `op ${i}`,
            startTimeUnixNano: String(START),
            endTimeUnixNano: String(START + 2_000_000n),
          })),
        },
      ],
    },
  ],
});
const jsonLogs = (count: number) => ({
  resourceLogs: [{ scopeLogs: [{ logRecords: Array.from({ length: count }, () => ({ observedTimeUnixNano: String(START) })) }] }],
});
const jsonMetrics = {
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', sum: { dataPoints: [{ timeUnixNano: String(START) }, {}] } }] }] }],
};

const traces = (count: number, name = 'GET /'): Uint8Array =>
  toBinary(
    ExportTraceServiceRequestSchema,
    create(ExportTraceServiceRequestSchema, {
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { value: { case: 'stringValue', value: 'shop' } } }] },
          schemaUrl: 'https://example.org/1',
          scopeSpans: [
            {
              scope: { name: 'lib' },
              spans: Array.from({ length: count }, (_, i) => ({
                traceId: new Uint8Array(16).fill(7),
                spanId: new Uint8Array(8).fill(i + 1),
                name,
                startTimeUnixNano: START,
                endTimeUnixNano: START + 2_000_000n,
              })),
            },
          ],
        },
      ],
    }),
  );
const logs = (count: number): Uint8Array =>
  toBinary(
    ExportLogsServiceRequestSchema,
    create(ExportLogsServiceRequestSchema, {
      resourceLogs: [
        {
          scopeLogs: [
            {
              logRecords: Array.from({ length: count }, () => ({
                timeUnixNano: START,
                severityNumber: 9,
                body: { value: { case: 'stringValue' as const, value: 'hello' } },
              })),
            },
          ],
        },
      ],
    }),
  );
const metrics = (): Uint8Array =>
  toBinary(
    ExportMetricsServiceRequestSchema,
    create(ExportMetricsServiceRequestSchema, {
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                // Sixteen bytes: as long as a trace id.
                {
                  name: 'sixteen.bytes.ab',
                  description: '8 bytes.',
                  data: { case: 'gauge', value: { dataPoints: [{ timeUnixNano: START }] } },
                },
                { name: 'h', data: { case: 'histogram', value: { dataPoints: [{ timeUnixNano: START }, { timeUnixNano: START }] } } },
              ],
            },
          ],
        },
      ],
    }),
  );
const varint = (bytes: Uint8Array): Uint8Array => {
  const head: number[] = [];
  let rest = bytes.length;
  for (; rest >= 128; rest >>>= 7) head.push((rest & 127) | 128);
  return Buffer.concat([Uint8Array.from([...head, rest]), bytes]);
};
const bigEndian = (bytes: Uint8Array): Uint8Array => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
};
const split = readBytes;

describe('JSON', () => {
  it.each<[string, unknown, object]>([
    ['traces', jsonTraces(3), { traces: 3, logs: 0, metrics: 0 }],
    ['logs', jsonLogs(2), { traces: 0, logs: 2, metrics: 0 }],
    ['metric points', jsonMetrics, { traces: 0, logs: 0, metrics: 2 }],
  ])('one request of %s, laid out in any way', async (_, value, items) => {
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2), `\uFEFF  ${JSON.stringify(value)}\n\n`]) {
      expect(await split(utf8(text))).toMatchObject({ format: 'otlp-json', items, bad: [] });
    }
  });
  it('an array of requests keeps nanoseconds written as bare numbers', async () => {
    const text = `[{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1795255200000000001}]}]}]},${JSON.stringify(jsonTraces(1))}]`;
    const { good, items } = await split(utf8(text));
    expect(items).toEqual({ traces: 1, logs: 1, metrics: 0 });
    expect(new TextDecoder().decode(good[0]?.body)).toContain('1795255200000000001');
  });
  it('lines: the bad ones are named by number, the rest is taken', async () => {
    const text = [
      JSON.stringify(jsonTraces(2)),
      '',
      '{"cut',
      JSON.stringify(jsonLogs(1)),
      '{"other":1}',
      '42',
      JSON.stringify(jsonMetrics),
    ].join('\r\n');
    const { format, items, bad, good } = await split(utf8(text));
    expect(format).toBe('otlp-jsonl');
    expect(items).toEqual({ traces: 2, logs: 1, metrics: 2 });
    expect(bad.map(({ line }) => line)).toEqual([3, 5, 6]);
    expect(good.map(({ line }) => line)).toEqual([1, 4, 7]);
  });
  it('lines whose first is cut off', async () => {
    const { items, bad } = await split(utf8(`{"resourceSp\n${JSON.stringify(jsonLogs(1))}\n`));
    expect(items.logs).toBe(1);
    expect(bad.map(({ line }) => line)).toEqual([1]);
  });
  it('a line that is not UTF-8', async () => {
    const { items, bad } = await split(Buffer.concat([utf8(`${JSON.stringify(jsonLogs(1))}\n{"a":"`), Uint8Array.of(0xff), utf8('"}\n')]));
    expect(items.logs).toBe(1);
    expect(bad).toMatchObject([{ line: 2, reason: 'invalid_utf8' }]);
  });
  it('bare resource objects become requests', async () => {
    const { good, items } = await split(utf8(JSON.stringify(jsonTraces(2).resourceSpans[0])));
    expect(items.traces).toBe(2);
    expect(JSON.parse(new TextDecoder().decode(good[0]?.body))).toEqual(jsonTraces(2));
  });
  it('times: of what is set only', async () => {
    expect((await split(utf8(JSON.stringify(jsonTraces(1))))).good[0]).toMatchObject({ minTimeMs: startMs, maxTimeMs: startMs + 2 });
    expect((await split(utf8('{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}'))).good[0]).toMatchObject({ items: 1, minTimeMs: null });
  });
  it('a large request goes in pieces with the same items under the same resource', async () => {
    const value = jsonTraces(60_000);
    const { good, items } = await split(utf8(JSON.stringify(value)));
    expect(items.traces).toBe(60_000);
    expect(good.length).toBeGreaterThan(1);
    const names = good.flatMap(({ body }) => {
      const { resourceSpans } = JSON.parse(new TextDecoder().decode(body)) as typeof value;
      expect(resourceSpans[0]?.resource).toEqual(value.resourceSpans[0]?.resource);
      return resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans.map((span) => span.name)));
    });
    expect(new Set(names).size).toBe(60_000);
  });
});

describe('protobuf', () => {
  it('tells the signal by its items', async () => {
    expect(await split(traces(3))).toMatchObject({ format: 'otlp-protobuf', items: { traces: 3, logs: 0, metrics: 0 }, bad: [] });
    expect((await split(logs(2))).items).toEqual({ traces: 0, logs: 2, metrics: 0 });
    expect((await split(metrics())).items).toEqual({ traces: 0, logs: 0, metrics: 3 });
    expect((await split(traces(1))).good[0]).toMatchObject({ minTimeMs: startMs, maxTimeMs: startMs + 2 });
  });
  it.each([
    ['varint', varint],
    ['big-endian', bigEndian],
  ] as const)('messages with %s lengths; a cut one at the end is named', async (_, frame) => {
    const whole = Buffer.concat([frame(traces(40)), frame(logs(1)), frame(metrics())]);
    expect(await split(whole)).toMatchObject({ format: 'otlp-protobuf', items: { traces: 40, logs: 1, metrics: 3 }, bad: [] });
    const cut = await split(whole.subarray(0, whole.length - 3));
    expect(cut.items).toEqual({ traces: 40, logs: 1, metrics: 0 });
    expect(cut.bad).toMatchObject([{ line: 3, reason: 'malformed' }]);
  });
  it('a foreign message between good ones is named, the rest is taken', async () => {
    const { items, bad } = await split(Buffer.concat([varint(traces(2)), varint(utf8('not protobuf at all')), varint(logs(1))]));
    expect(items).toEqual({ traces: 2, logs: 1, metrics: 0 });
    expect(bad.map(({ line }) => line)).toEqual([2]);
  });
  it('a large request goes in pieces that are requests again', async () => {
    const { good, items } = await split(traces(30_000, 'n'.repeat(200)));
    expect(items.traces).toBe(30_000);
    expect(good.length).toBeGreaterThan(1);
    for (const { body } of good) expect(body.length).toBeLessThan(CHUNK_BYTES + 4096);
    expect(Buffer.from(good[1]?.body ?? []).includes('https://example.org/1')).toBe(true);
  });
});

describe('compression', () => {
  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('%s of any of these', async (name, compress) => {
    expect(await split(compress(traces(3)))).toMatchObject({ format: `otlp-protobuf+${name}`, items: { traces: 3 } });
    expect(await split(compress(utf8(`${JSON.stringify(jsonLogs(1))}\n${JSON.stringify(jsonLogs(1))}`)))).toMatchObject({
      format: `otlp-jsonl+${name}`,
      items: { logs: 2 },
    });
    expect((await split(compress(compress(traces(1))))).bad).toMatchObject([{ reason: 'bad_compression' }]);
    expect((await split(compress(traces(3)).subarray(0, 20))).bad.at(-1)).toMatchObject({ reason: 'bad_compression' });
  });
});

describe('anything else', () => {
  it.each<[string, Uint8Array]>([
    ['empty', new Uint8Array()],
    ['a picture', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0])],
    ['zeros', new Uint8Array(1000)],
    ['half a value', utf8('{')],
    ['deep brackets', utf8('['.repeat(200_000))],
    ['an array of arrays', utf8('[[{"resourceSpans":[]}]]')],
    ['wrong shapes', utf8('{"resourceSpans":{"a":1}}')],
  ])('%s is refused in a sentence and sends nothing', async (_, bytes) => {
    const { good, bad } = await split(bytes);
    expect(good).toEqual([]);
    expect(bad).toHaveLength(1);
    expect(bad[0]?.message.length).toBeGreaterThan(5);
  });
  it('values of the wrong kind inside do not stop it', async () => {
    const { items } = await split(
      utf8('{"resourceSpans":[null,1,{"scopeSpans":"x"},{"scopeSpans":[{"spans":[null,{"startTimeUnixNano":{}}]}]}]}'),
    );
    expect(items.traces).toBe(1);
  });
  it('never throws: a thousand seeded mutations of good files', async () => {
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    const seeds = [
      traces(2),
      logs(2),
      metrics(),
      varint(traces(1)),
      bigEndian(logs(1)),
      utf8(JSON.stringify(jsonTraces(2))),
      gzipSync(traces(1)),
    ];
    for (let i = 0; i < 1_000; i++) {
      const bytes = Uint8Array.from(seeds[random(seeds.length)] as Uint8Array);
      for (let n = random(4); n >= 0; n--) bytes[random(bytes.length)] = random(256);
      const cut = bytes.subarray(0, 1 + random(bytes.length));
      const { good, bad } = await split(cut);
      expect(good.length + bad.length).toBeGreaterThanOrEqual(0);
    }
  });
});
