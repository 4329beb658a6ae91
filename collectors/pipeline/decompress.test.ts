import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ContentEncoding, claimedSize, decompress, freeInflated, parseContentEncoding } from './decompress.ts';

const text = Buffer.from('GET /cart 200 '.repeat(5_000));
const large = Buffer.alloc(9_000_000, 'abcdefg');
const compress = { gzip: gzipSync, zstd: zstdCompressSync };
const MAX = 16_000_000;

describe.each(['gzip', 'zstd'] as const)('%s', (encoding) => {
  const packed = compress[encoding](text);
  it.each([
    ['a small body', text],
    ['one byte', Buffer.from('x')],
    ['a body too large to inflate on the spot', large],
  ])('gives back %s', async (_, plain) => {
    expect(Buffer.from(await decompress(compress[encoding](plain), encoding, MAX)).equals(plain)).toBe(true);
  });
  it('gives back nothing for nothing', async () => {
    expect((await decompress(compress[encoding](Buffer.alloc(0)), encoding, MAX)).length).toBe(0);
  });
  it('gives back bodies that follow each other in one (RFC 1952, RFC 8878)', async () => {
    const twice = Buffer.concat([packed, packed]);
    expect(Buffer.from(await decompress(twice, encoding, MAX)).equals(Buffer.concat([text, text]))).toBe(true);
  });
  it('holds the limit over all of them together', async () => {
    const twice = Buffer.concat([packed, packed]);
    await expect(decompress(twice, encoding, text.length * 2)).resolves.toHaveLength(text.length * 2);
    await expect(decompress(twice, encoding, text.length * 2 - 1)).rejects.toMatchObject({ reason: 'decompressed_too_large' });
  });
  it.each([text, large])('refuses what is a byte over the limit', async (plain) => {
    const body = compress[encoding](plain);
    await expect(decompress(body, encoding, plain.length)).resolves.toHaveLength(plain.length);
    await expect(decompress(body, encoding, plain.length - 1)).rejects.toMatchObject({ reason: 'decompressed_too_large' });
  });
  it('refuses a bomb without holding what it inflates to', async () => {
    const bomb = compress[encoding](Buffer.alloc(300_000_000));
    const before = process.memoryUsage.rss();
    await expect(decompress(bomb, encoding, 10_000_000)).rejects.toMatchObject({ reason: 'decompressed_too_large' });
    expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000);
  });
  it('refuses every cut of a body', async () => {
    for (let length = 0; length < packed.length; length += Math.max(1, packed.length >> 6)) {
      await expect(decompress(packed.subarray(0, length), encoding, MAX)).rejects.toMatchObject({ reason: 'bad_compression' });
    }
  });
  it.each([
    ['noise', Buffer.from('this is plain text, no more')],
    ['another format', deflateSync(text)],
    ['noise after a body', Buffer.concat([packed, Buffer.from('and something else after it')])],
  ])('refuses %s', async (_, body) => {
    await expect(decompress(body, encoding, MAX)).rejects.toMatchObject({ reason: 'bad_compression' });
  });
  it('does not trust the size a body claims', async () => {
    const liar = Buffer.from(compress[encoding](large));
    if (encoding === 'gzip') {
      liar.writeUInt32LE(1000, liar.length - 4);
      await expect(decompress(liar, encoding, MAX)).rejects.toMatchObject({ reason: 'bad_compression' });
    } else {
      expect(claimedSize(liar, encoding)).toBe(large.length);
    }
  });
});

it('lets a plain body pass, up to the limit', async () => {
  expect(await decompress(text, 'identity', text.length)).toBe(text);
  await expect(decompress(text, 'identity', text.length - 1)).rejects.toMatchObject({ reason: 'decompressed_too_large' });
});
it('refuses a zstd frame that asks for a window of a gigabyte', async () => {
  // Frame header without content size: window descriptor 20 << 3 means 2^30 bytes.
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0x09, 0x00, 0x00, 0x61]);
  await expect(decompress(frame, 'zstd', MAX)).rejects.toMatchObject({ reason: 'bad_compression' });
});
it.each([
  [undefined, 'identity'],
  ['', 'identity'],
  ['identity', 'identity'],
  [' GZIP ', 'gzip'],
  ['x-gzip', 'gzip'],
  ['zstd', 'zstd'],
  ['gzip, gzip', null],
  ['br', null],
  ['deflate', null],
] as const)('reads the content encoding %j as %j', (header, encoding) => {
  expect(parseContentEncoding(header)).toBe(encoding satisfies ContentEncoding | null);
});

describe('freeInflated', () => {
  it('frees an inflated body at once', async () => {
    const plain = await decompress(gzipSync(Buffer.alloc(300_000, 'span ')), 'gzip', 1 << 20);
    expect(plain.length).toBe(300_000);
    freeInflated(plain);
    expect(plain.length).toBe(0);
  });
  it('leaves memory shared with others alone', async () => {
    const frame = zstdCompressSync(Buffer.from('four'));
    const plain = await decompress(Buffer.concat([frame, frame]), 'zstd', 1 << 20);
    const neighbours = [Buffer.from('neighbour'), plain];
    freeInflated(plain);
    expect(neighbours.map(String)).toEqual(['neighbour', 'fourfour']);
  });
});
