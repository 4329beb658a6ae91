import { gzipSync, zstdCompressSync } from 'node:zlib';
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { Extension, eventTime, msgpack } from '../../tests/fixtures/encode-msgpack.ts';
import { readEntries } from './read-entries.ts';
import { type ForwardMessage, readMessage } from './read-message.ts';

const limits = { maxDecompressedBytes: 1 << 20, maxDepth: 32 };
const SECONDS = 1_790_000_000;
// biome-ignore lint/suspicious/noExplicitAny: JSON of a message
type Json = any;
const message = (...parts: readonly unknown[]): ForwardMessage => readMessage(msgpack(parts)) as ForwardMessage;
const transcode = (...parts: readonly unknown[]) => readEntries([message(...parts)], limits);
const messageOf = (body: Uint8Array): Json => toJson(ExportLogsServiceRequestSchema, fromBinary(ExportLogsServiceRequestSchema, body));
const resourcesOf = async (...parts: readonly unknown[]): Promise<Json[]> => messageOf((await transcode(...parts)).body).resourceLogs;
const recordOf = async (record: unknown, tag = 'app.web'): Promise<Json> =>
  (await resourcesOf(tag, SECONDS, record))[0].scopeLogs[0].logRecords[0];
const resourceOf = async (record: unknown, tag = 'app.web') => attributes((await resourcesOf(tag, SECONDS, record))[0].resource);
const attributes = (of: Json): Record<string, unknown> =>
  Object.fromEntries((of.attributes ?? []).map(({ key, value }: Json) => [key, Object.values(value)[0]]));
const packed = (...entries: readonly unknown[]): Buffer => Buffer.concat(entries.map(msgpack));
const texts = (resources: Json[]): unknown[] =>
  resources.flatMap(({ scopeLogs }) => scopeLogs[0].logRecords.map(({ body }: Json) => body.stringValue));

describe('the four modes', () => {
  const two = [
    [SECONDS, { log: 'a' }],
    [eventTime(SECONDS, 5), { log: 'b' }],
  ];
  it.each<[string, unknown[], string[]]>([
    ['Message', ['t', SECONDS, { log: 'a' }], ['a']],
    ['Message with an option', ['t', eventTime(SECONDS, 5), { log: 'a' }, { chunk: 'x' }], ['a']],
    ['Forward', ['t', two], ['a', 'b']],
    ['Forward with an option that is nil', ['t', two, null], ['a', 'b']],
    ['PackedForward', ['t', packed(...two), { size: 2 }], ['a', 'b']],
    ['PackedForward as text, as old senders', ['t', packed(...two).toString('latin1'), {}], []],
    ['CompressedPackedForward', ['t', gzipSync(packed(...two)), { compressed: 'gzip' }], ['a', 'b']],
    [
      'the same in two members, as Fluentd appends',
      ['t', Buffer.concat(two.map((each) => gzipSync(packed(each)))), { compressed: 'gzip' }],
      ['a', 'b'],
    ],
    ['the same in zstd', ['t', zstdCompressSync(packed(...two)), { compressed: 'zstd' }], ['a', 'b']],
    ['compressed: text', ['t', packed(...two), { compressed: 'text' }], ['a', 'b']],
    ['no entry', ['t', []], []],
  ])('%s', async (name, parts, wanted) => {
    if (name.includes('as text')) {
      // The bytes of raw MessagePack, which had one type for both.
      const raw = packed(...two);
      const bytes = Buffer.concat([Buffer.from([0x92, 0xa1, 0x74, 0xda, raw.length >> 8, raw.length & 255]), raw]);
      const { body } = await readEntries([readMessage(bytes) as ForwardMessage], limits);
      expect(texts(messageOf(body).resourceLogs)).toEqual(['a', 'b']);
      return;
    }
    const { body, unreadable } = await transcode(...parts);
    expect([texts(messageOf(body).resourceLogs ?? []), unreadable]).toEqual([wanted, 0]);
  });
  it.each([
    ['seconds', SECONDS, '1790000000000000000'],
    ['a fraction, as loggers of old', SECONDS + 0.25, '1790000000250000000'],
    ['EventTime', eventTime(SECONDS, 123_456_789), '1790000000123456789'],
    ['64 bits', BigInt(SECONDS), '1790000000000000000'],
    ['none', 0, undefined],
  ])('the time: %s', async (_, time, wanted) => {
    const [resource] = await resourcesOf('t', time, { log: 'x' });
    expect(resource.scopeLogs[0].logRecords[0].timeUnixNano).toBe(wanted);
  });
  it('a time with metadata, as Fluent Bit can', async () => {
    const [resource] = await resourcesOf('t', [[[eventTime(SECONDS, 1), { otlp: { a: 1 } }], { log: 'x' }]]);
    const [record] = resource.scopeLogs[0].logRecords;
    expect(record.timeUnixNano).toBe('1790000000000000001');
    expect(attributes(record)).toEqual({
      'fluent.tag': 't',
      'fluent.metadata': { values: [{ key: 'otlp', value: { kvlistValue: { values: [{ key: 'a', value: { intValue: '1' } }] } } }] },
    });
  });
  it('nil is a heartbeat', () => expect(readMessage(Buffer.from([0xc0]))).toBeNull());
  it('the chunk is kept as it was written', () => {
    for (const chunk of ['p8n9gmxTQVC8/nh2wlKKeQ==', Buffer.from([1, 2])])
      expect(message('t', [], { chunk }).chunk).toEqual(msgpack(chunk));
    expect(message('t', [], { chunk: null }).chunk).toBeNull();
  });
});

