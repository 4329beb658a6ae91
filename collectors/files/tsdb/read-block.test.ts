import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isRefused, type RefusedRecord } from '../file-record.ts';
import type { NativeHistogram } from '../sample-batch.ts';
import { decodeHistogram, decodeXor } from './decode-chunk.ts';
import { blockFiles, isBlockFolder, readBlock } from './read-block.ts';
import { readIndex } from './read-index.ts';

/** A block of the gauge `g`, a sample a minute, written by promtool 2.42 from OpenMetrics. */
const BLOCK = path.resolve(import.meta.dirname, '../../../tests/fixtures/tsdb-block');
const folder = mkdtempSync(path.join(tmpdir(), 'faultline-tsdb-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(block: string): Promise<{ items: number; bad: RefusedRecord[]; minMs: number | null }> {
  let items = 0;
  let minMs: number | null = null;
  const bad: RefusedRecord[] = [];
  for await (const record of readBlock(block)) {
    if (isRefused(record)) bad.push(record);
    else {
      items += record.items;
      minMs ??= record.minTimeMs;
    }
  }
  return { items, bad, minMs };
}
/** Each sample as promtool tsdb dump says it. */
async function dump(block: string): Promise<string[]> {
  const lines: string[] = [];
  const [, chunks] = blockFiles(block);
  const bytes = readFileSync(chunks as string);
  for await (const { labels, chunks: list } of readIndex(path.join(block, 'index'))) {
    const series = `{${labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`;
    for (const { offset } of list) {
      let at = offset;
      let length = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++] as number;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      decodeXor(bytes.subarray(at + 1, at + 1 + length), (ms, value) => lines.push(`${series} ${value} ${ms}`));
    }
  }
  return lines.sort();
}
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

