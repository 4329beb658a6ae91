import { readdirSync, readFileSync } from 'node:fs';
import { toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { double, field, fixed64, joined, keyValue, number, SPAN_ID, TRACE_ID } from '#collectors/otlp/test-protobuf.ts';
import { type OtlpKind, REQUEST_TABLES } from '#protos/field-table.ts';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportMetricsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { ExportProfilesServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/profiles/v1development/profiles_service_pb.js';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import { logPayloads, metricPayloads, seededRandom, tracePayloads } from '../../bench/payloads.ts';
import { encodeProfiles, shopProfiles } from '../fixtures/profile-request.ts';
import { damage, rephrase } from './otlp-mutate.ts';
import { plainCheck } from './otlp-plain-check.ts';
import { randomMessage } from './otlp-random.ts';

/** The quick check against the plain one: same verdict, same counts, same sentence, for any bytes. */
const cases = Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 2_500);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const nowUnixNano = 1_790_000_000_000_000_000n;
const context = { limits: { maxDepth: 3 }, receivedUnixNano: nowUnixNano, retentionSeconds: 7 * 86_400 };
const KINDS: readonly OtlpKind[] = ['traces', 'logs', 'metrics', 'profiles'];
const SCHEMAS = {
  traces: ExportTraceServiceRequestSchema,
  logs: ExportLogsServiceRequestSchema,
  metrics: ExportMetricsServiceRequestSchema,
  profiles: ExportProfilesServiceRequestSchema,
};

const TEXTS = ['', 'a', 'GET', 'shop.example', 'x'.repeat(125), 'x'.repeat(126), 'x'.repeat(127), 'y'.repeat(200), 'größer', '结账', '🙂'];
const NUMBERS = [0, 1, 127, 128, 443, 2 ** 31, -1];
type Random = () => number;
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

function anyValue(random: Random): Uint8Array {
  const kind = Math.floor(random() * 12);
  if (kind < 5) return field(1, pick(random, TEXTS));
  if (kind === 5) return number(2, pick(random, [0, 1, 300]));
  if (kind < 8) return number(3, pick(random, NUMBERS));
  if (kind === 8) return double(4, random());
  if (kind === 9) return field(5, [field(1, anyValue(random))]);
  if (kind === 10) return field(6, [field(1, keyValue(pick(random, TEXTS), anyValue(random)))]);
  return field(7, TRACE_ID);
}
/** Rows of attributes of every kind, with what senders say otherwise mixed in: no value, value first, two values, unknown fields. */
function attributes(random: Random, at: number): Uint8Array {
  const parts = Array.from({ length: Math.floor(random() * 20) }, () => {
    const [key, value] = keyValue(pick(random, TEXTS), anyValue(random)) as [Uint8Array, Uint8Array];
    const odd = Math.floor(random() * 40);
    return field(
      at,
      odd === 0
        ? [key]
        : odd === 1
          ? [value, key]
          : odd === 2
            ? [key, value, value]
            : odd === 3
              ? [key, value, number(9, 1)]
              : [key, value],
    );
  });
  return joined(...parts);
}
function attributeBody(random: Random, kind: OtlpKind): Uint8Array {
  const time = pick(random, [nowUnixNano, nowUnixNano, 1n, 0n]);
  const ids = [field(1, TRACE_ID), field(2, SPAN_ID)];
  const event = (): Uint8Array => field(11, [fixed64(1, time), field(2, pick(random, TEXTS)), attributes(random, 3)]);
  const item = {
    traces: () => [...ids, field(5, pick(random, TEXTS)), fixed64(7, time), attributes(random, 9), event(), event(), field(15, [])],
    logs: () => [fixed64(1, time), field(3, pick(random, TEXTS)), field(5, anyValue(random)), attributes(random, 6)],
    metrics: () => [field(1, 'm'), field(5, [field(1, [fixed64(3, time), double(4, 1), attributes(random, 7)])])],
    profiles: () => [fixed64(3, time), field(1, []), field(2, [field(1, [])])],
  }[kind];
  return field(1, [field(1, attributes(random, 1)), field(2, [field(2, item()), field(2, item())])]);
}

function compare(kind: OtlpKind, body: Uint8Array, what: string): boolean {
  const quick = checkOtlp(kind, body, context);
  const plain = plainCheck(kind, body, context);
  try {
    expect(quick).toEqual(plain);
  } catch (cause) {
    throw new Error(`${what}, ${kind}: base64 ${Buffer.from(body).toString('base64')}`, { cause });
  }
  return quick.ok;
}

describe('checkOtlp = plain check', () => {
  const folder = new URL('./corpus/otlp/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.bin'));
  const seeds = (kind: OtlpKind): Uint8Array[] => {
    const options = { seed: 3, bodies: 1, items: 2, startUnixNano: nowUnixNano };
    const real = {
      traces: tracePayloads,
      logs: logPayloads,
      metrics: metricPayloads,
      profiles: () => [encodeProfiles(shopProfiles(nowUnixNano))],
    }[kind](options);
    return [...real, ...files.filter((name) => name.startsWith(kind)).map((name) => new Uint8Array(readFileSync(new URL(name, folder))))];
  };
  it.each(KINDS)(`damaged %s, ${cases} cases`, (kind) => {
    const bodies = seeds(kind);
    let taken = 0;
    for (let n = 0; n < cases; n++) {
      const random = seededRandom(firstSeed * 1_000_003 + n);
      if (compare(kind, damage(random, pick(random, bodies), pick(random, bodies)), `case ${n} of seed ${firstSeed}`)) taken++;
    }
    expect(taken).toBeGreaterThan(cases * 0.02);
    expect(taken).toBeLessThan(cases * 0.95);
  });
  it.each(KINDS)(`attributes of %s, whole and damaged, ${cases} cases`, (kind) => {
    let taken = 0;
    for (let n = 0; n < cases; n++) {
      const random = seededRandom(firstSeed * 3_000_017 + n);
      const body = attributeBody(random, kind);
      if (compare(kind, body, `case ${n} of seed ${firstSeed}`)) taken++;
      compare(kind, damage(random, body, body), `damaged case ${n} of seed ${firstSeed}`);
    }
    expect(taken).toBeGreaterThan(cases * 0.3);
  });
  it.each(KINDS)(`random %s and the same said otherwise, ${Math.floor(cases / 10)} cases`, (kind) => {
    const schema = SCHEMAS[kind] as typeof ExportTraceServiceRequestSchema;
    for (let n = 0; n < cases / 10; n++) {
      const seed = firstSeed * 1_000_003 + n;
      const body = toBinary(schema, randomMessage(schema, { seed, nowUnixNano, maxList: 3 }) as never);
      compare(kind, body, `random ${n} of seed ${firstSeed}`);
      compare(kind, rephrase(seededRandom(seed), REQUEST_TABLES[kind], body), `rephrased ${n} of seed ${firstSeed}`);
    }
  });
});
