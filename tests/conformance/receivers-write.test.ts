import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import { labels1, Symbols, write1, write2 } from '../fixtures/write-requests.ts';
import { metricsJson, startTestCollector, type TestCollector, talk } from './receivers-fixture.ts';

const WRITE = '/api/v1/write';
const ONE = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' };
const TWO = {
  'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '2.0.0',
};
const sample = () => ({ value: 1, timestamp: BigInt(Date.now()) });
const good = (count = 3) => ({
  timeseries: Array.from({ length: count }, (_, i) => ({ labels: labels1({ __name__: 'up', instance: `i${i}` }), samples: [sample()] })),
});
const unnamed = { labels: labels1({ job: 'a' }), samples: [sample()] };
const written = (headers: Headers): (string | null)[] =>
  ['samples', 'histograms', 'exemplars'].map((what) => headers.get(`x-prometheus-remote-write-${what}-written`));

let it1: TestCollector;
beforeAll(async () => {
  it1 = await startTestCollector({ maxBodyBytes: 100_000, maxDecompressedBytes: 400_000 });
});
afterAll(() => it1.stop());

describe('remote write: what is taken in', () => {
  it.each([
    ['the content type of every 1.0 sender', ONE],
    ['1.0 by its name', { ...ONE, 'content-type': 'application/x-protobuf;proto=prometheus.WriteRequest' }],
    ['a 1.0 sender that says nothing of its encoding', { 'content-type': 'application/x-protobuf' }],
  ])('%s', async (_, headers) => {
    const body = write1(good());
    const answer = await it1.post(WRITE, body, headers);
    expect([answer.status, answer.bytes.length, written(answer.headers)]).toEqual([204, 0, [null, null, null]]);
    const record = (await it1.records()).at(-1);
    expect(record).toMatchObject({
      kind: RecordKind.write1,
      format: BodyFormat.protobuf,
      encoding: BodyEncoding.snappy,
      items: 3,
      source: 'remote-write',
      meta: '',
    });
    // As received.
    expect(Buffer.compare(record?.body as Buffer, body)).toBe(0);
  });
  it('2.0, with what was written in the headers', async () => {
    const symbols = new Symbols();
    const labelsRefs = symbols.refs({ __name__: 'up', job: 'a' });
    const exemplar = { labelsRefs: symbols.refs({ trace_id: 'x' }), value: 1, timestamp: sample().timestamp };
    const histogram = {
      count: { case: 'countInt' as const, value: 1n },
      positiveSpans: [{ offset: 0, length: 1 }],
      positiveDeltas: [1n],
      timestamp: sample().timestamp,
    };
    const timeseries = [
      { labelsRefs, samples: [sample(), sample()], exemplars: [exemplar, exemplar, exemplar] },
      { labelsRefs: symbols.refs({ __name__: 'size' }), histograms: [histogram] },
    ];
    const answer = await it1.post(WRITE, write2({ symbols: symbols.symbols, timeseries }), TWO);
    expect([answer.status, written(answer.headers)]).toEqual([204, ['2', '1', '3']]);
    expect((await it1.records()).at(-1)).toMatchObject({ kind: RecordKind.write2, items: 3 });
    const partial = [...timeseries, { labelsRefs: [...labelsRefs, 999, 0], samples: [sample()] }];
    const refused = await it1.post(WRITE, write2({ symbols: symbols.symbols, timeseries: partial }), TWO);
    expect([refused.status, written(refused.headers)]).toEqual([400, ['2', '1', '3']]);
    expect(refused.bytes.toString()).toContain('refers to symbol 999');
    expect((await it1.records()).at(-1)).toMatchObject({ kind: RecordKind.write2, items: 4 });
  });
  it('the good series of a request with a bad one, and says 400 with the first reason', async () => {
    const answer = await it1.post(WRITE, write1({ timeseries: [...good(2).timeseries, unnamed] }), ONE);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'text/plain; charset=utf-8']);
    expect(answer.bytes.toString()).toMatch(/^1 of 3 samples and histograms rejected \(1 invalid_labels\); the rest is stored\. First: /);
    expect((await it1.records()).at(-1)?.items).toBe(3);
  });
  it('no series at all', async () => {
    expect((await it1.post(WRITE, write1({}), ONE)).status).toBe(204);
    expect((await it1.post(WRITE, write2({ symbols: [''] }), TWO)).status).toBe(204);
  });
  it('counts the sender as a receiver of its own', async () => {
    const before = it1.collector.status().sources.find((s) => s.source === 'remote-write');
    await it1.post(WRITE, write1(good(7)), ONE);
    const after = it1.collector.status().sources.find((s) => s.source === 'remote-write');
    expect(after).toMatchObject({ kind: 'remote-write', state: 'receiving', address: `${it1.collector.addresses.ingest}${WRITE}` });
    expect((after?.accepted.metrics.items ?? 0) - (before?.accepted.metrics.items ?? 0)).toBe(7);
  });
});

