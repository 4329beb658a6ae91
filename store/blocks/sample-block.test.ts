import { describe, expect, it } from 'vitest';
import { mulberry32 } from '../test-batches.ts';
import { FormatError } from './bits.ts';
import { decodeBlock, encodeBlock, MAX_BLOCK_SAMPLES, type SampleBlock, type SampleColumns, sampleColumns } from './sample-block.ts';

const T0 = 1_763_700_000_000_000_000n;
type Random = () => number;
/** All columns of the first rows, to the bit; NULL cells count as nothing. */
function shown(columns: SampleColumns, count: number): string[] {
  const known = (halves: Uint32Array, present: Uint8Array): string =>
    [...present.subarray(0, count)].map((there, i) => (there ? `${halves[i * 2]},${halves[i * 2 + 1]}` : '-')).join(' ');
  const bits = new Uint32Array(columns.values.buffer, 0, count * 2);
  return [
    columns.times.subarray(0, count).join(' '),
    bits.join(' '),
    known(columns.ints, columns.intPresent),
    known(columns.starts, columns.startPresent),
    columns.flags.subarray(0, count).join(' '),
  ];
}
const same = (columns: SampleColumns, count: number): SampleBlock => {
  const block = encodeBlock(columns, count);
  expect(shown(decodeBlock(block), count)).toEqual(shown(columns, count));
  return block;
};
function filled(
  count: number,
  value: (i: number) => number,
  time = (i: number): bigint => T0 + BigInt(i) * 15_000_000_000n,
): SampleColumns {
  const columns = sampleColumns(Math.max(1, count));
  for (let i = 0; i < count; i++) {
    columns.times[i] = time(i);
    columns.values[i] = value(i);
  }
  return columns;
}
/** Writes a double by its bits: numbers do not keep the payload of a NaN. */
function setBits(columns: SampleColumns, i: number, bits: bigint): void {
  new BigUint64Array(columns.values.buffer)[i] = bits;
}
const STALE = 0x7ff0000000000002n;

describe('values', () => {
  const walk = (step: (before: number) => number, from = 0): (() => number) => {
    let value = from;
    return () => {
      const now = value;
      value = step(value);
      return now;
    };
  };
  const cases: Record<string, (random: Random) => () => number> = {
    'a counter': (random) => walk((v) => v + Math.floor(random() * 20), 123_456),
    'a counter with a reset': (random) => walk((v) => (random() < 0.02 ? 0 : v + Math.floor(random() * 1e6)), 9e12),
    cents: (random) => walk((v) => Math.round((v + random() - 0.5) * 100) / 100, 50),
    'multiples of a page': (random) => walk((v) => v + 4096 * Math.floor((random() - 0.5) * 9), 1e9),
    'all the same': () => () => 42.5,
    'all zero, of both signs': (random) => () => (random() < 0.5 ? -0 : 0),
    'tiny and huge': (random) => () => (random() - 0.5) * 10 ** (random() * 600 - 300),
    subnormal: (random) => () => Math.floor(random() * 9) * 5e-324,
    'beyond 2^53': (random) => walk((v) => v + 2 ** 52 * Math.floor(random() * 4), 2 ** 53),
    'just below 2^53, both signs': (random) => () => (random() < 0.5 ? 1 : -1) * (2 ** 53 - Math.floor(random() * 5)),
    'any digits': (random) => () => random() * 1000,
    'accumulated tenths': () => walk((v) => v + 0.1),
    'infinities and NaN': (random) => () => [1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN][Math.floor(random() * 4)]!,
    'any bits': (random) => () => {
      const view = new DataView(new ArrayBuffer(8));
      view.setUint32(0, random() * 2 ** 32);
      view.setUint32(4, random() * 2 ** 32);
      return view.getFloat64(0);
    },
  };
  it.each(Object.keys(cases))('%s come back to the bit', (name) => {
    const random = mulberry32(name.length * 7 + 1);
    for (const count of [1, 2, 31, 33, 480, MAX_BLOCK_SAMPLES]) same(filled(count, cases[name]!(random)), count);
  });
  it('payloads of NaN are kept: stale markers beside others', () => {
    const columns = filled(100, (i) => i);
    for (const [i, bits] of [STALE, 0x7ff8000000000000n, 0xfff8000000000001n, 0x7ff0000000000001n].entries()) setBits(columns, i * 9, bits);
    same(columns, 100);
    const stale = filled(40, () => 0);
    for (let i = 0; i < 40; i++) setBits(stale, i, STALE);
    const block = same(stale, 40);
    expect([block.numbers, block.min, block.max, block.sum]).toEqual([0, null, null, null]);
    expect(block.values.length).toBeLessThan(12);
  });
  it('a counter of steps below 20 takes less than 0.65 bytes a value, a constant nothing', () => {
    const random = mulberry32(5);
    expect(encodeBlock(filled(480, cases['a counter']!(random)), 480).values.length / 480).toBeLessThan(0.65);
    expect(
      encodeBlock(
        filled(480, () => 3),
        480,
      ).values.length,
    ).toBeLessThan(8);
  });
  it('min, max, sum and count are of the numbers', () => {
    const columns = filled(5, (i) => [3, Number.NaN, -7, 2.5, Number.NaN][i]!);
    expect(encodeBlock(columns, 5)).toMatchObject({ samples: 5, numbers: 3, min: -7, max: 3, sum: -1.5, firstTime: T0 });
    expect(
      encodeBlock(
        filled(2, (i) => (i === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY)),
        2,
      ).sum,
    ).toBeNull();
  });
});

