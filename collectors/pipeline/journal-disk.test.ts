import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { BodyEncoding, BodyFormat, type JournalEntry, RecordKind } from '#contracts/journal.ts';
import { openJournal } from './journal.ts';
import { openJournalReader } from './journal-reader.ts';

const SEGMENT_BYTES = 256 * 1024;
const mountPoint = mkdtempSync(path.join(tmpdir(), 'faultline-small-disk-'));
const mounted = ((): boolean => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mountPoint], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
afterAll(() => {
  if (mounted) execFileSync('umount', ['-l', mountPoint]);
  rmSync(mountPoint, { recursive: true, force: true });
});
const entry = (number: number): JournalEntry => ({
  kind: RecordKind.logs,
  format: BodyFormat.protobuf,
  encoding: BodyEncoding.identity,
  receivedUnixNano: 0n,
  retentionSeconds: 0,
  items: number,
  source: 'otlp-http',
  meta: '',
  body: Buffer.alloc(10_000, number % 251),
});

// Without the right to mount, the reserve check in journal.test.ts stands in.
it.skipIf(!mounted)('a full disk refuses before harm, keeps what was acknowledged, and receiving goes on once there is room', async () => {
  const dir = path.join(mountPoint, 'journal');
  const journal = await openJournal(dir, { durability: 'sync', maxBytes: 1e9, segmentBytes: SEGMENT_BYTES, diskReserveBytes: 0 });
  const results = await Promise.allSettled(Array.from({ length: 400 }, (_, i) => journal.append(entry(i))));
  const refused = results.filter((result) => result.status === 'rejected');
  expect(refused.length).toBeGreaterThan(100);
  for (const { reason } of refused) expect(reason).toMatchObject({ reason: 'disk_full' });
  const kept = results.length - refused.length;
  expect(kept).toBeGreaterThan(50);

  const reader = await openJournalReader(dir, 0);
  let read = 0;
  for (let records = await reader.read(1 << 20); records.length > 0; records = await reader.read(1 << 20)) {
    for (const record of records) expect(record.items).toBe(read++);
  }
  expect(read).toBe(kept);
  journal.release(reader.position);
  await journal.append(entry(read));
  expect((await reader.read(1 << 20)).map((record) => record.items)).toEqual([read]);
  await reader.close();
  await journal.close();
});

it.skipIf(!mounted)('another program filling the disk does not hurt the segment at hand', async () => {
  const dir = path.join(mountPoint, 'second');
  rmSync(path.join(mountPoint, 'journal'), { recursive: true, force: true });
  const journal = await openJournal(dir, { durability: 'sync', maxBytes: 1e9, segmentBytes: SEGMENT_BYTES, diskReserveBytes: 0 });
  await journal.append(entry(0));
  const filler = path.join(mountPoint, 'filler');
  try {
    writeFileSync(filler, Buffer.alloc(4 * 1024 * 1024));
  } catch {
    // Full is what it should be.
  }
  // The segment's blocks are there already: what fits into it is still taken.
  for (let i = 1; i < 20; i++) await journal.append(entry(i));
  unlinkSync(filler);
  await journal.close();
});

// Found by tests/faults (disk): four spare files kept a disk below the reserve, and receiving stopped for good.
it.skipIf(!mounted)('gives back its spare files before it refuses', async () => {
  const dir = path.join(mountPoint, 'third');
  const segmentBytes = 64 * 1024;
  rmSync(path.join(mountPoint, 'second'), { recursive: true, force: true });
  const journal = await openJournal(dir, {
    durability: 'sync',
    maxBytes: 1e9,
    segmentBytes,
    diskReserveBytes: segmentBytes,
  });
  const reader = await openJournalReader(dir, 0);
  for (let i = 0; i < 50; i++) await journal.append(entry(i));
  for (let records = await reader.read(1 << 20); records.length > 0; records = await reader.read(1 << 20)) journal.release(reader.position);
  // Now most of the journal's files are spare. Somebody else takes all the room but half of the reserve.
  const spares = (): number => readdirSync(dir).filter((name) => name.startsWith('spare-')).length;
  await expect.poll(spares).toBeGreaterThan(2);
  const { bavail, bsize } = await statfs(mountPoint);
  const filler = path.join(mountPoint, 'filler');
  writeFileSync(filler, Buffer.alloc(bavail * bsize - segmentBytes / 2));
  // The journal looks once a second.
  await expect.poll(() => journal.stats().diskFreeBytes, { timeout: 10_000 }).toBeLessThan(bavail * bsize);
  await journal.append(entry(50));
  expect(spares()).toBeLessThan(3);
  unlinkSync(filler);
  await reader.close();
  await journal.close();
});
