import type { DescMessage } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { describe, expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import type { DecodedRecord } from '#contracts/columns.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { TABLES } from '#contracts/tables.ts';
import { ExportProfilesServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/profiles/v1development/profiles_service_pb.js';
import { encodeProfiles, shopProfiles } from '../fixtures/profile-request.ts';
import { rowsOf, tableRows } from './otlp-rows.ts';

const receivedUnixNano = 1_790_000_000_000_000_000n;
const TIME = receivedUnixNano - 60_000_000_000n;
const context = { receivedUnixNano, retentionSeconds: 7 * 86_400, limits: limitsSchema.parse({}) };
function take(body: Uint8Array, limits = context.limits): { record: DecodedRecord; dictionary: TestDictionary; dump: string } {
  const dictionary = new TestDictionary();
  const checked = checkOtlp('profiles', body, { ...context, limits });
  const record = decodeOtlp('profiles', body, { ...context, limits, dictionary });
  expect(checked).toMatchObject({ ok: true, rejectedReasons: record.dropped });
  const all = [record.batches.map(rowsOf), dictionary.resources, dictionary.scopes, dictionary.stacks];
  return {
    record,
    dictionary,
    dump: JSON.stringify(all, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  };
}

describe('what was sent stands in columns', () => {
  const { record, dictionary, dump } = take(encodeProfiles(shopProfiles(TIME)));

  it('a row a profile and a row a sample, with values added up and times kept', () => {
    expect([...record.noted]).toEqual([]);
    expect(tableRows(record, 'profiles')).toMatchObject([
      {
        ...{ time: TIME, service: 'shop', sample_type: 'cpu', sample_unit: 'nanoseconds', duration_ns: 10_000_000_123n, samples: 3 },
        ...{ period_type: 'wall', period_unit: 'milliseconds', period: 10_000_001n, profile_id: '101112131415161718191a1b1c1d1e1f' },
        ...{ attributes: [['thread.name', 'worker']], attribute_types: 's', attribute_units: null, dropped_attributes_count: 7 },
      },
      { time: TIME + 60_000_000_000n, sample_type: 'wall', sample_unit: '', samples: 1, profile_id: null, original_payload: null },
    ]);
    const samples = tableRows(record, 'profile_samples');
    expect(samples.map(({ value }) => value)).toEqual([42_000_000n, 8_000_000n, 1n, 5n]);
    expect(samples[0]).toMatchObject({
      ...{ values: [30_000_000n, 12_000_000n], timestamps: [TIME + 1_000n, TIME + 2_000n], span_id: 0x0102030405060708n },
      attributes: [
        ['thread.name', 'worker'],
        ['load', '93.5'],
      ],
      ...{ attribute_types: 'sd', attribute_units: '{"load":"percent"}' },
    });
    expect(samples.map(({ stack_id }) => stack_id)).toEqual([1, 2, 3, 2]);
  });
  it('stacks with their functions, innermost first', () => {
    const functions = dictionary.stacks.slice(1).map((stack) => stack?.frames.map((frame) => frame.function));
    expect(functions).toEqual([['inlined_helper', 'parse', 'handle', 'main'], ['handle', 'main'], ['']]);
    expect(dictionary.stacks[1]?.frames.map(({ inlined }) => inlined)).toEqual([1, 0, 0, 0]);
    expect(dictionary.stacks[3]?.frames[0]).toMatchObject({ address: 0xdead_beefn, mapping: 'libc.so' });
  });
  it('every field of every message of profiles is set in this request, and found', () => {
    const unset = new Set<string>();
    const seen = new Set<string>();
    const walk = (message: ReflectMessage): void => {
      for (const field of message.desc.fields) {
        const name = `${message.desc.name}.${field.name}`;
        if (message.isSet(field)) seen.add(name);
        else unset.add(name);
        if (!field.message || !message.isSet(field)) continue;
        const value = message.get(field) as ReflectMessage | Iterable<ReflectMessage>;
        for (const each of field.fieldKind === 'list' ? (value as Iterable<ReflectMessage>) : [value as ReflectMessage]) walk(each);
      }
    };
    const schema: DescMessage = ExportProfilesServiceRequestSchema;
    walk(reflect(schema, create(ExportProfilesServiceRequestSchema, shopProfiles(TIME))));
    const ofProfiles = (name: string): boolean =>
      !/^(AnyValue|KeyValue|ArrayValue|KeyValueList|Resource|InstrumentationScope|EntityRef)\./.test(name);
    expect([...unset].filter((name) => ofProfiles(name) && !seen.has(name))).toEqual([]);
    expect(seen.size).toBeGreaterThan(55);
    const told = [
      ...['cpu', 'nanoseconds', 'main', 'handle', 'parse', '_ZN5parseEv', 'server.ts', '/app/server', 'thread.name', 'worker', 'wall'],
      ...['milliseconds', 'build.id', 'f00dcafe', '93.5 percent', 'libc.so', 'inlined_helper', 'pprofext', '4.2.0', 'service.version'],
      ...['https://example.org/resource', 'https://example.org/scope', 'profiler', '1.5', String(0x40_1234), String(0x40_0000)],
      ...[String(0x48_1000), String(0x9000), '"line":"211"', '"column_number":"17"', '"start_line":"209"', '"line":"305"'],
      ...[`${TIME + 3_000n}`, 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', '10000000123', '10000001', '"droppedAttributesCount":5'],
    ];
    expect(told.filter((text) => !dump.includes(text))).toEqual([]);
  });
  it('equal stacks of another request, whose tables are in another order, have the same id', () => {
    const dictionary = new TestDictionary();
    const idsOf = (body: Uint8Array): unknown =>
      tableRows(decodeOtlp('profiles', body, { ...context, dictionary }), 'profile_samples').map((row) => row['stack_id']);
    expect(idsOf(encodeProfiles(shopProfiles(TIME)))).toEqual([1, 2, 3, 2]);
    expect(idsOf(encodeProfiles(shopProfiles(TIME, 'shop', true)))).toEqual([2, 1, 3, 1]);
  });
});

describe('what nobody should send', () => {
  const one = (profile: object, dictionary: object = {}): Uint8Array =>
    encodeProfiles({
      resourceProfiles: [{ scopeProfiles: [{ profiles: [{ timeUnixNano: TIME, ...profile }] }] }],
      dictionary: { stringTable: ['', 'a'], ...dictionary },
    });
  it.each<[string, Uint8Array, Record<string, number>]>([
    ['a stack that is not there', one({ samples: [{ stackIndex: 9, values: [1n] }] }), { profile_index: 1 }],
    ['a negative index', one({ samples: [{ stackIndex: -1, linkIndex: -5, values: [1n] }] }), { profile_index: 2 }],
    ['a text that is not there', one({ sampleType: { typeStrindex: 77, unitStrindex: 1 } }), { profile_index: 1 }],
    [
      'a frame in a function in a text that is not there',
      one(
        { samples: [{ stackIndex: 1, values: [1n] }] },
        {
          stackTable: [{}, { locationIndices: [1, 8] }],
          locationTable: [{}, { lines: [{ functionIndex: 1 }] }],
          functionTable: [{}, { nameStrindex: 99 }],
        },
      ),
      { profile_index: 2 },
    ],
    ['an attribute that is not there', one({ attributeIndices: [4] }), { profile_index: 1 }],
    ['a key twice', one({ attributeIndices: [1, 1] }, { attributeTable: [{}, { keyStrindex: 1 }] }), { duplicate_attribute: 1 }],
    ['no time', one({ timeUnixNano: 0n }), { time_missing: 1 }],
    ['an id of three bytes', one({ profileId: Uint8Array.from([1, 2, 3]) }), { unusable_id: 1 }],
    [
      'a link with half an id',
      one({ samples: [{ linkIndex: 1 }] }, { linkTable: [{}, { traceId: new Uint8Array(5) }] }),
      { unusable_id: 1 },
    ],
    [
      'a stack of 5,000 frames',
      one(
        { samples: [{ stackIndex: 1, values: [1n] }] },
        { stackTable: [{}, { locationIndices: Array(5_000).fill(1) }], locationTable: [{}, { address: 7n }] },
      ),
      { profile_too_large: 1 },
    ],
    ['no tables', encodeProfiles({ resourceProfiles: [{ scopeProfiles: [{ profiles: [{ timeUnixNano: TIME }] }] }] }), {}],
  ])('%s is kept as not set, and noted', (_, body, noted) => {
    const { record } = take(body);
    expect(Object.fromEntries(record.noted)).toEqual(noted);
    expect(tableRows(record, 'profiles')).toHaveLength(1);
  });
  it('cuts numbers beyond their share, once said', () => {
    // Packed by hand: the generated encoder takes seconds.
    const packed = (tag: number, body: Uint8Array): Uint8Array => {
      const length = [0, 7, 14, 21].map((shift, i) => ((body.length >>> shift) & 0x7f) | (i < 3 ? 0x80 : 0));
      return Buffer.concat([Buffer.from([tag, ...length]), body]);
    };
    const time = Buffer.alloc(9, 0x19);
    time.writeBigUInt64LE(TIME, 1);
    const sample = packed(0x12, packed(0x22, new Uint8Array(4_194_400).fill(1)));
    const body = packed(0x0a, packed(0x12, packed(0x12, Buffer.concat([time, sample]))));
    const { batches, noted } = decodeOtlp('profiles', body, { ...context, dictionary: new TestDictionary() });
    expect(Object.fromEntries(noted)).toEqual({ profile_too_large: 1 });
    const at = TABLES.profile_samples.columns.findIndex(({ name }) => name === 'value');
    expect((batches[1]!.columns[at] as { data: BigInt64Array }).data[0]).toBe(4_194_304n);
  });
  it.each([
    ['time_too_old', 1n],
    ['time_in_future', receivedUnixNano + 10n * 86_400_000_000_000n],
  ])('%s: the profile goes with its samples', (reason, timeUnixNano) => {
    const { record } = take(one({ timeUnixNano, samples: [{ values: [1n] }] }));
    expect([record.batches, Object.fromEntries(record.dropped)]).toEqual([[], { [reason]: 1 }]);
  });
  it('sums wrap as signed 64-bit numbers do, and stay exact below', () => {
    const sums = (...values: bigint[]): unknown =>
      tableRows(take(one({ samples: [{ values }] })).record, 'profile_samples').map(({ value }) => value);
    expect(sums(2n ** 62n, 3n)).toEqual([2n ** 62n + 3n]);
    expect(sums(2n ** 62n, 2n ** 62n)).toEqual([-(2n ** 63n)]);
    expect(sums(-5n, 2n)).toEqual([-3n]);
  });
  it('a full dictionary keeps the sample without its stack', () => {
    const dictionary = new TestDictionary();
    dictionary.stack = () => 0;
    const record = decodeOtlp('profiles', encodeProfiles(shopProfiles(TIME)), { ...context, dictionary });
    expect(Object.fromEntries(record.noted)).toEqual({ too_many_stacks: 3 });
    expect(tableRows(record, 'profile_samples').map(({ stack_id }) => stack_id)).toEqual([0, 0, 0, 0]);
  });
});
