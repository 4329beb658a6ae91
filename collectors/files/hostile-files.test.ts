import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { crc32, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { isRefused, type RefusedRecord } from './file-record.ts';
import { contentOf } from './open-file.ts';
import { readZip } from './read-zip.ts';
import { recognise } from './recognise.ts';
import { readBytes } from './test-read.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'faultline-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

interface ZipEntry {
  readonly name: string;
  readonly data: Buffer;
  /** As the archive says it; the truth by default. */
  readonly size?: number;
}
/** An archive with deflated entries. */
function zip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, size = data.length } of entries) {
    const packed = deflateRawSync(data);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(20, 4);
    head.writeUInt16LE(8, 8);
    head.writeUInt32LE(crc32(data), 14);
    head.writeUInt32LE(packed.length, 18);
    head.writeUInt32LE(size, 22);
    head.writeUInt16LE(Buffer.byteLength(name), 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(20, 4);
    central.writeUInt16LE(20, 6);
    head.copy(central, 10, 8, 30);
    central.writeUInt16LE(0, 8);
    central.writeUInt16LE(8, 10);
    central.writeUInt32LE(crc32(data), 16);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt32LE(size, 24);
    central.writeUInt16LE(Buffer.byteLength(name), 28);
    central.writeUInt16LE(0, 30);
    central.writeUInt32LE(offset, 42);
    directory.push(central, utf8(name));
    parts.push(head, utf8(name), packed);
    offset += 30 + Buffer.byteLength(name) + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
let files = 0;
async function readArchive(bytes: Buffer): Promise<{ items: number; bad: RefusedRecord[] }> {
  const file = path.join(folder, `archive-${files++}`);
  writeFileSync(file, bytes);
  let items = 0;
  const bad: RefusedRecord[] = [];
  for await (const record of readZip(file, { name: 'a.zip', arrivalUnixNano: 1n })) {
    if (isRefused(record)) bad.push(record);
    else items += record.items;
  }
  return { items, bad };
}
const log = utf8('2026-11-21T19:33:55.123456789Z a\n2026-11-21T19:33:56.123456789Z b\n');
const otlp = utf8('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795289635000000000"}]}]}]}');

describe('archives', () => {
  it("the Aspire dashboard's: logs, traces, console; its resources are no telemetry", async () => {
    const { items, bad } = await readArchive(
      zip([
        { name: 'consolelogs/api.txt', data: log },
        { name: 'structuredlogs/api.json', data: otlp },
        { name: 'resources/api.json', data: utf8('{"x":1}') },
      ]),
    );
    expect({ items, bad }).toEqual({ items: 3, bad: [] });
  });
  it.each<[string, Buffer, RegExp]>([
    ['names that lead out', zip([{ name: '../../etc/cron.d/x', data: log }]), /invalid relative path/],
    ['an absolute name', zip([{ name: '/etc/x', data: log }]), /absolute path/],
    [
      'an entry larger than it says',
      zip([{ name: 'bomb.txt', data: Buffer.alloc(1_000_000, 'a '), size: 10 }]),
      /bomb\.txt: .*(?:too many bytes|size)/,
    ],
    ['an entry that says it is huge', zip([{ name: 'x.txt', data: log, size: 0xfffffff0 }]), /x\.txt/],
    ['an archive in it', zip([{ name: 'inner.zip', data: zip([{ name: 'a', data: log }]) }]), /inner\.zip: zip in an archive/],
    ['a cut end', zip([{ name: 'a', data: log }]).subarray(0, 60), /cannot be read/],
    ['nothing known', zip([{ name: 'a.bin', data: Buffer.from([0, 1, 2, 3, 4]) }]), /a\.bin: The content is none/],
  ])('with %s', async (_, bytes, says) => {
    const { bad } = await readArchive(bytes);
    expect(bad.map(({ message }) => message).join('\n')).toMatch(says);
  });
  it('a broken entry takes no other with it', async () => {
    const whole = zip([
      { name: 'one', data: log },
      { name: 'two', data: log },
    ]);
    whole[34] = 0xff;
    whole[35] = 0xff;
    const { items, bad } = await readArchive(whole);
    expect(items).toBe(2);
    expect(bad).toHaveLength(1);
  });
});

describe('hostile files', () => {
  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['blanks', utf8('\n \n\n')],
    ['zeros', Buffer.alloc(100_000)],
    ['random bytes', Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 7919 + (i >> 3)) & 0xff))],
    ['deep JSON', utf8(`{"data":${'['.repeat(100_000)}`)],
    ['deep JSON in a trace', utf8(`{"data":[{"traceID":"a","spans":[${'{"a":'.repeat(600)}1${'}'.repeat(600)}],"processes":{}}]}`)],
    ['a Jaeger file of wrong types', utf8('{"data":[{"spans":5},{"spans":[null,1,"x",[]]},7,null]}')],
    ['a Loki answer without streams', utf8('{"data":{"resultType":"streams","result":{}}}')],
    ['half a HAR', utf8('{"log":{"version":"1.2","creator":{},"entries":[{"startedDateTime":')],
    ['a gzip of nothing known', gzipSync(Buffer.from([1, 2, 3, 0, 0]))],
    ['a part of a TSDB block', Buffer.from([0xba, 0xaa, 0xd7, 0, 2, 0, 0, 0])],
    ['__proto__ as a key', utf8('{"data":[{"traceID":"a","spans":[{"__proto__":{"traceID":"a"}}],"__proto__":[]}]}')],
  ])('%s: a sentence, no record', async (_, bytes) => {
    const { good, bad } = await readBytes(bytes);
    expect(good).toEqual([]);
    expect(bad.length).toBeGreaterThan(0);
    for (const { message } of bad) expect(message.length).toBeGreaterThan(5);
  });
  it('a bomb ends at the limit, and the memory it takes does not grow', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024, 'a b\n'));
    let total = 0;
    const reading = async (): Promise<void> => {
      for await (const chunk of contentOf(Readable.from([bomb]), { maxBytes: 8 * 1024 * 1024 })) total += chunk.length;
    };
    await expect(reading()).rejects.toThrow('the content is over 8388608 bytes');
    expect(total).toBeLessThanOrEqual(8 * 1024 * 1024);
  });
  it('an array of 200,000 tiny elements is cut up chunk by chunk', async () => {
    const bytes = utf8(`[${'{"traceId":"a","id":"1"},'.repeat(3)}${'1,'.repeat(200_000)}1]`);
    const { format, items, bad } = await readBytes(bytes);
    expect({ format, traces: items.traces, bad: bad.length }).toEqual({ format: 'zipkin-json', traces: 3, bad: 200_001 });
  });
  it('CSV with bad rows: each is named by its line, the rest is taken', async () => {
    const rows = [
      'ts,level,message',
      '2026-11-21 19:33:55,info,ok',
      'x,info,no time',
      '2026-11-21 19:33:56,info',
      '2026-11-21 19:33:57,info,"open',
      '2026-11-21 19:33:58,info,ok',
      '2026-11-21 19:33:59,info,"two',
      'lines"',
      ...Array.from({ length: 5 }, (_, i) => `2026-11-21 19:34:0${i},info,ok`),
    ];
    const { items, bad, format } = await readBytes(utf8(rows.join('\n')));
    expect(format).toBe('csv');
    expect(bad.map(({ line }) => line)).toEqual([3, 4, 5]);
    expect(items.logs).toBe(8);
  });
  it('recognising is a function of the bytes alone, and any cut of a head is recognised or refused', () => {
    const head = readFileSync(import.meta.filename);
    for (let length = 0; length < 2_000; length += 37)
      expect(recognise(head.subarray(0, length), false)).toEqual(recognise(head.subarray(0, length), false));
  });
});