describe('records', () => {
  it.each<[string, object, string]>([
    ['what the application says', { service: 'cart', container_name: '/c' }, 'cart'],
    ['a label of the pod', { kubernetes: { labels: { app: 'shop' }, container_name: 'c' } }, 'shop'],
    ['the container of the pod', { kubernetes: { container_name: 'c' } }, 'c'],
    ["Docker's container", { container_name: '/web_1' }, 'web_1'],
    ['else the tag', { x: 1 }, 'app.web'],
  ])('the service is %s', async (_, record, wanted) => expect((await resourceOf(record))['service.name']).toBe(wanted));
  it('what Kubernetes and Docker add is the resource, by the semantic conventions', async () => {
    const kubernetes = { pod_name: 'p-1', namespace_name: 'shop', host: 'n1', pod_id: 'u', container_name: 'c' };
    expect(await resourceOf({ log: 'x', container_id: 'abc', kubernetes })).toEqual({
      ...{ 'service.name': 'c', 'container.id': 'abc', 'k8s.namespace.name': 'shop', 'k8s.pod.name': 'p-1', 'k8s.pod.uid': 'u' },
      ...{ 'k8s.container.name': 'c', 'k8s.node.name': 'n1' },
    });
  });
  it.each<[string, object, unknown, object]>([
    ['log', { log: 'a\n', message: 'b' }, { stringValue: 'a\n' }, { message: 'b' }],
    ['message', { message: 'b', msg: 'c' }, { stringValue: 'b' }, { msg: 'c' }],
    ['an empty log', { log: '', a: null }, { stringValue: '' }, { a: undefined }],
    ['no text: the record', { log: 5 }, { kvlistValue: { values: [{ key: 'log', value: { intValue: '5' } }] } }, { log: '5' }],
    ['an empty record', {}, { kvlistValue: {} }, {}],
  ])('the body: %s', async (_, fields, body, rest) => {
    const record = await recordOf(fields);
    expect(record.body).toEqual(body);
    expect(attributes(record)).toEqual({ 'fluent.tag': 'app.web', ...rest });
  });
  it('level and ids have their fields; every kind of value is kept', async () => {
    const traceId = '5b8efff798038103d269b633813fc60c';
    const record = await recordOf({
      ...{ log: 'x', level: 'warn', trace_id: traceId, span_id: 'not one' },
      ...{ yes: true, half: 0.5, big: 2n ** 62n, bytes: Buffer.from([0xff]), list: [1, ['ü'], null], map: { a: { b: -1 } } },
    });
    expect(record).toMatchObject({
      severityNumber: 'SEVERITY_NUMBER_WARN',
      severityText: 'warn',
      traceId: Buffer.from(traceId, 'hex').toString('base64'),
    });
    expect(attributes(record)).toEqual({
      ...{ 'fluent.tag': 'app.web', level: 'warn', span_id: 'not one', yes: true, half: 0.5, big: String(2n ** 62n), bytes: '/w==' },
      list: { values: [{ intValue: '1' }, { arrayValue: { values: [{ stringValue: 'ü' }] } }, {}] },
      map: { values: [{ key: 'a', value: { kvlistValue: { values: [{ key: 'b', value: { intValue: '-1' } }] } } }] },
    });
  });
  it('the deepest record that is taken passes the check', async () => {
    const nest = (depth: number): unknown => (depth === 0 ? 1 : depth % 2 ? [nest(depth - 1)] : { a: nest(depth - 1) });
    const judge = { limits, receivedUnixNano: BigInt(SECONDS) * 1_000_000_000n, retentionSeconds: 0 };
    let taken = 0;
    for (let depth = 20; depth < 40; depth++) {
      const { body, unreadable } = await readEntries(
        [
          message('t', [
            [SECONDS, { a: nest(depth) }],
            [SECONDS, {}],
          ]),
        ],
        limits,
      );
      expect(checkOtlp('logs', body, judge)).toMatchObject({ ok: true, items: 2 - unreadable });
      if (unreadable === 0) taken = depth;
    }
    expect(taken).toBe(30);
  });
});

