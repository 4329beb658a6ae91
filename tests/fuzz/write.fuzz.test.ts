import { readdirSync, readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import { DecompressError } from '#collectors/pipeline/decompress.ts';
import { checkWrite } from '#collectors/prometheus/check-write.ts';
import { decodeWrite } from '#collectors/prometheus/decode-write.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { messageTable } from '#protos/field-table.ts';
import { RequestSchema } from '#protos/gen/io/prometheus/write/v2/types_pb.js';
import { WriteRequestSchema } from '#protos/gen/prometheus/remote_pb.js';
import { seededRandom } from '../../bench/payloads.ts';
import { itemsOf, rowsOf } from '../coverage/otlp-rows.ts';
import { encodeSnappy } from '../fixtures/encode-snappy.ts';
import { write1, write2 } from '../fixtures/write-requests.ts';
import { damage, rephrase } from './otlp-mutate.ts';
import { expectedWrite, plainOne, plainTwo } from './write-expected.ts';
import { randomWrite } from './write-random.ts';

/**
 * Remote write bodies nobody should send, and random ones against the generated decoder plus a slow reading of the rules.
 * FAULTLINE_FUZZ_CASES, FAULTLINE_FUZZ_SEED as in otlp.fuzz.test.ts; a case that ever failed is kept in corpus/write as
 * VERSION-name.bin, as sent.
 */
const cases = Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 5_000);
const firstSeed = Number(process.env['FAULTLINE_FUZZ_SEED'] ?? 1);
const NOW_MS = 1_790_000_000_000;
const limits = limitsSchema.parse({ maxAttributes: 6, maxAttributeBytes: 40 });
const context = { receivedUnixNano: BigInt(NOW_MS) * 1_000_000n, retentionSeconds: 7 * 86_400, limits };
const judge = { receivedUnixMs: NOW_MS, retentionMs: 7 * 86_400_000, maxLabels: 6, maxLabelBytes: 40 };
type Version = 1 | 2;

const folder = new URL('./corpus/write/', import.meta.url);
const corpus = readdirSync(folder).map((name) => ({
  name,
  version: Number(name[0]) as Version,
  body: new Uint8Array(readFileSync(new URL(name, folder))),
}));

/** Rows with their series written out, so that two dictionaries can be compared. */
function rows(version: Version, body: Uint8Array, dictionary: TestDictionary, items: number) {
  const record = decodeWrite(version, body, { ...context, dictionary, items, lend: true });
  const tables: Record<string, Record<string, unknown>[]> = { samples: [], histograms: [], exemplars: [] };
  for (const batch of record.batches)
    tables[batch.table] = rowsOf(batch).map(({ series_id, ...row }) => {
      const series = dictionary.seriesRows[series_id as number];
      const { keys, values } = series?.attributes ?? { keys: [], values: [] };
      return { ...row, metric: series?.metric, labels: keys.map((key, i) => [key, values[i]]) };
    });
  return { record, tables };
}
const lender = new TestDictionary();

/** The laws that hold for any bytes. @returns whether the check took them */
function holds(version: Version, body: Uint8Array): boolean {
  let checked: ReturnType<typeof checkWrite>;
  try {
    checked = checkWrite(version, body, context);
  } catch (error) {
    if (!(error instanceof OtlpError || error instanceof DecompressError)) throw error;
    expect(() => decodeWrite(version, body, { ...context, dictionary: lender, items: 10 })).toThrow(error.message);
    return false;
  }
  const fresh = rows(version, body, new TestDictionary(), checked.items);
  const { samples, histograms, exemplars } = fresh.tables as Record<'samples' | 'histograms' | 'exemplars', unknown[]>;
  expect([samples.length, histograms.length, exemplars.length]).toEqual([checked.samples, checked.histograms, checked.exemplars]);
  expect(itemsOf(fresh.record)).toBe(checked.items);
  // What is remembered of earlier requests changes nothing.
  const again = rows(version, body, lender, checked.items);
  expect(again.tables).toEqual(fresh.tables);
  expect([again.record.dropped, again.record.noted]).toEqual([fresh.record.dropped, fresh.record.noted]);
  return true;
}
function hold(version: Version, body: Uint8Array, what: string): boolean {
  try {
    return holds(version, body);
  } catch (error) {
    throw new Error(`${what}, version ${version}: base64 ${Buffer.from(body).toString('base64')}`, { cause: error });
  }
}
const plainBytes = (version: Version, seed: number): Uint8Array => {
  const { one, two } = randomWrite(seed, NOW_MS);
  return version === 1 ? inflated(write1(one)) : inflated(write2(two));
};
/** Back from the encoder's own literals and copies: by the generated types, not by the decoder under test. */
function inflated(body: Buffer): Uint8Array {
  let p = 0;
  while ((body[p++] as number) >= 0x80);
  const out: number[] = [];
  while (p < body.length) {
    const tag = body[p++] as number;
    if ((tag & 3) === 0) {
      let length = (tag >> 2) + 1;
      if (length > 60) {
        const count = length - 60;
        length = 1 + body.readUIntLE(p, count);
        p += count;
      }
      out.push(...body.subarray(p, p + length));
      p += length;
    } else {
      const isShort = (tag & 3) === 1;
      const length = isShort ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      const distance = isShort ? ((tag >> 5) << 8) | (body[p] as number) : body.readUInt16LE(p);
      p += isShort ? 1 : 2;
      for (let i = 0; i < length; i++) out.push(out[out.length - distance] as number);
    }
  }
  return Uint8Array.from(out);
}
const versions = [1, 2] as const;

