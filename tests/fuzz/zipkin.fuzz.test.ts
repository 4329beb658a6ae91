import { describe, expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { field, fixed64, number } from '#collectors/otlp/test-protobuf.ts';
import { transcodeZipkin } from '#collectors/zipkin/transcode.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { seededRng } from '../fixtures/seeded-rng.ts';
import { damage } from './otlp-mutate.ts';

/** Zipkin bodies with damage: refused with a reason, or OTLP that the check takes, decoded to as many rows as it says. */
const cases = Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 5_000);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const judge = { receivedUnixNano: 1_790_000_000_000_000_000n, retentionSeconds: 7 * 86_400 };
const limits = limitsSchema.parse({});
const span = {
  traceId: '463ac35c9f6413ad48485a3953bb6124',
  id: '72485a3953bb6124',
  parentId: '6b221d5bc9e6496c',
  name: 'größe',
  kind: 'SERVER',
  timestamp: 1_790_000_000_000_000,
  duration: 12,
  localEndpoint: { serviceName: 'a', ipv4: '10.0.0.1', port: 80 },
  remoteEndpoint: { serviceName: 'b', ipv6: '::1', port: 81 },
  annotations: [{ timestamp: 1_790_000_000_000_001, value: '"miss": {"k": 1}' }],
  tags: { error: 'x', 'otel.status_code': 'ERROR', 'otel.scope.name': 's', a: 'b' },
  shared: true,
};
const protobufSpan = field(1, [
  field(1, Buffer.from(span.traceId, 'hex')),
  field(3, Buffer.from(span.id, 'hex')),
  number(4, 2),
  field(5, span.name),
  fixed64(6, 1_790_000_000_000_000n),
  number(7, 12),
  field(8, [field(1, 'a'), field(2, Uint8Array.of(10, 0, 0, 1)), number(4, 80)]),
  field(10, [fixed64(1, 1_790_000_000_000_001n), field(2, 'ws')]),
  field(11, [field(1, 'error'), field(2, 'x')]),
  number(13, 1),
]);
const BODIES = {
  json: Buffer.from(JSON.stringify([span, { ...span, localEndpoint: null }, { traceId: '1', id: '2' }])),
  protobuf: Buffer.concat([protobufSpan, protobufSpan]),
};

describe.each(['json', 'protobuf'] as const)('damaged Zipkin %s', (format) => {
  it(`${cases} bodies: each refused with a sentence or stored`, () => {
    let refused = 0;
    let partly = 0;
    for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
      const body = damage(seededRng(seed), BODIES[format], BODIES[format]);
      try {
        const transcoded = transcodeZipkin(body, format);
        if (transcoded.unreadable > 0) partly++;
        expect(transcoded.problem !== '').toBe(transcoded.unreadable > 0);
        const result = checkOtlp('traces', transcoded.body, { limits, ...judge });
        if (!result.ok) throw new Error(`seed ${seed}: ${result.message}`);
        const record = decodeOtlp('traces', transcoded.body, { ...judge, limits, dictionary: new TestDictionary() });
        const rows = record.batches.find((batch) => batch.table === 'spans')?.rows ?? 0;
        if (rows !== result.items - result.rejected) throw new Error(`seed ${seed}: ${rows} rows of ${result.items}`);
      } catch (error) {
        if (!(error instanceof OtlpError)) throw new Error(`seed ${seed}: ${(error as Error).stack}`);
        expect(error.message.length).toBeGreaterThan(20);
        refused++;
      }
    }
    // The damage reaches every way out.
    expect(Math.min(refused, partly, cases - refused - partly)).toBeGreaterThan(cases / 500);
  });
});
