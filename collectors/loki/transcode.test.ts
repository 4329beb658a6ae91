import { fromBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { field, joined, number } from '#collectors/otlp/test-protobuf.ts';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { encodeSnappy } from '../../tests/fixtures/encode-snappy.ts';
import { transcodeLoki } from './transcode.ts';

const NS = '1790000000123456789';
const limits = { maxDecompressedBytes: 1 << 26 };
// biome-ignore lint/suspicious/noExplicitAny: JSON of a message
type Json = any;
const fromJson = (body: unknown, tenant = '') =>
  transcodeLoki(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), { format: 'json', tenant }, limits);
const fromProtobuf = (plain: Uint8Array) => transcodeLoki(encodeSnappy(plain), { format: 'protobuf', tenant: '' }, limits);
const messageOf = (body: Uint8Array): Json => toJson(ExportLogsServiceRequestSchema, fromBinary(ExportLogsServiceRequestSchema, body));
const request = (streams: unknown, tenant = ''): Json => messageOf(fromJson({ streams }, tenant).body);
const attributes = (of: Json): Record<string, unknown> =>
  Object.fromEntries((of.attributes ?? []).map(({ key, value }: Json) => [key, Object.values(value)[0]]));
const record = (metadata: object | undefined, labels: object = {}): Json =>
  request([{ stream: labels, values: [[NS, 'x', ...(metadata ? [metadata] : [])]] }]).resourceLogs[0].scopeLogs[0].logRecords[0];

/** PushRequest by hand. */
const timestamp = (ns: string): Uint8Array[] => [number(1, BigInt(ns) / 1_000_000_000n), number(2, BigInt(ns) % 1_000_000_000n)];
const entry = (ns: string, line: string | Uint8Array, metadata: Record<string, string> = {}): Uint8Array =>
  field(2, [
    field(1, timestamp(ns)),
    field(2, line),
    ...Object.entries(metadata).map(([name, value]) => field(3, [field(1, name), field(2, value)])),
  ]);
const stream = (labels: string, ...entries: Uint8Array[]): Uint8Array => field(1, [field(1, labels), ...entries, number(3, 77)]);

