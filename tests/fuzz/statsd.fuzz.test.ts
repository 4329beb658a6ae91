import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { MemoryBudget } from '#collectors/pipeline/memory-budget.ts';
import { Aggregation } from '#collectors/statsd/aggregate.ts';
import { parseLine } from '#collectors/statsd/parse-line.ts';
import { writePoints } from '#collectors/statsd/write-otlp.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { seededRng } from '../fixtures/seeded-rng.ts';
import { damage } from './otlp-mutate.ts';

/**
 * Lines of StatsD with damage: each is refused with a sentence or becomes points that the check takes and the decoder keeps, every
 * one. FAULTLINE_FUZZ_CASES, FAULTLINE_FUZZ_SEED; what real senders send, and all that ever failed, is in corpus/statsd.
 */
/** A stream holds some twenty lines. */
const cases = Math.ceil(Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 3_000) / 8);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const receivedUnixNano = 1_790_000_010_000_000_000n;
const judge = { receivedUnixNano, retentionSeconds: 0, limits: limitsSchema.parse({}) };
const folder = new URL('./corpus/statsd/', import.meta.url);
const corpus = readdirSync(folder).map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }));

/** @returns [points, lines refused] */
function read(stream: Uint8Array): readonly [number, number] {
  const aggregation = new Aggregation(new MemoryBudget(1 << 30), () => 0);
  let refused = 0;
  for (const line of Buffer.from(stream).toString('utf8').split('\n')) {
    if (line.trim() === '') continue;
    try {
      expect(aggregation.add(parseLine(line.trim()))).toBeNull();
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
      expect(error.message.length).toBeGreaterThan(15);
      expect(error.message.length).toBeLessThan(600);
      refused++;
    }
  }
  const points = aggregation.take();
  const body = writePoints(points, { startNs: receivedUnixNano - 10n ** 10n, endNs: receivedUnixNano });
  const result = checkOtlp('metrics', body, judge);
  if (!result.ok) throw new Error(result.message);
  const { batches } = decodeOtlp('metrics', body, { ...judge, dictionary: new TestDictionary() });
  const rows = batches.reduce((sum, { table, rows }) => sum + (table === 'samples' || table === 'histograms' ? rows : 0), 0);
  if (result.items !== points.length || rows !== points.length - result.rejected)
    throw new Error(`${points.length} points, ${result.items} items, ${rows} rows`);
  return [points.length, refused];
}

describe('StatsD lines', () => {
  it.each(corpus)('corpus $name', ({ bytes }) => {
    const [points, refused] = read(bytes);
    expect(points).toBeGreaterThan(0);
    expect(refused).toBe(0);
  });
  it(`${cases} damaged: each line refused with a sentence or a point`, () => {
    const seen = [0, 0];
    for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
      const random = seededRng(seed);
      const [base, other] = [0, 1].map(() => corpus[Math.floor(random() * corpus.length)]?.bytes as Buffer) as [Buffer, Buffer];
      try {
        for (const [i, count] of read(damage(random, base, other)).entries()) seen[i] = (seen[i] as number) + count;
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).stack}`);
      }
    }
    // The damage reaches both ways out.
    expect(Math.min(...seen)).toBeGreaterThan(cases / 50);
  });
});