describe('times', () => {
  it.each([
    ['steady', (i: number) => T0 + BigInt(i) * 15_000_000_000n],
    ['all the same', () => T0],
    ['before 1970', (i: number) => -T0 + BigInt(i) * 1_000_003n],
    [
      'to the nanosecond, with gaps',
      (i: number) => T0 + BigInt(i) * 10_000_000_123n + BigInt((i * 7919) % 1009) + (i > 20 ? 3_600_000_000_000n : 0n),
    ],
    ['across a carry of the lower half', (i: number) => (1n << 62n) + 0xfffffff0n + BigInt(i)],
  ])('%s come back', (_name, time) => {
    for (const count of [1, 2, 480])
      same(
        filled(count, () => 1, time),
        count,
      );
  });
  it('steady times take nothing, and equal times the same bytes', () => {
    const one = encodeBlock(
      filled(480, (i) => i),
      480,
    );
    const other = encodeBlock(
      filled(
        480,
        (i) => -i,
        (i) => T0 + 86_400_000_000_000n + BigInt(i) * 15_000_000_000n,
      ),
      480,
    );
    expect(one.times.length).toBeLessThan(12);
    expect(other.times).toEqual(one.times);
  });
  it('what is out of order or too far apart is refused', () => {
    expect(() =>
      encodeBlock(
        filled(
          3,
          () => 1,
          (i) => T0 - BigInt(i),
        ),
        3,
      ),
    ).toThrow(RangeError);
    expect(() =>
      encodeBlock(
        filled(
          2,
          () => 1,
          (i) => T0 + BigInt(i) * (1n << 50n),
        ),
        2,
      ),
    ).toThrow(RangeError);
  });
});

