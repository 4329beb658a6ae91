import { fromBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { field, fixed64, joined, number } from '#collectors/otlp/test-protobuf.ts';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import { transcodeZipkin } from './transcode.ts';
import { eventOf } from './write-otlp.ts';

const START = 1_790_000_000_000_000;
const minimal = { traceId: '463ac35c9f6413ad48485a3953bb6124', id: '72485a3953bb6124' };
// biome-ignore lint/suspicious/noExplicitAny: JSON of a message
type Json = any;
const request = (spans: unknown): Json => {
  const { body } = transcodeZipkin(Buffer.from(JSON.stringify(spans)), 'json');
  return toJson(ExportTraceServiceRequestSchema, fromBinary(ExportTraceServiceRequestSchema, body));
};
const one = (more: object): Json => request([{ ...minimal, ...more }]).resourceSpans[0].scopeSpans[0].spans[0];
const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
const attributes = (span: Json): Record<string, unknown> =>
  Object.fromEntries((span.attributes ?? []).map(({ key, value }: Json) => [key, Object.values(value)[0]]));

/** The example of zipkin.io/zipkin-api, with what else a span can say. */
const full = {
  ...minimal,
  parentId: '6b221d5bc9e6496c',
  name: 'get /api',
  kind: 'CLIENT',
  timestamp: START,
  duration: 207_000,
  localEndpoint: { serviceName: 'frontend', ipv4: '192.168.99.1', port: 3306 },
  remoteEndpoint: { serviceName: 'backend', ipv6: '2001:db8::1', port: 9000 },
  annotations: [{ timestamp: START + 5, value: 'ws' }],
  tags: { 'http.method': 'GET', 'http.path': '/api', 'otel.scope.name': 'brave', 'otel.scope.version': '6' },
  debug: true,
  shared: true,
};
/** The same in zipkin.proto. */
const endpoint = (name: string, at: number, ip: readonly number[], port: number): Uint8Array[] => [
  field(1, name),
  field(at, Uint8Array.from(ip)),
  number(4, port),
];
const fullProtobuf = field(1, [
  field(1, Buffer.from(full.traceId, 'hex')),
  field(2, Buffer.from(full.parentId, 'hex')),
  field(3, Buffer.from(full.id, 'hex')),
  number(4, 1),
  field(5, full.name),
  fixed64(6, BigInt(START)),
  number(7, 207_000),
  field(8, endpoint('frontend', 2, [192, 168, 99, 1], 3306)),
  field(9, endpoint('backend', 3, [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 9000)),
  field(10, [fixed64(1, BigInt(START + 5)), field(2, 'ws')]),
  ...Object.entries(full.tags).map(([key, value]) => field(11, [field(1, key), field(2, value)])),
  number(12, 1),
  number(13, 1),
]);

describe('transcodeZipkin', () => {
  it('makes of every field what the OpenTelemetry mapping made it of', () => {
    const { resourceSpans } = request([full]);
    expect(resourceSpans).toHaveLength(1);
    expect(resourceSpans[0].resource.attributes).toEqual([{ key: 'service.name', value: { stringValue: 'frontend' } }]);
    expect(resourceSpans[0].scopeSpans[0].scope).toEqual({ name: 'brave', version: '6' });
    const [span] = resourceSpans[0].scopeSpans[0].spans;
    expect(span).toMatchObject({
      traceId: base64(full.traceId),
      spanId: base64(full.id),
      parentSpanId: base64(full.parentId),
      name: 'get /api',
      kind: 'SPAN_KIND_CLIENT',
      startTimeUnixNano: `${START}000`,
      endTimeUnixNano: `${START + 207_000}000`,
      events: [{ timeUnixNano: `${START + 5}000`, name: 'ws' }],
    });
    expect(span.status).toBeUndefined();
    expect(attributes(span)).toEqual({
      'http.method': 'GET',
      'http.path': '/api',
      'network.local.address': '192.168.99.1',
      'network.local.port': '3306',
      'peer.service': 'backend',
      'network.peer.address': '2001:db8::1',
      'network.peer.port': '9000',
      'zipkin.shared': true,
      'zipkin.debug': true,
    });
  });
  it('says the same of protobuf', () => {
    const { body } = transcodeZipkin(fullProtobuf, 'protobuf');
    const json = transcodeZipkin(Buffer.from(JSON.stringify([full])), 'json').body;
    expect(Buffer.from(body).toString('hex')).toBe(Buffer.from(json).toString('hex'));
  });
  it.each([
    ['64 bits', '48485a3953bb6124', '000000000000000048485a3953bb6124'],
    ['fewer digits than either', 'a1', '000000000000000000000000000000a1'],
    ['upper case', 'A'.repeat(32), 'a'.repeat(32)],
  ])('pads trace ids on the left: %s', (_, given, wanted) => {
    expect(one({ traceId: given }).traceId).toBe(base64(wanted));
  });
  it.each([
    ['CLIENT', 'SPAN_KIND_CLIENT'],
    ['SERVER', 'SPAN_KIND_SERVER'],
    ['PRODUCER', 'SPAN_KIND_PRODUCER'],
    ['CONSUMER', 'SPAN_KIND_CONSUMER'],
    [undefined, 'SPAN_KIND_INTERNAL'],
    [null, 'SPAN_KIND_INTERNAL'],
  ])('kind %s', (kind, wanted) => {
    expect(one({ kind }).kind).toBe(wanted);
  });
  it.each([
    ['error alone', { error: '' }, { code: 'STATUS_CODE_ERROR' }],
    ['error: true', { error: 'true' }, { code: 'STATUS_CODE_ERROR' }],
    ['error with its text', { error: 'timed out' }, { code: 'STATUS_CODE_ERROR', message: 'timed out' }],
    ['error: false', { error: 'false' }, undefined],
    ['the code an SDK wrote', { 'otel.status_code': 'OK' }, { code: 'STATUS_CODE_OK' }],
    [
      'the code with its text',
      { 'otel.status_code': 'ERROR', 'otel.status_description': 'no stock' },
      { code: 'STATUS_CODE_ERROR', message: 'no stock' },
    ],
    [
      'the code with error as its text',
      { 'otel.status_code': 'ERROR', error: 'no stock' },
      { code: 'STATUS_CODE_ERROR', message: 'no stock' },
    ],
    ['the code over the tag', { 'otel.status_code': 'OK', error: 'x' }, { code: 'STATUS_CODE_OK' }],
    ['none', {}, undefined],
  ])('status: %s', (_, tags, wanted) => {
    const span = one({ tags });
    expect(span.status).toEqual(wanted);
    // The tag stays; the words of the mapping do not.
    expect(attributes(span)).toEqual('error' in tags ? { error: tags.error } : {});
  });
  it('groups by service, and in it by scope, in order', () => {
    const span = (name: string, serviceName: string, scope?: string) => ({
      ...minimal,
      name,
      localEndpoint: { serviceName },
      ...(scope ? { tags: { 'otel.scope.name': scope } } : {}),
    });
    const { resourceSpans } = request([span('1', 'a'), span('2', 'b'), span('3', 'a'), span('4', 'a', 'x'), { ...minimal, name: '5' }]);
    expect(
      resourceSpans.map((r: Json) => [
        r.resource.attributes?.[0].value.stringValue ?? null,
        r.scopeSpans.map((s: Json) => [s.scope?.name ?? '', s.spans.map((each: Json) => each.name)]),
      ]),
    ).toEqual([
      [
        'a',
        [
          ['', ['1', '3']],
          ['x', ['4']],
        ],
      ],
      ['b', [['', ['2']]]],
      [null, [['', ['5']]]],
    ]);
  });
  it('leaves a missing time to the rules of OTLP, and keeps a duration without one', () => {
    expect(one({})).not.toHaveProperty('startTimeUnixNano');
    expect(one({ timestamp: START })).not.toHaveProperty('endTimeUnixNano');
    const span = one({ duration: 12 });
    expect(span).not.toHaveProperty('endTimeUnixNano');
    expect(attributes(span)).toEqual({ 'zipkin.duration_us': '12' });
  });
  it('takes what senders write beside the letter', () => {
    expect(one({ timestamp: `${START}`, duration: 1.9 })).toMatchObject({
      startTimeUnixNano: `${START}000`,
      endTimeUnixNano: `${START + 1}000`,
    });
    expect(attributes(one({ tags: { count: 3, share: 0.5, hit: true, none: null } }))).toEqual({ count: '3', share: 0.5, hit: true });
    expect(attributes(one({ remoteEndpoint: null, localEndpoint: {}, annotations: null, tags: null }))).toEqual({});
  });
  it('does not write over a tag', () => {
    expect(attributes(one({ tags: { 'peer.service': 'said' }, remoteEndpoint: { serviceName: 'derived' } }))).toEqual({
      'peer.service': 'said',
    });
  });
  it('counts what an SDK left out', () => {
    const tags = { 'otel.dropped_attributes_count': '3', 'otel.dropped_events_count': '2', 'otel.dropped_links_count': 'many' };
    expect(one({ tags })).toMatchObject({ droppedAttributesCount: 3, droppedEventsCount: 2 });
  });
  it('an unusable id is there for the check and the decoder to count', () => {
    const { resourceSpans } = request([minimal, { ...minimal, id: 'xyz' }, { ...minimal, parentId: '-' }]);
    expect(resourceSpans[0].scopeSpans[0].spans.map((s: Json) => [s.spanId ?? '', s.parentSpanId ?? ''])).toEqual([
      [base64(minimal.id), ''],
      ['', ''],
      [base64(minimal.id), base64('00')],
    ]);
  });
  it.each([
    ['[]', '[]'],
    ['white space around', ' [ ] '],
  ])('nothing in it: %s', (_, text) => {
    expect(transcodeZipkin(Buffer.from(text), 'json')).toMatchObject({ unreadable: 0 });
    expect(transcodeZipkin(Buffer.from(text), 'json').body).toHaveLength(0);
  });
});

describe('a span that cannot be read', () => {
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['a number', 1, /^span 1: it must be an object, not 1$/],
    ['null', null, /an object, not null/],
    ['a list', [[]], /an object, not an array/],
    ['an id that is a number', { ...minimal, traceId: 12 }, /^span 1: traceId must be text, not 12$/],
    ['a name that is an object', { ...minimal, name: {} }, /name must be text, not an object/],
    ['another kind', { ...minimal, kind: 'LOCAL' }, /kind must be SERVER, CLIENT, PRODUCER, CONSUMER, not "LOCAL"/],
    ['a kind of every object', { ...minimal, kind: 'constructor' }, /kind must be/],
    ['a time in words', { ...minimal, timestamp: 'today' }, /timestamp must be a number of microseconds, not "today"/],
    ['a time before 1970', { ...minimal, timestamp: -1 }, /timestamp is before 1970: -1/],
    ['a time over 64 bits', { ...minimal, timestamp: 1e300 }, /timestamp is out of range/],
    ['a duration of many digits', { ...minimal, duration: '9'.repeat(19) }, /duration is out of range/],
    ['an endpoint that is a text', { ...minimal, localEndpoint: 'a' }, /localEndpoint must be an object, not "a"/],
    ['a port that is none', { ...minimal, remoteEndpoint: { port: 70_000 } }, /remoteEndpoint\.port must be a port, not 70000/],
    ['tags that are a list', { ...minimal, tags: ['a'] }, /tags must be an object, not an array/],
    ['a tag that is an object', { ...minimal, tags: { a: { b: 1 } } }, /tags\["a"\] must be text, not an object/],
    ['annotations that are none', { ...minimal, annotations: 'x' }, /annotations must be an array/],
    ['an annotation without an object', { ...minimal, annotations: [3] }, /annotations\[0\] must be an object, not 3/],
    ['a flag that is a text', { ...minimal, shared: 'yes' }, /shared must be true or false, not "yes"/],
  ];
  it.each(bad)('takes no other with it: %s', (_, span, problem) => {
    const { body, unreadable, problem: said } = transcodeZipkin(Buffer.from(JSON.stringify([minimal, span, minimal])), 'json');
    expect(unreadable).toBe(1);
    expect(said).toMatch(problem);
    expect(fromBinary(ExportTraceServiceRequestSchema, body).resourceSpans[0]?.scopeSpans[0]?.spans).toHaveLength(2);
  });
  it('is found in protobuf too', () => {
    const ids = [field(1, Buffer.from(minimal.traceId, 'hex')), field(3, Buffer.from(minimal.id, 'hex'))];
    const good = field(1, ids);
    for (const [broken, problem] of [
      [field(5, Uint8Array.of(0xff)), /span 1: a string at byte \d+ is not valid UTF-8/],
      [fixed64(6, 1n << 63n), /timestamp is out of range/],
      [field(8, [field(2, Uint8Array.of(1, 2))]), /an IP address has 2 bytes/],
      [Uint8Array.of(0x2a, 0x7f), /a length runs past the end/],
      [Uint8Array.of(0x0b), /groups/],
    ] as const) {
      const { unreadable, problem: said } = transcodeZipkin(joined(good, field(1, [...ids, broken]), good), 'protobuf');
      expect([unreadable, said]).toEqual([1, expect.stringMatching(problem)]);
    }
  });
});

describe('a body that cannot be read', () => {
  const deep = `[{"traceId":"1","id":"1","tags":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}]`;
  it.each([
    ['nothing', '', 'malformed', /not JSON/],
    ['cut off', '[{"traceId":"1"', 'malformed', /not JSON/],
    ['an object', '{"traceId":"1","id":"1"}', 'malformed', /not an array\. Zipkin v2 takes an array of spans/],
    ['null', 'null', 'malformed', /not an array/],
    ['two arrays', '[][]', 'malformed', /not JSON/],
    ['not UTF-8', Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d), 'invalid_utf8', /UTF-8/],
    ['only unreadable spans', '[1,2,3]', 'malformed', /none of 3 spans can be read; span 0: it must be an object, not 1/],
    ['no usable id', '[{"traceId":"","id":"1"},{"traceId":"1","id":"x"}]', 'malformed', /no span has a usable id/],
    ['nested deeper than any stack', deep, 'malformed', /none of 1 spans can be read; span 0: tags\["a"\] must be text, not an array/],
    ['an array nested deeper than any stack', deep.slice(deep.indexOf('[[')).replaceAll('}', ''), 'malformed', /./],
    ['more spans than rows in a request', `[${'{},'.repeat(1_048_576)}{}]`, 'decompressed_too_large', /more than 1048576 spans/],
  ] as const)('%s', (_, body, reason, message) => {
    let error: unknown;
    try {
      transcodeZipkin(Buffer.from(body), 'json');
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ name: 'OtlpError', reason, message: expect.stringMatching(message) });
  });
});

describe('eventOf', () => {
  it.each([
    ['ws', 'ws', []],
    ['', '', []],
    [
      '"cache miss": {"key":"k","tries":2,"cold":true}',
      'cache miss',
      [
        ['key', 'k'],
        ['tries', 2],
        ['cold', true],
      ],
    ],
    ['"a":{}', 'a', []],
    ['"a":{"b":{"c":1}}', '"a":{"b":{"c":1}}', []],
    ['"a":{"b":1},"c":{}', '"a":{"b":1},"c":{}', []],
    ['"a":[1]}', '"a":[1]}', []],
    ['"a}', '"a}', []],
  ])('%s', (value, name, wanted) => {
    expect(eventOf(value)).toEqual({ name, attributes: wanted });
  });
});
