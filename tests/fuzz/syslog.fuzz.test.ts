import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MessageFraming } from '#collectors/net/message-framing.ts';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { readBatch } from '#collectors/syslog/read-batch.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { seededRng } from '../fixtures/seeded-rng.ts';
import { damage } from './otlp-mutate.ts';

/**
 * Streams of syslog with damage: cut into frames without more memory than a message may have, each frame a record or counted, and
 * as many rows as records. FAULTLINE_FUZZ_CASES, FAULTLINE_FUZZ_SEED; streams as real senders write them, and every stream that
 * ever failed, are in corpus/syslog.
 */
/** A stream holds several messages. */
const cases = Math.ceil(Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 3_000) / 5);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const receivedNs = 1_790_000_000_000_000_000n;
const judge = { receivedUnixNano: receivedNs, retentionSeconds: 0, limits: limitsSchema.parse({}) };
const clock = { nowMs: Number(receivedNs / 1_000_000n), timeZone: 'Europe/Berlin' };
/** Below the least a stream holds, 512 bytes. */
const MAX_BYTES = 200;
const folder = new URL('./corpus/syslog/', import.meta.url);
const corpus = readdirSync(folder).map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }));
/** Whole ones that are refused whole. */
const STREAMS = [...corpus.map(({ bytes }) => bytes), Buffer.from(`<13>\n\x01\x02\n<14>a\n`), Buffer.from(`300 ${'x'.repeat(300)}<13>b\n`)];

/** @returns [messages that became records, that were counted, frames over the limit] */
function read(stream: Uint8Array): readonly [number, number, number] {
  const items: { bytes: Buffer; receivedNs: bigint; peer: string }[] = [];
  let tooLarge = 0;
  const framing = new MessageFraming(MAX_BYTES, {
    message: (bytes) => items.push({ bytes, receivedNs, peer: '192.0.2.7' }),
    tooLarge: () => tooLarge++,
  });
  for (let at = 0; at < stream.length; at += 97) {
    framing.feed(Buffer.from(stream.subarray(at, at + 97)));
    if (framing.heldBytes > 512) throw new Error(`${framing.heldBytes} bytes held`);
  }
  framing.end();
  const { body, unreadable, problem } = readBatch(items, clock);
  expect(problem !== '').toBe(unreadable > 0);
  const result = checkOtlp('logs', body, judge);
  if (!result.ok) throw new Error(result.message);
  const record = decodeOtlp('logs', body, { ...judge, dictionary: new TestDictionary() });
  const rows = record.batches.find((batch) => batch.table === 'logs')?.rows ?? 0;
  if (result.items !== items.length - unreadable || rows !== result.items - result.rejected)
    throw new Error(`${items.length} messages, ${unreadable} unreadable, ${result.items} items, ${rows} rows`);
  return [result.items, unreadable, tooLarge];
}

describe('syslog streams', () => {
  it.each(corpus)('corpus $name', ({ bytes }) => {
    const [records, unreadable, tooLarge] = read(bytes);
    expect(records).toBeGreaterThan(0);
    expect([unreadable, tooLarge]).toEqual([0, 0]);
  });
  it(`${cases} damaged: each message a row or counted`, () => {
    const seen = [0, 0, 0];
    for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
      const random = seededRng(seed);
      const [base, other] = [0, 1].map(() => STREAMS[Math.floor(random() * STREAMS.length)] as Buffer) as [Buffer, Buffer];
      try {
        for (const [i, count] of read(damage(random, base, other)).entries()) seen[i] = (seen[i] as number) + count;
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).stack}`);
      }
    }
    // The damage reaches every way out.
    expect(Math.min(...seen)).toBeGreaterThan(cases / 50);
  });
});