describe('a TSDB block', () => {
  it('is read whole', async () => {
    expect(isBlockFolder(BLOCK)).toBe(true);
    expect(await read(BLOCK)).toEqual({ items: 86, bad: [], minMs: 1_795_276_840_000 });
  });
  it('keeps stale markers apart from other values that are no number', () => {
    const chunk = (...value: number[]): Uint8Array => Uint8Array.of(0, 1, 0, 0x7f, ...value);
    const stale: boolean[] = [];
    decodeXor(chunk(0xf0, 0, 0, 0, 0, 0, 2), (_ms, _value, isStale) => stale.push(isStale));
    decodeXor(chunk(0xf8, 0, 0, 0, 0, 0, 1), (_ms, _value, isStale) => stale.push(isStale));
    expect(stale).toEqual([true, false]);
  });
  it.skipIf(!hasPromtool)('has the samples that promtool tsdb dump prints, each of them (needs promtool)', async () => {
    const lines: string[] = ['# TYPE w counter'];
    for (const series of ['0', '1', 'é "x"'])
      for (let i = 0; i < 400; i++)
        lines.push(
          `w_total{s=${JSON.stringify(series)}} ${(i * 1.37 + series.length).toFixed(3)} ${1_795_240_000 + i * 15 + (i % 7) / 10}`,
        );
    lines.push('# TYPE g gauge');
    const values = ['NaN', '+Inf', '-0.5', '1e+300', '7', '7', '-0'];
    for (let i = 0; i < 300; i++) lines.push(`g ${values[i % values.length]} ${1_795_240_000 + i * 45}`);
    const source = path.join(folder, 'om.txt');
    const db = path.join(folder, 'db');
    writeFileSync(source, `${lines.join('\n')}\n# EOF\n`);
    execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', source, db], { stdio: 'pipe' });
    mkdirSync(path.join(db, 'wal'), { recursive: true });
    const said = execFileSync('promtool', ['tsdb', 'dump', db], { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1e8 });
    const wanted = said
      .toString()
      .trim()
      .split('\n')
      .map((line) => {
        const [, series, value, ms] = /^(.*) (\S+) (\d+)$/.exec(line) as unknown as [string, string, string, string];
        return `${series} ${value === '+Inf' ? Infinity : Number(value)} ${ms}`;
      });
    const blocks = readdirSync(db).filter((name) => isBlockFolder(path.join(db, name)));
    const ours = (await Promise.all(blocks.map((name) => dump(path.join(db, name))))).flat();
    expect(ours.sort()).toEqual(wanted.sort());
    const counts = await Promise.all(blocks.map((name) => read(path.join(db, name))));
    expect(counts.reduce((sum, { items }) => sum + items, 0)).toBe(1_500);
    expect(counts.flatMap(({ bad }) => bad)).toEqual([]);
  });
  it('of native histograms, snapshot of a Prometheus 2.42 that got them by remote write, holds what was sent', async () => {
    const block = path.resolve(import.meta.dirname, '../../../tests/fixtures/tsdb-histograms');
    const bytes = readFileSync(blockFiles(block)[1] as string);
    const read: NativeHistogram[] = [];
    // One chunk; its length takes two bytes.
    for await (const { chunks } of readIndex(path.join(block, 'index')))
      for (const { offset } of chunks) decodeHistogram(bytes.subarray(offset + 3), (histogram) => read.push(histogram));
    let counts = [3, 1, 0, 7];
    let negative = [2, 5];
    const deltas = (all: readonly number[]): bigint[] => all.map((count, at) => BigInt(count - (at === 0 ? 0 : (all[at - 1] as number))));
    const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);
    expect(read).toHaveLength(40);
    for (const [i, histogram] of read.entries()) {
      counts = counts.map((count, at) => count + ((i * (at + 3)) % 11));
      negative = negative.map((count, at) => count + ((i + at) % 3));
      const zero = 4 + i * 2;
      expect(histogram).toMatchObject({
        count: BigInt(sum(counts) + sum(negative) + zero),
        sum: i * 1.25 + 0.1,
        schema: 2,
        zeroThreshold: 0.001,
        zeroCount: BigInt(zero),
        positiveSpans: [
          [-2, 2],
          [3, 2],
        ],
        positiveDeltas: deltas(counts),
        negativeDeltas: deltas(negative),
      });
    }
  });
  it.each<[string, (block: string) => void]>([
    ['an empty index', (block) => writeFileSync(path.join(block, 'index'), '')],
    ['a cut index', (block) => truncateSync(path.join(block, 'index'), 300)],
    ['an index of zeros', (block) => writeFileSync(path.join(block, 'index'), Buffer.alloc(4_096))],
    ['a cut chunk file', (block) => truncateSync(path.join(block, 'chunks/000001'), 40)],
    ['a foreign chunk file', (block) => writeFileSync(path.join(block, 'chunks/000001'), 'hello world '.repeat(100))],
    ['no chunk file', (block) => rmSync(path.join(block, 'chunks/000001'))],
    ['foreign tombstones', (block) => writeFileSync(path.join(block, 'tombstones'), 'x'.repeat(40))],
  ])('with %s is refused in a sentence', async (_, spoil) => {
    const block = path.join(folder, `spoilt-${Math.abs(_.length * 31 + _.charCodeAt(0))}`);
    cpSync(BLOCK, block, { recursive: true });
    spoil(block);
    const { bad } = await read(block);
    expect(bad.length).toBeGreaterThan(0);
    expect(bad[0]?.message.length).toBeGreaterThan(10);
  });
  it('with any bytes changed never throws and never gives more than it has', async () => {
    const block = path.join(folder, 'mutated');
    let state = 99;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    cpSync(BLOCK, block, { recursive: true });
    for (let i = 0; i < 40; i++) {
      for (const name of ['index', 'chunks/000001']) {
        const bytes = readFileSync(path.join(BLOCK, name));
        for (let n = random(3); n >= 0; n--) bytes[random(bytes.length)] = random(256);
        writeFileSync(path.join(block, name), bytes);
      }
      expect((await read(block)).items).toBeLessThan(70_000);
    }
  });
});