describe('transcodeLoki', () => {
  const labels = { app: 'cart', env: 'prod' };
  const metadata = { trace_id: '5B8EFFF798038103d269b633813fc60c', span_id: 'eee19b7ec3c1b174', level: 'warn', user: 'u1' };

  it('labels are the resource, metadata the attributes, ids and severity their fields', () => {
    const { resourceLogs } = request(
      [
        {
          stream: labels,
          values: [
            [NS, 'slow', metadata],
            [NS, ''],
          ],
        },
      ],
      'team-a',
    );
    expect(resourceLogs).toHaveLength(1);
    expect(attributes(resourceLogs[0].resource)).toEqual({ 'service.name': 'cart', ...labels, 'loki.tenant': 'team-a' });
    const [first, second] = resourceLogs[0].scopeLogs[0].logRecords;
    expect(first).toMatchObject({
      timeUnixNano: NS,
      severityNumber: 'SEVERITY_NUMBER_WARN',
      severityText: 'warn',
      body: { stringValue: 'slow' },
      traceId: Buffer.from(metadata.trace_id, 'hex').toString('base64'),
      spanId: Buffer.from(metadata.span_id, 'hex').toString('base64'),
    });
    expect(attributes(first)).toEqual({ level: 'warn', user: 'u1' });
    expect(second).toEqual({ timeUnixNano: NS, body: { stringValue: '' } });
  });
  it('says the same of protobuf', () => {
    const protobuf = stream('{app="cart", env="prod"}', entry(NS, 'slow', metadata), entry(NS, ''));
    const json = fromJson({
      streams: [
        {
          stream: labels,
          values: [
            [NS, 'slow', metadata],
            [NS, ''],
          ],
        },
      ],
    });
    expect(Buffer.from(fromProtobuf(protobuf).body).toString('hex')).toBe(Buffer.from(json.body).toString('hex'));
  });
  it.each([
    [{ service_name: 'a', app: 'b', job: 'c' }, 'a'],
    [{ app: 'b', job: 'c' }, 'b'],
    [{ job: 'c', container: 'd' }, 'd'],
    [{ job: 'c' }, 'c'],
    [{ app: '', job: 'c' }, 'c'],
    [{ 'service.name': 'said', app: 'b' }, 'said'],
    [{ filename: '/var/log/syslog' }, undefined],
  ])('service of %o: %s', (given, service) => {
    const { resource } = request([{ stream: given, values: [[NS, 'x']] }]).resourceLogs[0];
    expect(attributes(resource)['service.name']).toBe(service);
    expect(resource.attributes.filter(({ key }: Json) => key === 'service.name').length).toBeLessThan(2);
  });
  it.each([
    ['trace', 'TRACE'],
    ['DEBUG', 'DEBUG'],
    ['Info', 'INFO'],
    ['notice', 'INFO2'],
    ['warning', 'WARN'],
    ['err', 'ERROR'],
    ['critical', 'ERROR2'],
    ['fatal', 'FATAL'],
  ])('level %s is %s', (level, name) => {
    expect(record({ level })).toMatchObject({ severityText: level, severityNumber: `SEVERITY_NUMBER_${name}` });
  });
  it('the level is the metadata first, then the labels; a word nobody knows is kept as text', () => {
    expect(record({ detected_level: 'error' }, { level: 'info' }).severityText).toBe('error');
    expect(record({ severity: 'error', detected_level: 'info' }).severityText).toBe('error');
    expect(record(undefined, { level: 'info' })).toMatchObject({ severityText: 'info', severityNumber: 'SEVERITY_NUMBER_INFO' });
    const odd = record({ level: 'constructor' });
    expect([odd.severityText, odd.severityNumber]).toEqual(['constructor', undefined]);
    // As an OpenTelemetry collector's Loki exporter writes it.
    expect(record({ severity_number: '18', severity_text: 'ERROR2' })).toMatchObject({ severityNumber: 'SEVERITY_NUMBER_ERROR2' });
    expect(record({ severity_number: '25' })).not.toHaveProperty('severityNumber');
  });
  it.each([
    ['too short', { trace_id: 'abc', span_id: 'abc' }],
    ['no hexadecimal', { trace_id: 'z'.repeat(32), span_id: 'z'.repeat(16) }],
    ['all zero', { trace_id: '0'.repeat(32), span_id: '0'.repeat(16) }],
  ])('an id %s stays an attribute', (_, ids) => {
    const given = record(ids);
    expect([given.traceId, given.spanId]).toEqual([undefined, undefined]);
    expect(attributes(given)).toEqual(ids);
  });
  it('takes a time as a number without losing digits, and metadata of other kinds', () => {
    const { body } = fromJson(`{"streams":[{"stream":{},"values":[[${NS},"x",{"n":3,"b":true,"none":null}],["${NS}","y",null]]}]}`);
    const { logRecords } = messageOf(body).resourceLogs[0].scopeLogs[0];
    expect(logRecords.map((each: Json) => each.timeUnixNano)).toEqual([NS, NS]);
    expect(attributes(logRecords[0])).toEqual({ n: '3', b: true });
  });
  it('keeps a line whose bytes are no UTF-8, as Loki does', () => {
    const { body } = fromProtobuf(stream('{}', entry(NS, Uint8Array.of(0x61, 0xff, 0x62))));
    expect(messageOf(body).resourceLogs[0].scopeLogs[0].logRecords[0].body).toEqual({ stringValue: 'a\ufffdb' });
  });
  it.each([
    ['no stream', { streams: [] }],
    ['no entry', { streams: [{ stream: { a: 'b' }, values: [] }] }],
  ])('nothing in it: %s', (_, body) => {
    expect(fromJson(body)).toEqual({ body: new Uint8Array(0), unreadable: 0, problem: '' });
  });
  it('nothing in it: no byte of protobuf', () => {
    expect(fromProtobuf(new Uint8Array(0))).toEqual({ body: new Uint8Array(0), unreadable: 0, problem: '' });
  });
});

