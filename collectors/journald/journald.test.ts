import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { logBodies } from '../../tests/fixtures/log-bodies.ts';
import { journalItem } from './entry-item.ts';
import { type ExportEntry, type ExportFault, PARTIAL, readEntry } from './parse-export.ts';
import { textsOf, transcodeJournal } from './transcode.ts';

/** journalctl -o export of systemd 252, ids replaced. */
const real = readFileSync(new URL('../../tests/fuzz/corpus/journald/journald-252.export', import.meta.url));
const field = (name: string, value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')]);
};
const MAX = 1 << 20;
function readAll(bytes: Buffer, max = MAX): (ExportEntry | ExportFault)[] {
  const found: (ExportEntry | ExportFault)[] = [];
  for (let at = 0; at < bytes.length; ) {
    const entry = readEntry(bytes, at, true, max);
    if (entry === null || entry === PARTIAL) break;
    expect(entry.next).toBeGreaterThan(at);
    found.push(entry);
    at = entry.next;
  }
  return found;
}
const texts = (bytes: Buffer) =>
  readAll(bytes).map((entry) => ('fields' in entry ? Object.fromEntries(textsOf(entry.fields)) : entry.problem));

describe('the export format', () => {
  it('as journald writes it: text, bytes of any kind, fields that come twice', () => {
    const messages = texts(real).map((entry) => (entry as Record<string, string>)['MESSAGE']);
    expect(messages).toEqual(['plain started', 'two\nlines', 'bytes \ufffd\ufffd\0\u0001 here', 'größe = 5', 'a=b=c']);
    expect(texts(real)[2]).toMatchObject({ TAG: 'a, b', PRIORITY: '4', SYSLOG_IDENTIFIER: 'cart' });
  });
  it('is the same however it is cut: what does not end yet waits', () => {
    const whole = texts(real);
    for (let cut = 0; cut < real.length; cut += 7) {
      const found: unknown[] = [];
      let at = 0;
      for (const [end, last] of [
        [cut, false],
        [real.length, true],
      ] as const) {
        for (;;) {
          const entry = readEntry(real.subarray(0, end), at, last, MAX);
          if (entry === null || entry === PARTIAL) break;
          found.push('fields' in entry ? Object.fromEntries(textsOf(entry.fields)) : entry.problem);
          at = entry.next;
        }
      }
      expect(found).toEqual(whole);
    }
  });
  it('ends with an empty line, or with the file', () => {
    expect(texts(Buffer.from('\n\nA=1\n\n\n\nB=2'))).toEqual([{ A: '1' }, { B: '2' }]);
    expect(texts(Buffer.from('A=1\nB=2\n'))).toEqual([{ A: '1', B: '2' }]);
  });
  const good = 'A=1\n\n';
  it.each<[string, Buffer, string]>([
    ['a name in small letters', Buffer.from(`abc=1\n\n${good}`), '"abc=1" is no field'],
    ['a name that is none', Buffer.from(`A B=1\n\n${good}`), 'is no field'],
    ['a name without end', Buffer.from(`${'A'.repeat(70)}=1\n\n${good}`), 'is no field'],
    [
      'bytes without their line feed',
      Buffer.concat([field('A', 'xy').subarray(0, -1), Buffer.from(`z\n\n${good}`)]),
      'no line feed follows the 2 bytes of A',
    ],
    [
      'a length beyond all',
      Buffer.concat([Buffer.from('A\n'), Buffer.alloc(8, 0xff), Buffer.from(`\n\n${good}`)]),
      'has 18446744073709551615 bytes',
    ],
    ['too many fields', Buffer.from(`${Array.from({ length: 1_100 }, (_, i) => `F${i}=x\n`).join('')}\n${good}`), 'more than 1024 fields'],
  ])('%s: is said, and the next entry is read', (_, bytes, problem) => {
    const found = texts(bytes);
    expect(found[0]).toContain(problem);
    expect(found.at(-1)).toEqual({ A: '1' });
  });
  it.each<[string, Buffer]>([
    ['within bytes', field('A', 'hello').subarray(0, 12)],
    ['within a length', Buffer.from('A\n\x01\0')],
    ['before the line feed', field('A', 'hello').subarray(0, -1)],
  ])('cut off %s', (_, bytes) => {
    expect(readEntry(bytes, 0, false, MAX)).toBe(PARTIAL);
    expect(texts(bytes)).toEqual(['the entry is cut off']);
  });
  it('an entry over the limit', () => {
    expect(readAll(Buffer.concat([field('A', 'x'.repeat(5_000)), Buffer.from(`\n${good}`)]), 1_000)[0]).toMatchObject({
      reason: 'body_too_large',
    });
    expect(readEntry(Buffer.from(`A=${'x'.repeat(5_000)}`), 0, false, 1_000)).toMatchObject({ reason: 'body_too_large' });
  });
});

describe('an entry as a log record', () => {
  const entry = new Map([
    ['__REALTIME_TIMESTAMP', '1795293964003740'],
    ['_HOSTNAME', 'node1'],
    ['_SYSTEMD_UNIT', 'shop.service'],
    ['_COMM', 'node'],
    ['PRIORITY', '3'],
    ['MESSAGE', 'no stock'],
    ['ORDER_ID', '7'],
    ['__CURSOR', 's=1'],
  ]);
  it('has its time, its level, who it comes from, and every other field by its name', () => {
    expect(journalItem(entry)).toEqual({
      timeNs: 1_795_293_964_003_740_000n,
      observedNs: 0n,
      severityNumber: 17,
      severityText: 'err',
      body: 'no stock',
      traceId: '',
      spanId: '',
      attributes: [
        ['_COMM', 'node'],
        ['ORDER_ID', '7'],
      ],
      resource: [
        ['service.name', 'node'],
        ['host.name', 'node1'],
        ['systemd.unit', 'shop.service'],
      ],
    });
  });
  it('without a time is none', () => expect(journalItem(new Map([['MESSAGE', 'x']]))).toBeNull());
});

describe('an upload', () => {
  const limits = limitsSchema.parse({});
  it('becomes OTLP the check takes', () => {
    const { body, unreadable } = transcodeJournal(real);
    expect(unreadable).toBe(0);
    expect(logBodies(body).sort()).toEqual(['a=b=c', 'bytes \ufffd\ufffd\0\u0001 here', 'größe = 5', 'plain started', 'two\nlines']);
    expect(checkOtlp('logs', body, { limits, receivedUnixNano: 1_795_293_970_000_000_000n, retentionSeconds: 0 })).toMatchObject({
      ok: true,
      items: 5,
      rejected: 0,
    });
  });
  it('counts what cannot be read beside what can', () => {
    expect(transcodeJournal(Buffer.concat([Buffer.from('abc\n\nMESSAGE=x\n\n'), real]))).toMatchObject({
      unreadable: 2,
      problem: 'entry 1, at byte 0: "abc" is no field',
    });
  });
  it('with nothing that can be read is refused', () => {
    expect(() => transcodeJournal(Buffer.from('{"a":1}\n'))).toThrow('none of 1 entries can be read');
    expect(transcodeJournal(new Uint8Array(0)).body).toHaveLength(0);
  });
});