describe('remote write: what is refused', () => {
  const otlp = transcodeJson('metrics', Buffer.from(metricsJson(1)), { maxDepth: 32 });
  it.each([
    [
      '415, so that a sender falls back: another message',
      { ...ONE, 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v3.Request' },
      write1(good()),
      415,
      'unsupported_content_type',
    ],
    [
      '415: a message called as something every object has',
      { ...ONE, 'content-type': 'application/x-protobuf;proto=constructor' },
      write1(good()),
      415,
      'unsupported_content_type',
    ],
    ['415: JSON', { ...ONE, 'content-type': 'application/json' }, '{}', 415, 'unsupported_content_type'],
    ['415: another encoding', { ...ONE, 'content-encoding': 'zstd' }, write1(good()), 415, 'unsupported_encoding'],
    ['400: nothing', ONE, '', 400, 'bad_compression'],
    ['400: not snappy', ONE, otlp, 400, 'bad_compression'],
    ['400: 1.0 under the name of 2.0', TWO, write1(good()), 400, 'malformed'],
    ['400: 2.0 under the name of 1.0', ONE, write2({ symbols: ['', 'a'] }), 400, 'malformed'],
    [
      '413: inflates to more than the limit',
      ONE,
      Buffer.from([0x81, 0xb5, 0x18, ...Buffer.alloc(30_000, 1)]),
      413,
      'decompressed_too_large',
    ],
    ['413: over the limit as sent', ONE, Buffer.alloc(100_001), 413, 'body_too_large'],
  ] as const)('%s', async (_, headers, body, status, reason) => {
    const before = it1.refused('remote-write')[reason] ?? 0;
    const records = (await it1.records()).length;
    const answer = await it1.post(WRITE, body, headers);
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('retry-after')]).toEqual([
      status,
      'text/plain; charset=utf-8',
      null,
    ]);
    expect(answer.bytes.toString().trim().length).toBeGreaterThan(20);
    expect(it1.refused('remote-write')[reason]).toBe(before + 1);
    expect((await it1.records()).length).toBe(records);
    if (headers === TWO) expect(written(answer.headers)).toEqual(['0', '0', '0']);
  });
  it('405 for a GET, 403 for another host', async () => {
    expect((await it1.post(WRITE, '', {}, 'GET')).status).toBe(405);
    const answer = await talk(
      it1.collector.addresses.ingest,
      `POST ${WRITE} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });
  it('503 with a time to come back while the memory is used up', async () => {
    const small = await startTestCollector({ maxInFlightBytes: 1 });
    const open = await fetchSlowly(small);
    const answer = await small.post(WRITE, write1(good()), ONE);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    open.abort();
    await small.stop();
  });
});
/** A request whose body does not end holds the whole budget. */
async function fetchSlowly(to: TestCollector): Promise<AbortController> {
  const abort = new AbortController();
  const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
  fetch(`${to.collector.addresses.ingest}${WRITE}`, {
    method: 'POST',
    headers: ONE,
    body,
    duplex: 'half',
    signal: abort.signal,
  } as RequestInit).catch(() => undefined);
  while ((await to.post(WRITE, '', ONE)).status !== 503) await new Promise((resolve) => setTimeout(resolve, 5));
  return abort;
}