describe('what cannot be read takes nothing else with it', () => {
  const good = [NS, 'good'];
  it.each([
    ['no list', 'x', /^stream 0, entry 1: it must be \[time, line\] or \[time, line, metadata\], not "x"$/],
    ['a list of one', [NS], /it must be \[time, line\]/],
    ['a list of four', [NS, 'a', {}, {}], /it must be/],
    ['a time in words', ['now', 'a'], /its time must be a text of nanoseconds, not "now"/],
    ['a time with a fraction', [1.5, 'a'], /its time must be/],
    ['a time before 1970', ['-1', 'a'], /its time is before 1970: -1/],
    ['a time over 64 bits', ['9223372036854775808', 'a'], /its time is out of range/],
    ['a line that is an object', [NS, { a: 1 }], /its line must be text, not an object/],
    ['no line', [NS, null], /its line must be text, not null/],
    ['metadata in a list', [NS, 'a', ['b']], /its metadata must be an object, not an array/],
    ['metadata in metadata', [NS, 'a', { b: { c: 1 } }], /its metadata\["b"\] must be text, not an object/],
  ])('an entry: %s', (_, bad, problem) => {
    const { body, unreadable, problem: said } = fromJson({ streams: [{ stream: {}, values: [good, bad, good] }] });
    expect([unreadable, said]).toEqual([1, expect.stringMatching(problem)]);
    expect(messageOf(body).resourceLogs[0].scopeLogs[0].logRecords).toHaveLength(2);
  });
  it.each([
    ['null', null, 1, /^stream 0: it must be an object, not null/],
    ['a list', [], 1, /it must be an object, not an array/],
    ['labels in a list', { stream: ['a'], values: [good, good, good] }, 3, /stream must be an object, not an array/],
    ['labels as text', { stream: '{a="b"}', values: [good] }, 1, /stream must be an object, not "\{a=/],
    ['values that are none', { stream: {}, values: {} }, 1, /values must be an array, not an object/],
  ])('a stream: %s', (_, bad, count, problem) => {
    const { body, unreadable, problem: said } = fromJson({ streams: [bad, { stream: {}, values: [good] }] });
    expect([unreadable, said]).toEqual([count, expect.stringMatching(problem)]);
    expect(messageOf(body).resourceLogs).toHaveLength(1);
  });
  it.each([
    ['labels that are none', stream('app=x', entry(NS, 'a'), entry(NS, 'b')), 2, /^stream 0: the labels have no "\{"/],
    [
      'a broken entry',
      stream('{}', field(2, Uint8Array.of(0x12, 0x7f)), entry(NS, 'b')),
      1,
      /stream 0, entry 0: a length runs past the end/,
    ],
    ['a time before 1970', stream('{}', field(2, [field(1, [number(1, -5n)]), field(2, 'x')])), 1, /before 1970: -5000000000/],
    ['a broken stream', field(1, Uint8Array.of(0x0b)), 1, /stream 0: wire type 3/],
  ])('in protobuf: %s', (_, bad, count, problem) => {
    const { body, unreadable, problem: said } = fromProtobuf(joined(bad, stream('{}', entry(NS, 'good'))));
    expect([unreadable, said]).toEqual([count, expect.stringMatching(problem)]);
    expect(JSON.stringify(messageOf(body))).toContain('"good"');
  });
});

describe('a body that cannot be read', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  it.each([
    ['nothing', '', 'malformed', /not JSON/],
    ['a list', '[]', 'malformed', /there is no array "streams"\. Loki push takes/],
    ['null', 'null', 'malformed', /no array "streams"/],
    ['OTLP/JSON', '{"resourceLogs":[]}', 'malformed', /no array "streams"/],
    [
      'no entry that can be read',
      '{"streams":[{"stream":{},"values":[1,2]}]}',
      'malformed',
      /none of 2 entries can be read; stream 0, entry 0/,
    ],
    ['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'invalid_utf8', /UTF-8/],
    ['nested deeper than any stack', `{"streams":[{"stream":{},"values":[${deep}]}]}`, 'malformed', /none of 1 entries/],
    [
      'metadata nested deeper than any stack',
      `{"streams":[{"stream":{"a":${deep}},"values":[]}]}`,
      'malformed',
      /stream\["a"\] must be text/,
    ],
    [
      'more entries than rows in a request',
      `{"streams":[{"stream":{},"values":[${'[],'.repeat(1_048_576)}[]]}]}`,
      'decompressed_too_large',
      /more than 1048576 entries/,
    ],
  ] as const)('%s', (_, body, reason, message) => {
    const read = () => transcodeLoki(Buffer.from(body), { format: 'json', tenant: '' }, limits);
    expect(read).toThrow(expect.objectContaining({ name: 'OtlpError', reason, message: expect.stringMatching(message) }));
  });
  it.each([
    ['not snappy', Buffer.from('{"streams":[]}'), 'bad_compression'],
    ['no byte', Buffer.alloc(0), 'bad_compression'],
    ['a length over the limit', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]), 'decompressed_too_large'],
    ['snappy of no message', encodeSnappy(Buffer.from('hello, this is text')), 'malformed'],
  ])('protobuf: %s', (_, body, reason) => {
    const read = () => transcodeLoki(body, { format: 'protobuf', tenant: '' }, limits);
    expect(read).toThrow(expect.objectContaining({ reason }));
  });
});