describe('remote write', () => {
  it.each(corpus)('corpus $name', ({ name, version, body }) => void hold(version, body, name));

  it(`equals the generated decoder and the rules, ${Math.floor(cases / 5)} cases`, () => {
    const dictionary = new TestDictionary();
    for (let n = 0; n < cases / 5; n++) {
      const version = versions[n % 2] as Version;
      const seed = firstSeed * 1_000_003 + n;
      const plain = plainBytes(version, seed);
      const body = encodeSnappy(plain);
      const message = version === 1 ? plainOne(fromBinary(WriteRequestSchema, plain)) : plainTwo(fromBinary(RequestSchema, plain), judge);
      const wanted = expectedWrite(message, judge);
      const { record, tables } = rows(version, body, dictionary, 8);
      const named = ({ metric, labels, value_int: _, ...row }: Record<string, unknown>) => ({
        ...row,
        series: JSON.stringify(
          [['__name__', metric], ...(labels as [string, string][])].sort(([a], [b]) =>
            Buffer.compare(Buffer.from(a as string), Buffer.from(b as string)),
          ),
        ),
      });
      const what = `case ${n} of seed ${firstSeed}, version ${version}: base64 ${body.toString('base64')}`;
      expect((tables['samples'] ?? []).map(named), what).toEqual(wanted.samples);
      expect((tables['histograms'] ?? []).map(named), what).toMatchObject(wanted.histograms);
      expect(tables['histograms'], what).toHaveLength(wanted.histograms.length);
      expect(tables['exemplars'], what).toMatchObject(wanted.exemplars);
      expect(tables['exemplars'], what).toHaveLength(wanted.exemplars.length);
      expect(Object.fromEntries(record.dropped), what).toEqual(wanted.dropped);
      const { out_of_range_value: _, ...noted } = Object.fromEntries(record.noted);
      expect(noted, what).toEqual(wanted.noted);
      hold(version, body, what);
    }
  });

  it(`the same said otherwise, ${Math.floor(cases / 10)} cases`, () => {
    const tables = { 1: messageTable(WriteRequestSchema), 2: messageTable(RequestSchema) };
    for (let n = 0; n < cases / 10; n++) {
      const version = versions[n % 2] as Version;
      const seed = firstSeed * 3_000_017 + n;
      const other = rephrase(seededRandom(seed), tables[version], plainBytes(version, seed));
      const what = `rephrased ${n} of seed ${firstSeed}`;
      const body = encodeSnappy(other);
      if (!hold(version, body, what)) continue;
      const plain =
        version === 1
          ? toBinary(WriteRequestSchema, fromBinary(WriteRequestSchema, other), { writeUnknownFields: false })
          : toBinary(RequestSchema, fromBinary(RequestSchema, other), { writeUnknownFields: false });
      const [a, b] = [rows(version, body, new TestDictionary(), 8), rows(version, encodeSnappy(plain), new TestDictionary(), 8)];
      expect(a.tables, `${what}, version ${version}: base64 ${body.toString('base64')}`).toEqual(b.tables);
      expect(a.record.dropped, what).toEqual(b.record.dropped);
    }
  });

  it(`damaged, ${cases} cases`, () => {
    let taken = 0;
    for (let n = 0; n < cases; n++) {
      const version = versions[n % 2] as Version;
      const seed = firstSeed * 5_000_011 + n;
      const random = seededRandom(seed);
      const plain = plainBytes(version, seed);
      const other = plainBytes(version, seed + 1);
      // Before and after compression: the second mostly tries the inflater.
      const body = random() < 0.7 ? encodeSnappy(damage(random, plain, other)) : damage(random, encodeSnappy(plain), encodeSnappy(other));
      if (hold(version, body, `damaged ${n} of seed ${firstSeed}`)) taken++;
    }
    expect(taken).toBeGreaterThan(cases * 0.02);
    expect(taken).toBeLessThan(cases * 0.95);
  });
});
