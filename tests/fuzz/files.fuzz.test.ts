import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBytes } from '#collectors/files/test-read.ts';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { checkWrite } from '#collectors/prometheus/check-write.ts';
import type { FileFormat } from '#contracts/file-formats.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { seededRng } from '../fixtures/seeded-rng.ts';
import { damage } from './otlp-mutate.ts';

/**
 * Files of every format with damage (corpus/files, named by format): what is read becomes requests the receivers take as a whole, the rest is
 * listed with a sentence, nothing is thrown, and the size of the pieces a file comes in changes nothing.
 */
const cases = Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 2_000);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const folder = join(import.meta.dirname, 'corpus/files');
const limits = limitsSchema.parse({});
const context = { limits, receivedUnixNano: 1_795_300_000_000_000_000n, retentionSeconds: 0 };

describe.each(readdirSync(folder))('damaged %s', (name) => {
  const seed = readFileSync(join(folder, name));
  const format = name as FileFormat;
  it('is recognised undamaged', async () => {
    const { format: told, good, bad } = await readBytes(seed);
    // One document is a line too.
    if (name !== 'otlp-jsonl') expect(told).toBe(name);
    expect(bad.filter(({ message }) => !/not hexadecimal/.test(message))).toEqual([]);
    expect(good.length).toBeGreaterThan(0);
  });
  it(`${cases} times: read or refused`, async () => {
    for (let i = firstSeed; i < firstSeed + cases; i++) {
      const body = damage(seededRng(i), seed, seed);
      const whole = await readBytes(body, { format });
      for (const { body: request, signal, contentType } of whole.good) {
        if (contentType === 'write2') expect(checkWrite(2, request, context).problem, `seed ${i}`).not.toMatch(/cannot/);
        else if (contentType === 'application/x-protobuf')
          expect(checkOtlp(signal, request, context), `seed ${i}`).toMatchObject({ ok: true });
      }
      for (const { message, reason } of whole.bad) expect([message.length > 4, reason.length > 0], `seed ${i}`).toEqual([true, true]);
      if (i % 4 !== 0) continue;
      const pieces = await readBytes(body, { format, chunk: 1 + (i % 13) });
      expect(pieces.items, `seed ${i} in pieces`).toEqual(whole.items);
      expect(pieces.bad.length, `seed ${i} in pieces`).toBe(whole.bad.length);
    }
  });
});
