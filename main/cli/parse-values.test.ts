import { describe, expect, it } from 'vitest';
import {
  parseAddress,
  parseCount,
  parseDurability,
  parseGrpcServer,
  parsePromoted,
  parseRetention,
  parseSize,
  parseTime,
  parseTranslation,
  ValueError,
} from './parse-values.ts';

const refuses = (parse: (text: string) => unknown, texts: readonly string[]): void => {
  for (const text of texts) expect(() => parse(text), text).toThrow(ValueError);
};
it('a count is a whole number above 0', () => {
  expect(['1', '20', '007'].map(parseCount)).toEqual([1, 20, 7]);
  refuses(parseCount, ['', 'abc', '0', '-1', '1.5', '1e3', '9'.repeat(20)]);
});
describe('values of settings', () => {
  it.each([
    ['7d', 604_800],
    ['36h', 129_600],
    ['90m', 5_400],
    ['2w', 1_209_600],
    ['0.5d', 43_200],
    ['off', 0],
  ])('retention %s is %d s', (text, seconds) => expect(parseRetention(text)).toBe(seconds));
  it.each([
    ['20GB', 20e9],
    ['500 mb', 500e6],
    ['1GiB', 2 ** 30],
    ['1.5TB', 1.5e12],
    ['4096', 4096],
  ])('size %s is %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));
  it.each([
    ['127.0.0.1:4318', '127.0.0.1', 4318],
    ['localhost:0', 'localhost', 0],
    ['[::1]:4318', '::1', 4318],
    [':4400', '127.0.0.1', 4400],
    ['4400', '127.0.0.1', 4400],
  ])('address %s', (text, host, port) => expect(parseAddress(text)).toEqual({ host, port }));
  it('durability', () => {
    expect(['sync', 'none', '100ms', '1s'].map(parseDurability)).toEqual(['sync', 'none', { intervalMs: 100 }, { intervalMs: 1000 }]);
  });
  it('names of OTLP', () => {
    expect(parseTranslation('NoTranslation')).toBe('NoTranslation');
    expect([' a , b.c', 'all', 'none'].map(parsePromoted)).toEqual([['a', 'b.c'], 'all', []]);
    refuses(parseTranslation, ['', 'notranslation']);
    refuses(parsePromoted, ['', 'a,,b']);
  });
  it('gRPC server', () => expect(['http2', 'grpc-js'].map(parseGrpcServer)).toEqual(['http2', 'grpc-js']));
  it('refuses the rest with the text and what it should be', () => {
    refuses(parseRetention, ['', '7', 'd', '-1d', '0d', '7days', 'OFF', '1e3d', '7d ']);
    refuses(parseSize, ['', 'GB', '-1GB', '0', '10 parsecs', '1e30GB', '99999999TB']);
    refuses(parseGrpcServer, ['', 'grpcjs', 'HTTP2']);
    refuses(parseAddress, [
      '',
      'host',
      'host:',
      'host:65536',
      'host:-1',
      '::1:4318',
      'a:b:1',
      'http://127.0.0.1:1',
      '1.2.3.4:5 ',
      'ho st:1',
    ]);
    refuses(parseDurability, ['', 'Sync', '0ms', '100', '2m', '61s', '-5ms']);
    expect(() => parseRetention('soon')).toThrow('"soon" is not a time to keep telemetry');
  });
});
describe('parseTime', () => {
  const now = Date.UTC(2026, 10, 21, 12);
  it.each([
    ['now', now],
    ['now-15m', now - 900_000],
    ['now+1h', now + 3_600_000],
    ['now-1.5d', now - 129_600_000],
    ['2026-11-21T10:00:00Z', now - 7_200_000],
    ['2026-11-21T11:00:00+01:00', now - 7_200_000],
    ['2026-11-21 10:00:00', now - 7_200_000],
    ['2026-11-21T10:00:00.250Z', now - 7_200_000 + 250],
    ['2026-11-21', now - 43_200_000],
    ['1795255200', 1_795_255_200_000],
    ['1795255200.5', 1_795_255_200_500],
    ['0', 0],
  ])('%s', (text, ms) => expect(parseTime(text, now)).toBe(ms));
  it('refuses the rest', () => {
    refuses(
      (text) => parseTime(text, now),
      ['', 'yesterday', 'now-', 'now-15', 'now - 15m', '2026-13-01', '2026-11-21T25:00:00Z', '12:00', '1795255200000'],
    );
  });
});
