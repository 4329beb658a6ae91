import { describe, expect, it } from 'vitest';
import { Extension, msgpack } from '../../tests/fixtures/encode-msgpack.ts';
import { MsgpackReader, MsgpackScan } from './msgpack.ts';

const LIMITS = { maxDepth: 8, maxValues: 100_000 };
const reader = (bytes: Buffer | readonly number[], limits = LIMITS) => new MsgpackReader(Buffer.from(bytes as Buffer), limits);
const read = (bytes: Buffer | readonly number[], limits = LIMITS) => reader(bytes, limits).value();
/** Where a value ends when its bytes come one by one. */
function scannedEnd(bytes: Buffer): number {
  const scan = new MsgpackScan();
  for (let length = 0; length <= bytes.length; length++) if (scan.advance(bytes, length)) return length;
  return -1;
}
const long = 'x'.repeat(70_000);
const VALUES: [string, unknown][] = [
  ['nil', null],
  ['true', true],
  ['false', false],
  ...[0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, -1, -32, -33].map(
    (value): [string, unknown] => [`integer ${value}`, value],
  ),
  ['64 bits', 2n ** 63n - 1n],
  ['negative 64 bits', -(2n ** 63n)],
  ['a float', 1.5],
  ['no text', ''],
  ['text of 31 bytes', 'a'.repeat(31)],
  ['text of 32 bytes', 'ü'.repeat(16)],
  ['text of 300 bytes', 'b'.repeat(300)],
  ['text of 70,000 bytes', long],
  ['an empty array', []],
  ['an array of 20', Array.from({ length: 20 }, (_, i) => i)],
  ['an array of 70,000', Array(70_000).fill(1)],
  ['an empty map', new Map()],
  ['a map of 20', new Map(Array.from({ length: 20 }, (_, i) => [`k${i}`, [i, null]]))],
];

describe('values', () => {
  it.each(VALUES)('%s', (_, value) => expect(read(msgpack(value))).toEqual(value));
  it.each(VALUES.filter(([name]) => !name.includes('70,000')))('%s: its end is found byte by byte', (_, value) => {
    const bytes = msgpack(value);
    expect(scannedEnd(Buffer.concat([bytes, Buffer.from([0xc0])]))).toBe(bytes.length);
  });
  it.each<[string, number[], unknown]>([
    ['int 8', [0xd0, 0x80], -128],
    ['int 16', [0xd1, 0x80, 0], -32_768],
    ['int 32', [0xd2, 0x80, 0, 0, 0], -(2 ** 31)],
    ['int 64', [0xd3, 0, 0, 0, 0, 0, 0, 0, 5], 5],
    ['float 32', [0xca, 0x3f, 0xc0, 0, 0], 1.5],
    ['bytes that are text', [0xc4, 2, 0xc3, 0xbc], 'ü'],
    ['bytes that are none', [0xc4, 2, 0xff, 0xfe], Buffer.from([0xff, 0xfe])],
    ['text that is not UTF-8', [0xa1, 0xff], '\uFFFD'],
    ['a number as a key', [0x81, 7, 0xc3], new Map([['7', true]])],
    ['a key twice: the last', [0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2], new Map([['a', 2]])],
    ['more than a signed 64-bit number', [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], '18446744073709551615'],
    ...[1, 2, 4, 8, 16, 17, 300].map((size): [string, number[], unknown] => [
      `an extension of ${size}`,
      [...msgpack(new Extension(5, Buffer.alloc(size, 7)))],
      Buffer.alloc(size, 7),
    ]),
  ])('%s', (_, bytes, value) => {
    expect(read(bytes)).toEqual(value);
    expect(scannedEnd(Buffer.from(bytes))).toBe(bytes.length);
  });
});

describe('what is refused', () => {
  it.each<[string, number[], RegExp]>([
    ['nothing', [], /cut off at byte 0/],
    ['text that is cut off', [0xa5, 0x61], /cut off/],
    ['a length that is cut off', [0xdb, 0], /cut off/],
    ['an array of four billion', [0xdd, 0xff, 0xff, 0xff, 0xff], /cut off/],
    ['a map of four billion', [0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0, 0xc0], /cut off/],
    ['text of four billion bytes', [0xdb, 0xff, 0xff, 0xff, 0xff], /cut off/],
    ['the byte nobody uses', [0xc1], /0xc1, which MessagePack never uses, at byte 0/],
    ['and in an array', [0x92, 1, 0xc1], /never uses, at byte 2/],
    ['a map as a key', [0x81, 0x80, 1], /neither text nor number/],
    ['nine levels', Array(9).fill(0x91).concat([1]), /deeper than 8/],
  ])('%s', (_, bytes, says) => expect(() => read(bytes)).toThrow(says));
  it('more values than a record has', () => {
    const limits = { maxDepth: 8, maxValues: 100 };
    expect(read(msgpack(Array(99).fill(0)), limits)).toHaveLength(99);
    expect(() => read(msgpack(Array(100).fill(0)), limits)).toThrow(/more than 100 values/);
    expect(() => read(msgpack(Array(60).fill([0])), limits)).toThrow(/more than 100 values/);
    expect(() => read(msgpack(Array(101).fill(0)), limits)).toThrow(/more than 100 values/);
  });
  it('an endless nest is scanned without a stack, and a false count without memory', () => {
    const deep = Buffer.alloc(1_000_000, 0x91);
    expect(scannedEnd(deep.subarray(0, 1_000))).toBe(-1);
    const scan = new MsgpackScan();
    expect(scan.advance(deep, deep.length)).toBe(false);
    const huge = new MsgpackScan();
    expect(huge.advance(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]), 5)).toBe(false);
    expect(huge.leastBytes).toBe(5 + 2 ** 32 - 1);
  });
});
