import { describe, expect, it } from 'vitest';
import { transcodeLoki } from '#collectors/loki/transcode.ts';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { field, number } from '#collectors/otlp/test-protobuf.ts';
import { DecompressError } from '#collectors/pipeline/decompress.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { encodeSnappy } from '../fixtures/encode-snappy.ts';
import { seededRng } from '../fixtures/seeded-rng.ts';
import { damage } from './otlp-mutate.ts';

/** Loki pushes with damage: refused with a reason, or OTLP that the check takes, decoded to as many rows as it says. */
const cases = Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 5_000);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const judge = { receivedUnixNano: 1_790_000_000_000_000_000n, retentionSeconds: 7 * 86_400 };
const limits = limitsSchema.parse({ maxDecompressedBytes: 1 << 20 });
const ids = { trace_id: '5b8efff798038103d269b633813fc60c', span_id: 'eee19b7ec3c1b174', level: 'warn' };
const NS = '1790000000123456789';
const json = Buffer.from(
  JSON.stringify({
    streams: [
      {
        stream: { app: 'größe', level: 'info' },
        values: [
          [NS, 'a line', ids],
          [NS, 'b'],
          [NS, ''],
        ],
      },
      { stream: { job: 'x' }, values: [[NS, 'c', { k: 'v' }]] },
    ],
  }),
);
const entry = (line: string) =>
  field(2, [
    field(1, [number(1, 1_790_000_000), number(2, 5)]),
    field(2, line),
    ...Object.entries(ids).map(([name, value]) => field(3, [field(1, name), field(2, value)])),
  ]);
const plain = Buffer.concat([
  field(1, [field(1, '{app="gr\\u00f6", job="x\\"y"}'), entry('a'), entry('b')]),
  field(1, [field(1, '{}'), entry('c')]),
]);
const WAYS = {
  json: (seed: number) => ({ format: 'json' as const, body: damage(seededRng(seed), json, json) }),
  protobuf: (seed: number) => ({ format: 'protobuf' as const, body: encodeSnappy(damage(seededRng(seed), plain, plain)) }),
  snappy: (seed: number) => ({ format: 'protobuf' as const, body: damage(seededRng(seed), encodeSnappy(plain), plain) }),
};

describe.each(Object.entries(WAYS))('damaged Loki %s', (_, make) => {
  it(`${cases} bodies: each refused with a sentence or stored`, () => {
    let refused = 0;
    let partly = 0;
    for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
      const { format, body } = make(seed);
      try {
        const transcoded = transcodeLoki(body, { format, tenant: 't' }, limits);
        if (transcoded.unreadable > 0) partly++;
        expect(transcoded.problem !== '').toBe(transcoded.unreadable > 0);
        const result = checkOtlp('logs', transcoded.body, { limits, ...judge });
        if (!result.ok) throw new Error(`seed ${seed}: ${result.message}`);
        const record = decodeOtlp('logs', transcoded.body, { ...judge, limits, dictionary: new TestDictionary() });
        const rows = record.batches.find((batch) => batch.table === 'logs')?.rows ?? 0;
        if (rows !== result.items - result.rejected) throw new Error(`seed ${seed}: ${rows} rows of ${result.items}`);
      } catch (error) {
        if (!(error instanceof OtlpError || error instanceof DecompressError)) throw new Error(`seed ${seed}: ${(error as Error).stack}`);
        expect(error.message.length).toBeGreaterThan(20);
        refused++;
      }
    }
    // The damage reaches every way out.
    expect(Math.min(refused, partly, cases - refused - partly)).toBeGreaterThan(cases / 500);
  });
});