describe('hostile input', () => {
  it.each<[string, unknown, RegExp]>([
    ['a map', { a: 1 }, /type map where array should be/],
    ['one part', ['t'], /2 to 4 parts, this one 1/],
    ['five parts', ['t', 1, {}, {}, 1], /this one 5/],
    ['a tag that is a number', [7, []], /type integer where text/],
    ['a tag of 5,000 bytes', ['x'.repeat(5_000), []], /5000 bytes/],
    ['a time without a record', ['t', SECONDS], /no record/],
    ['entries that are a map', ['t', { a: 1 }], /type map where text/],
    ['an option that is text', ['t', [], 'chunk'], /type text where map/],
    ['a compression nobody knows', ['t', Buffer.from([0xc0]), { compressed: 'lz4' }], /"lz4" is not gzip/],
    ['a chunk id of 2,000 bytes', ['t', [], { chunk: 'x'.repeat(2_000) }], /chunk id/],
    ['metrics of Fluent Bit', ['t', Buffer.from([0xc0]), { fluent_signal: 1 }], /fluent_signal is 1/],
  ])('refused: %s', (_, value, says) => expect(() => readMessage(msgpack(value))).toThrow(says));
  it.each<[string, unknown[], RegExp]>([
    ['gzip that is none', ['t', Buffer.from('no gzip'), { compressed: 'gzip' }], /not valid gzip/],
    ['a bomb', ['t', gzipSync(Buffer.alloc(2 << 20)), { compressed: 'gzip' }], /inflates to more than/],
    ['no entry can be read', ['t', [1, 2, 'x']], /none of 3 entries can be read; tag "t", entry 0/],
    ['a record that is text', ['t', SECONDS, 'x'], /type text where a record \(map\) should be/],
    ['a time before 1970', ['t', -1, {}], /out of range: -1/],
    ['a time of no number', ['t', Number.NaN, {}], /out of range/],
    ['another extension as time', ['t', new Extension(1, Buffer.alloc(8)), {}], /no EventTime/],
    ['a record of 100,000 values', ['t', SECONDS, { a: Array(100_000).fill(null) }], /more than 65536 values/],
  ])('refused: %s', async (_, parts, says) => {
    await expect(transcode(...parts)).rejects.toThrow(says);
  });
  it('bad entries take no other with them, also when the end is cut off', async () => {
    const good = [SECONDS, { log: 'good' }];
    const forward = await transcode('t', [good, 7, ['noon', {}], [SECONDS, 'x'], [SECONDS], good]);
    expect([texts(messageOf(forward.body).resourceLogs), forward.unreadable]).toEqual([['good', 'good'], 4]);
    expect(forward.problem).toMatch(/^tag "t", entry 1: there is a value of type integer where array/);
    const cut = packed(good, good, good);
    const { body, unreadable } = await transcode('t', cut.subarray(0, cut.length - 2));
    expect([texts(messageOf(body).resourceLogs), unreadable]).toEqual([['good', 'good'], 1]);
  });
  it('a bad message among others is counted', async () => {
    const messages = [
      message('a', SECONDS, { log: 'a' }),
      message('b', Buffer.from('x'), { compressed: 'gzip' }),
      message('c', SECONDS, {}),
    ];
    const { body, unreadable, problem } = await readEntries(messages, limits);
    expect([messageOf(body).resourceLogs.length, unreadable]).toEqual([2, 1]);
    expect(problem).toMatch(/^tag "b": the body is not valid gzip/);
  });
  it('messages that inflate to more than the limit together are not all inflated', async () => {
    const half = message('t', gzipSync(Buffer.concat(Array(600).fill(msgpack([0, { log: 'x'.repeat(1_000) }])))), { compressed: 'gzip' });
    expect(await readEntries([half, half, message('t', SECONDS, {})], limits)).toMatchObject({ unreadable: 1 });
  });
});
