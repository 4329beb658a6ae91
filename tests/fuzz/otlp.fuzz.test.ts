import { readdirSync, readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { canonicalOtlp } from '#collectors/otlp/canonical.ts';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { type OtlpKind, REQUEST_TABLES } from '#protos/field-table.ts';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportMetricsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { ExportProfilesServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/profiles/v1development/profiles_service_pb.js';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import { seededRandom } from '../../bench/payloads.ts';
import { itemsOf, rowsOf } from '../coverage/otlp-rows.ts';
import { damage, rephrase } from './otlp-mutate.ts';
import { randomMessage } from './otlp-random.ts';

/**
 * Bytes nobody should send. FAULTLINE_FUZZ_CASES sets how many (default 5,000; the full run is 100,000 and more),
 * FAULTLINE_FUZZ_SEED where to begin. A case that ever failed is kept in corpus/otlp as KIND-name.bin or .json.
 */
const cases = Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 5_000);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const judge = { receivedUnixNano: 1_790_000_000_000_000_000n, retentionSeconds: 7 * 86_400 };
const limits = limitsSchema.parse({ maxDepth: 24, maxAttributes: 6, maxAttributeBytes: 40 });
const SCHEMAS = {
  traces: ExportTraceServiceRequestSchema,
  logs: ExportLogsServiceRequestSchema,
  metrics: ExportMetricsServiceRequestSchema,
  profiles: ExportProfilesServiceRequestSchema,
};
const KINDS = Object.keys(SCHEMAS) as OtlpKind[];

const folder = new URL('./corpus/otlp/', import.meta.url);
const corpus = readdirSync(folder).map((name) => ({
  name,
  kind: name.slice(0, name.indexOf('-')) as OtlpKind,
  bytes: new Uint8Array(readFileSync(new URL(name, folder))),
}));
const binary = (kind: OtlpKind): Uint8Array[] =>
  corpus.filter((file) => file.kind === kind && file.name.endsWith('.bin')).map(({ bytes }) => bytes);

/** Rows with the dictionary rows they name, so that two dictionaries can be compared. */
function meaning(kind: OtlpKind, body: Uint8Array): string {
  const dictionary = new TestDictionary();
  const record = decodeOtlp(kind, body, { ...judge, limits, dictionary });
  const named: Readonly<Record<string, readonly unknown[]>> = {
    resource_id: dictionary.resources,
    scope_id: dictionary.scopes,
    series_id: dictionary.seriesRows,
    stack_id: dictionary.stacks,
  };
  const rows = record.batches.map((batch) => [
    batch.table,
    rowsOf(batch).map((row) => Object.entries(row).map(([name, value]) => [name, named[name]?.[value as number] ?? value])),
  ]);
  return JSON.stringify([rows, [...record.dropped].sort()], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}` : Object.is(value, -0) ? '-0' : typeof value === 'number' ? `${value}` : value,
  );
}

/** One decoder for all cases, with all it remembers, on memory it uses again; the rows alone. */
const lender = new TestDictionary();
function rowsOfLender(kind: OtlpKind, body: Uint8Array, dictionary: TestDictionary, lend: boolean): unknown {
  const record = decodeOtlp(kind, body, { ...judge, limits, dictionary, lend });
  const rows = record.batches.map((batch) => [
    batch.table,
    rowsOf(batch).map((row) => ({ ...row, resource_id: 0, scope_id: 0, series_id: 0, stack_id: 0 })),
  ]);
  // Not what was noted: a metric's metadata is looked at only when its series is new.
  return [rows, record.dropped];
}

/** The laws that hold for any bytes. @returns whether the check took them */
function holds(kind: OtlpKind, body: Uint8Array): boolean {
  const checked = checkOtlp(kind, body, { ...judge, limits });
  const dictionary = new TestDictionary();
  if (!checked.ok) {
    try {
      for (const batch of decodeOtlp(kind, body, { ...judge, limits, dictionary: lender, lend: true }).batches) rowsOf(batch);
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
    }
    return false;
  }
  const record = decodeOtlp(kind, body, { ...judge, limits, dictionary });
  for (const batch of record.batches) rowsOf(batch);
  expect(itemsOf(record)).toBe(checked.items);
  expect([...record.dropped].sort()).toEqual([...checked.rejectedReasons].sort());
  expect(rowsOfLender(kind, body, lender, true)).toEqual(rowsOfLender(kind, body, dictionary, false));
  expect(meaning(kind, canonicalOtlp(kind, body, limits.maxDepth))).toBe(meaning(kind, body));
  return true;
}
const shown = (body: Uint8Array): string => Buffer.from(body).toString('base64');
function hold(kind: OtlpKind, body: Uint8Array, what: string): boolean {
  try {
    return holds(kind, body);
  } catch (error) {
    throw new Error(`${what}, ${kind}: base64 ${shown(body)}`, { cause: error });
  }
}

describe('OTLP, bytes nobody should send', () => {
  it.each(corpus)('corpus $name', ({ name, kind, bytes }) => {
    if (name.endsWith('.bin')) hold(kind, bytes, name);
    else holdJson(kind, bytes, name);
  });

  it(`damaged protobuf, ${cases} cases`, () => {
    let taken = 0;
    for (let n = 0; n < cases; n++) {
      const random = seededRandom(firstSeed * 1_000_003 + n);
      const kind = KINDS[n % KINDS.length] as OtlpKind;
      const seeds = binary(kind);
      const body = damage(
        random,
        seeds[Math.floor(random() * seeds.length)] as Uint8Array,
        seeds[Math.floor(random() * seeds.length)] as Uint8Array,
      );
      if (hold(kind, body, `case ${n} of seed ${firstSeed}`)) taken++;
    }
    // Both sides of the check must have been tried.
    expect(taken).toBeGreaterThan(cases * 0.02);
    expect(taken).toBeLessThan(cases * 0.9);
  });

  it(`the same said otherwise, ${Math.floor(cases / 10)} cases`, () => {
    for (let n = 0; n < cases / 10; n++) {
      const seed = firstSeed * 1_000_003 + n;
      const kind = KINDS[n % KINDS.length] as OtlpKind;
      const schema = SCHEMAS[kind] as typeof ExportTraceServiceRequestSchema;
      const body = toBinary(schema, randomMessage(schema, { seed, nowUnixNano: judge.receivedUnixNano, maxList: 3 }) as never);
      const other = rephrase(seededRandom(seed), REQUEST_TABLES[kind], body);
      const what = `rephrased ${n} of seed ${firstSeed}`;
      const plain = toBinary(schema, fromBinary(schema, other));
      if (!hold(kind, other, what)) continue;
      if (meaning(kind, other) !== meaning(kind, plain)) expect.fail(`${what}, ${kind}: base64 ${shown(other)}`);
    }
  });

  it(`damaged JSON, ${Math.floor(cases / 5)} cases`, () => {
    const files = corpus.filter(({ name }) => name.endsWith('.json'));
    let taken = 0;
    for (let n = 0; n < cases / 5; n++) {
      const random = seededRandom(firstSeed * 7_000_003 + n);
      const { kind, bytes } = files[n % files.length] as (typeof files)[number];
      if (
        holdJson(
          kind,
          damage(random, bytes, (files[Math.floor(random() * files.length)] as (typeof files)[number]).bytes),
          `JSON case ${n} of seed ${firstSeed}`,
        )
      )
        taken++;
    }
    expect(taken).toBeGreaterThan(0);
  });
});

function holdJson(kind: OtlpKind, text: Uint8Array, what: string): boolean {
  let body: Uint8Array;
  try {
    body = transcodeJson(kind, text, limits);
  } catch (error) {
    if (error instanceof OtlpError) return false;
    throw new Error(`${what}, ${kind}: base64 ${shown(text)}`, { cause: error });
  }
  const checked = checkOtlp(kind, body, { ...judge, limits });
  if (!checked.ok) throw new Error(`${what}, ${kind}: transcoded but refused (${checked.message}): base64 ${shown(text)}`);
  return hold(kind, body, what);
}
