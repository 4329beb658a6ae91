import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { writeLogGroups } from '#collectors/otlp/log-writer.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { type LogLine, readLogLine } from '#collectors/tail/log-line.ts';
import { LineSplitter } from '#collectors/tail/split-lines.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { TAIL_FORMATS } from '#contracts/tailing.ts';
import { logBodies } from '../fixtures/log-bodies.ts';
import { seededRng } from '../fixtures/seeded-rng.ts';
import { damage } from './otlp-mutate.ts';

/**
 * Damaged logs as files are read: every line becomes a record the check takes, plain text word for word. FAULTLINE_FUZZ_CASES,
 * FAULTLINE_FUZZ_SEED as in otlp.fuzz.test.ts; a file that ever failed is kept in corpus/tail.
 */
const cases = Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 800);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const folder = new URL('./corpus/tail/', import.meta.url);
const corpus = readdirSync(folder).map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }));
const limits = limitsSchema.parse({});
const judge = { receivedUnixNano: 1_795_255_872_000_000_000n, retentionSeconds: 0 };
const clock = { nowMs: 1_795_255_872_000, zone: 'utc' } as const;

/** @returns lines read as structure, and as text */
function read(bytes: Uint8Array, format: (typeof TAIL_FORMATS)[number]): { structured: number; text: number } {
  const texts: string[] = [];
  const splitter = new LineSplitter(0, 1 << 16);
  const add = (line: { bytes: Buffer }): void => void texts.push(line.bytes.toString('utf8'));
  splitter.split(Buffer.from(bytes), add);
  splitter.finish(Buffer.from(bytes).subarray(splitter.readFrom), add);
  const lines: LogLine[] = texts.map((text) => readLogLine(text, format, clock));
  const request = writeLogGroups([{ resource: [['service.name', 'x']], items: lines }], 256);
  const checked = checkOtlp('logs', request, { limits, ...judge });
  if (!checked.ok) throw new Error(checked.message);
  expect(checked.items).toBe(lines.length);
  const rows =
    decodeOtlp('logs', request, { ...judge, limits, dictionary: new TestDictionary() }).batches.find((b) => b.table === 'logs')?.rows ?? 0;
  expect(rows).toBe(checked.items - checked.rejected);
  if (format === 'plain') expect(logBodies(request)).toEqual(texts.map((text) => text.toWellFormed()));
  const structured = lines.filter((line, i) => line.attributes.length > 0 || line.body !== texts[i]).length;
  return { structured, text: lines.length - structured };
}

describe('files of log lines', () => {
  it.each(corpus)('corpus $name', ({ bytes }) => {
    for (const format of TAIL_FORMATS) read(bytes, format);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
  it(`${cases} damaged ones`, () => {
    let structured = 0;
    let text = 0;
    for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
      const rng = seededRng(seed);
      const from = corpus[Math.floor(rng() * corpus.length)]?.bytes as Buffer;
      const other = corpus[Math.floor(rng() * corpus.length)]?.bytes as Buffer;
      const format = TAIL_FORMATS[Math.floor(rng() * TAIL_FORMATS.length)] as (typeof TAIL_FORMATS)[number];
      try {
        const found = read(damage(rng, from, other), format);
        structured += found.structured;
        text += found.text;
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).stack}`);
      }
    }
    // The damage leaves both kinds.
    expect(Math.min(structured, text)).toBeGreaterThan(cases / 2);
  });
});
