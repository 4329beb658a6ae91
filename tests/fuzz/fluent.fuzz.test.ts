import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MsgpackScan } from '#collectors/fluent/msgpack.ts';
import { readEntries } from '#collectors/fluent/read-entries.ts';
import { readMessage } from '#collectors/fluent/read-message.ts';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { DecompressError } from '#collectors/pipeline/decompress.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { eventTime, msgpack } from '../fixtures/encode-msgpack.ts';
import { seededRng } from '../fixtures/seeded-rng.ts';
import { damage } from './otlp-mutate.ts';

/**
 * Fluent Forward with damage: each message of a stream is refused with a reason, or OTLP that the check takes, decoded to as many rows
 * as it says. FAULTLINE_FUZZ_CASES, FAULTLINE_FUZZ_SEED; streams of real senders, and all that ever failed, are in corpus/fluent.
 */
/** A stream may hold several messages. */
const cases = Math.ceil(Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 3_000) / 2);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const limits = limitsSchema.parse({ maxDecompressedBytes: 1 << 20 });
const judge = { receivedUnixNano: 1_800_000_000_000_000_000n, retentionSeconds: 0, limits };
const record = {
  log: 'größe',
  level: 'warn',
  kubernetes: { pod_name: 'p', labels: { app: 'web' } },
  list: [1, null, { a: 1.5 }],
  n: 2n ** 60n,
};
const entries = [
  [1_790_000_000, record],
  [eventTime(1_790_000_000, 7), { message: 'b', service: 's' }],
];
const packed = Buffer.concat(entries.map(msgpack));
const folder = new URL('./corpus/fluent/', import.meta.url);
const corpus = readdirSync(folder).map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }));
const STREAMS = [
  msgpack(['app.message', 1_790_000_000, record]),
  msgpack(['app.forward', entries, { chunk: 'abc', size: 2 }]),
  msgpack(['app.packed', packed, { chunk: 'abc' }]),
  msgpack(['app.gzip', gzipSync(packed), { compressed: 'gzip', chunk: Buffer.from('abc') }]),
  ...corpus.map(({ bytes }) => bytes),
];

/** @returns [rows, entries counted as unreadable, messages refused] */
async function read(stream: Buffer): Promise<readonly [number, number, number]> {
  const seen = [0, 0, 0] as [number, number, number];
  for (let at = 0; at < stream.length; ) {
    const scan = new MsgpackScan();
    scan.end = at;
    try {
      if (!scan.advance(stream, stream.length)) break;
      const message = readMessage(stream.subarray(at, scan.end));
      at = scan.end;
      if (message === null) continue;
      const { body, unreadable, problem } = await readEntries([message], limits);
      expect(problem !== '').toBe(unreadable > 0);
      const result = checkOtlp('logs', body, judge);
      if (!result.ok) throw new Error(result.message);
      const { batches } = decodeOtlp('logs', body, { ...judge, dictionary: new TestDictionary() });
      const rows = batches.find((batch) => batch.table === 'logs')?.rows ?? 0;
      if (rows !== result.items - result.rejected) throw new Error(`${rows} rows of ${result.items}`);
      seen[0] += rows;
      seen[1] += unreadable;
    } catch (error) {
      if (!(error instanceof OtlpError || error instanceof DecompressError)) throw error;
      expect(error.message.length).toBeGreaterThan(15);
      seen[2]++;
      // The connection ends here.
      break;
    }
  }
  return seen;
}

describe('Fluent Forward', () => {
  it.each(corpus)('corpus $name', async ({ bytes }) => {
    const [rows, unreadable, refused] = await read(bytes);
    expect(rows).toBeGreaterThan(0);
    expect([unreadable, refused]).toEqual([0, 0]);
  });
  it(`${cases} damaged: each message refused with a sentence or stored`, async () => {
    const seen = [0, 0, 0];
    for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
      const random = seededRng(seed);
      const [base, other] = [0, 1].map(() => STREAMS[Math.floor(random() * STREAMS.length)] as Buffer) as [Buffer, Buffer];
      try {
        for (const [i, count] of (await read(Buffer.from(damage(random, base, other)))).entries()) seen[i] = (seen[i] as number) + count;
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).stack}`);
      }
    }
    // The damage reaches every way out.
    expect(Math.min(...seen)).toBeGreaterThan(cases / 500);
  });
});
