import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import { logBodies } from '../fixtures/log-bodies.ts';
import { startTestCollector, type TestCollector } from './receivers-fixture.ts';

const TYPE = { 'content-type': 'application/vnd.fdo.journal' };
/** journalctl -o export of systemd 252: what systemd-journal-upload sends. That program itself is not at hand here. */
const journal = readFileSync(new URL('../fuzz/corpus/journald/journald-252.export', import.meta.url));
let it1: TestCollector;
beforeAll(async () => {
  it1 = await startTestCollector({ maxBodyBytes: 20_000, maxDecompressedBytes: 40_000 });
});
afterAll(() => it1.stop());

describe('uploads of systemd-journal-upload', () => {
  it.each([
    ['as it is', TYPE, journal],
    ['in gzip', { ...TYPE, 'content-encoding': 'gzip' }, gzipSync(journal)],
  ])('%s', async (_, headers, body) => {
    const answer = await it1.post('/upload', body, headers);
    expect([answer.status, answer.bytes.length]).toEqual([202, 0]);
    const record = (await it1.records()).at(-1);
    expect(record).toMatchObject({
      kind: RecordKind.logs,
      format: BodyFormat.protobuf,
      encoding: BodyEncoding.identity,
      items: 5,
      source: 'journald',
    });
    expect(logBodies(record?.body as Uint8Array)).toContain('two\nlines');
  });
  it('nothing: no record', async () => {
    const records = (await it1.records()).length;
    expect((await it1.post('/upload', '', TYPE)).status).toBe(202);
    expect((await it1.records()).length).toBe(records);
  });
  it('the good entries beside bad ones, which are counted', async () => {
    const before = it1.refused('journald')['malformed'] ?? 0;
    expect((await it1.post('/upload', Buffer.concat([Buffer.from('no field\n\n'), journal]), TYPE)).status).toBe(202);
    expect((await it1.records()).at(-1)).toMatchObject({ items: 5 });
    expect(it1.refused('journald')['malformed']).toBe(before + 1);
  });
  it.each<[string, string | Buffer, Record<string, string>, number, string]>([
    ['another type', journal, { 'content-type': 'text/plain' }, 415, 'unsupported_content_type'],
    ['another encoding', journal, { ...TYPE, 'content-encoding': 'xz' }, 415, 'unsupported_encoding'],
    ['no journal', '{"a":1}\n', TYPE, 400, 'malformed'],
    ['broken gzip', journal, { ...TYPE, 'content-encoding': 'gzip' }, 400, 'bad_compression'],
    ['too large', Buffer.alloc(30_000, 0x41), TYPE, 413, 'body_too_large'],
    [
      'too large once inflated',
      gzipSync(Buffer.alloc(300_000, 0x41)),
      { ...TYPE, 'content-encoding': 'gzip' },
      413,
      'decompressed_too_large',
    ],
  ])('%s is refused', async (_, body, headers, status, reason) => {
    const before = it1.refused('journald')[reason] ?? 0;
    const records = (await it1.records()).length;
    expect((await it1.post('/upload', body, headers)).status).toBe(status);
    expect(it1.refused('journald')[reason]).toBe(before + 1);
    expect((await it1.records()).length).toBe(records);
  });
});
