import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { transcodeJournal } from '#collectors/journald/transcode.ts';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { seededRng } from '../fixtures/seeded-rng.ts';
import { damage } from './otlp-mutate.ts';

/**
 * Damaged journals: refused with a sentence, or OTLP that the check takes, decoded to as many rows as it says. FAULTLINE_FUZZ_CASES,
 * FAULTLINE_FUZZ_SEED as in otlp.fuzz.test.ts; one that ever failed is kept in corpus/journald.
 */
const cases = Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 500);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const folder = new URL('./corpus/journald/', import.meta.url);
const corpus = readdirSync(folder).map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }));
const limits = limitsSchema.parse({});
const judge = { receivedUnixNano: 1_795_294_000_000_000_000n, retentionSeconds: 0 };

/** @returns entries refused, and entries taken */
function read(bytes: Uint8Array): { refused: number; taken: number } {
  try {
    const { body, unreadable, problem } = transcodeJournal(bytes);
    expect(problem !== '').toBe(unreadable > 0);
    const checked = checkOtlp('logs', body, { limits, ...judge });
    if (!checked.ok) throw new Error(checked.message);
    const rows =
      decodeOtlp('logs', body, { ...judge, limits, dictionary: new TestDictionary() }).batches.find((b) => b.table === 'logs')?.rows ?? 0;
    expect(rows).toBe(checked.items - checked.rejected);
    return { refused: unreadable, taken: rows };
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error;
    return { refused: 1, taken: 0 };
  }
}
describe('journals in the export format', () => {
  it.each(corpus)('corpus $name', ({ bytes }) => expect(read(bytes).taken).toBeGreaterThan(0));
  it(`${cases} damaged ones`, () => {
    let [refused, taken] = [0, 0];
    for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
      const rng = seededRng(seed);
      const { bytes } = corpus[Math.floor(rng() * corpus.length)] as (typeof corpus)[number];
      try {
        const found = read(damage(rng, bytes, bytes));
        refused += found.refused;
        taken += found.taken;
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).stack}`);
      }
    }
    // The damage reaches every way out.
    expect(Math.min(refused, taken)).toBeGreaterThan(cases / 10);
  });
});
