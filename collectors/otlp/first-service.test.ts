import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { firstService, firstServiceInJson, firstServiceOf } from './first-service.ts';
import { field, keyValue, number } from './test-protobuf.ts';

const resource = (...attributes: readonly (readonly Uint8Array[])[]): Uint8Array =>
  field(1, [
    field(
      1,
      attributes.map((each) => field(1, each)),
    ),
  ]);
const name = (value: string): readonly Uint8Array[] => keyValue('service.name', field(1, value));
const body = Buffer.concat([resource(keyValue('host.name', field(1, 'h')), name('shop')), resource(name('till'))]);

describe('the first service of a body', () => {
  it.each<[string, Uint8Array, string]>([
    ['behind other attributes, of the first resource', body, 'shop'],
    ['of a body cut behind it', body.subarray(0, 60), 'shop'],
    ['of a body without one', resource(keyValue('a', field(1, 'b'))), ''],
    ['that is no text', resource(keyValue('service.name', number(3, 5))), ''],
    ['of nothing', new Uint8Array(0), ''],
    ['of noise', new Uint8Array(300).fill(0xff), ''],
    ['of a length that never ends', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f), ''],
    ['without end', resource(name('x'.repeat(5_000))), 'x'.repeat(256)],
  ])('%s', (_, bytes, expected) => {
    expect(firstService(bytes)).toBe(expected);
  });
  it('is found in a compressed body, and is not where it cannot be', () => {
    const long = Buffer.concat([body, Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 7919) & 255))]);
    expect(firstServiceOf(gzipSync(long).subarray(0, 4_000), 'gzip')).toBe('shop');
    expect(firstServiceOf(Buffer.from('no gzip'), 'gzip')).toBe('');
    expect(firstServiceOf(body, 'zstd')).toBe('');
    for (const [plain, level] of [
      [body, 3],
      [long, 1],
      [Buffer.concat([long, Buffer.alloc(1_000_000, 'abc')]), 19],
    ] as const) {
      const sent = zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: level } });
      expect(firstServiceOf(sent, 'zstd')).toBe('shop');
      for (const length of [0, 4, 9, 20]) expect(firstServiceOf(sent.subarray(0, length), 'zstd')).toBe('');
    }
    expect(firstServiceOf(zstdCompressSync(Buffer.alloc(50_000_000)), 'zstd')).toBe('');
    expect(firstServiceOf(Buffer.concat([zstdCompressSync(body).subarray(0, 6), Buffer.alloc(80, 0xff)]), 'zstd')).toBe('');
    // A bomb is not inflated for a look.
    expect(firstServiceOf(gzipSync(Buffer.alloc(50_000_000)), 'gzip')).toBe('');
  });
  it('is found in JSON', () => {
    const attributes = [{ key: 'service.name', value: { stringValue: 'shop' } }];
    expect(firstServiceInJson(Buffer.from(JSON.stringify({ resourceLogs: [{ resource: { attributes } }] }, null, 1)))).toBe('shop');
    expect(firstServiceInJson(Buffer.from('{"service.name":"x"}'))).toBe('');
  });
});