describe('the rest', () => {
  const withStarts = (start: (i: number) => bigint | null): SampleColumns => {
    const columns = filled(200, (i) => i);
    const starts = new BigInt64Array(columns.starts.buffer);
    for (let i = 0; i < 200; i++) {
      const value = start(i);
      columns.startPresent[i] = value === null ? 0 : 1;
      starts[i] = value ?? 0n;
    }
    return columns;
  };
  it('one start time of all samples is kept beside', () => {
    const block = same(
      withStarts(() => T0 - 5n),
      200,
    );
    expect([block.startTime, block.rest]).toEqual([T0 - 5n, null]);
    expect(
      same(
        withStarts(() => null),
        200,
      ).startTime,
    ).toBeNull();
  });
  it.each([
    ['of deltas: each begins where the last ended', (i: number) => T0 + BigInt(i - 1) * 15_000_000_000n],
    ['that change once', (i: number) => (i < 90 ? T0 - 7n : T0 + 90n)],
    ['missing here and there', (i: number) => (i % 3 === 0 ? null : T0)],
    ['of any size', (i: number) => (i % 2 === 0 ? -(1n << 63n) : (1n << 63n) - 1n)],
  ])('start times %s come back', (_name, start) => {
    same(withStarts(start), 200);
  });
  it('starts of deltas take next to nothing', () => {
    expect(
      same(
        withStarts((i) => T0 + BigInt(i - 1) * 15_000_000_000n),
        200,
      ).rest!.length,
    ).toBeLessThan(24);
  });
  it('integers no double holds and flags come back', () => {
    const columns = filled(300, (i) => i);
    const ints = new BigInt64Array(columns.ints.buffer);
    for (let i = 0; i < 300; i += 2) {
      columns.intPresent[i] = 1;
      ints[i] = [(1n << 63n) - 1n, -(1n << 63n), 9_007_199_254_740_993n, 0n][i % 4]!;
      columns.flags[i] = i % 5 === 0 ? 0xffffffff : 1;
    }
    same(columns, 300);
  });
});

it('random blocks of everything come back to the bit', () => {
  const random = mulberry32(Number(process.env['BLOCK_SEED'] ?? 99));
  const rounds = Number(process.env['BLOCK_ROUNDS'] ?? 300);
  for (let round = 0; round < rounds; round++) {
    const count = 1 + Math.floor(random() * MAX_BLOCK_SAMPLES);
    const step = Math.floor(random() ** 8 * 1e11);
    let at = T0;
    const scale = 10 ** Math.floor(random() * 20 - 6);
    const whole = random() < 0.7;
    const columns = filled(
      count,
      () => (whole ? Math.round((random() - 0.3) * 1000) * scale : random() * scale),
      () => (at += BigInt(Math.floor(step * random()))),
    );
    const [strange, sparse] = [random() ** 3, random() ** 3];
    const ints = new BigInt64Array(columns.ints.buffer);
    const starts = new BigInt64Array(columns.starts.buffer);
    for (let i = 0; i < count; i++) {
      if (random() < strange) setBits(columns, i, random() < 0.5 ? STALE : BigInt(Math.floor(random() * 2 ** 53)) << 11n);
      if (random() < sparse) {
        columns.flags[i] = Math.floor(random() * 3);
        columns.startPresent[i] = random() < 0.8 ? 1 : 0;
        starts[i] = columns.startPresent[i] ? columns.times[i]! - BigInt(Math.floor(random() * 1e12)) : 0n;
        columns.intPresent[i] = random() < 0.3 ? 1 : 0;
        ints[i] = columns.intPresent[i] ? BigInt(Math.floor(random() * 2 ** 53)) * 1021n : 0n;
      }
    }
    same(columns, count);
  }
});

it('damaged blocks give an error of their own or other values, and come to an end', () => {
  const random = mulberry32(3);
  const columns = filled(480, (i) => (i % 9 === 0 ? Number.NaN : i * 1.5));
  for (let i = 0; i < 480; i++) columns.flags[i] = i % 4;
  const block = encodeBlock(columns, 480);
  const hurt = (bytes: Uint8Array): Uint8Array => {
    const copy = bytes.slice(0, random() < 0.5 ? bytes.length : Math.floor(random() * bytes.length));
    for (let i = 0; i < 3 && copy.length > 0; i++) copy[Math.floor(random() * Math.min(copy.length, 24))]! ^= 1 << Math.floor(random() * 8);
    return copy;
  };
  let refused = 0;
  for (let round = 0; round < 400; round++) {
    try {
      decodeBlock({ ...block, times: hurt(block.times), values: hurt(block.values), rest: hurt(block.rest!) });
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(50);
});
