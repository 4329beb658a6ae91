import {
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BodyEncoding, BodyFormat, type JournalEntry, type JournalRecord, offsetOf, RecordKind, segmentOf } from '#contracts/journal.ts';
import { type Journal, type JournalOptions, openJournal } from './journal.ts';
import { alignedBytes, encodeRecord, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, segmentFileName } from './journal-format.ts';
import { type JournalReader, openJournalReader } from './journal-reader.ts';

const SEGMENT_BYTES = 64 * 1024;
let dir: string;
let open: { close(): Promise<void> }[];
beforeEach(() => {
  dir = path.join(mkdtempSync(path.join(tmpdir(), 'faultline-journal-')), 'journal');
  open = [];
});
afterEach(async () => {
  for (const each of open) await each.close();
  rmSync(path.dirname(dir), { recursive: true, force: true });
});

async function journal(options: Partial<JournalOptions> = {}): Promise<Journal> {
  const opened = await openJournal(dir, {
    durability: 'none',
    maxBytes: 64 * SEGMENT_BYTES,
    segmentBytes: SEGMENT_BYTES,
    diskReserveBytes: 0,
    ...options,
  });
  open.push(opened);
  return opened;
}
async function reader(from = 0): Promise<JournalReader> {
  const opened = await openJournalReader(dir, from);
  open.push(opened);
  return opened;
}
/** Body of `length` bytes that says its number, so that a mix-up shows. */
function entry(number: number, length = 1000): JournalEntry {
  const body = Buffer.alloc(length, number % 251);
  body.write(`#${number};`);
  return {
    kind: RecordKind.traces,
    format: BodyFormat.protobuf,
    encoding: BodyEncoding.identity,
    receivedUnixNano: BigInt(number) + 1_700_000_000_000_000_000n,
    retentionSeconds: 604_800,
    items: number,
    source: 'otlp-http',
    meta: number % 3 === 0 ? `{"n":${number},"ü":"Größe"}` : '',
    body,
  };
}
const numberOf = (record: JournalRecord): number => Number(/^#(\d+);/.exec(Buffer.from(record.body).toString('latin1', 0, 16))?.[1]);
async function readAll(from: JournalReader, maxBytes = 1 << 20): Promise<JournalRecord[]> {
  const all: JournalRecord[] = [];
  for (;;) {
    const records = await from.read(maxBytes);
    if (records.length === 0) return all;
    all.push(...records);
  }
}
async function readUntilError(from: JournalReader): Promise<{ readonly records: JournalRecord[]; readonly error: string }> {
  const records: JournalRecord[] = [];
  try {
    for (let some = await from.read(1 << 20); some.length > 0; some = await from.read(1 << 20)) records.push(...some);
    return { records, error: '' };
  } catch (error) {
    return { records, error: (error as Error).message };
  }
}
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const segmentFiles = (): string[] => readdirSync(dir).filter((name) => name.startsWith('segment-'));
/** Overwrites bytes of a segment file as a failing disk would. */
function damage(position: number, bytes: Buffer): void {
  const file = path.join(dir, segmentFileName(segmentOf(position)));
  const content = readFileSync(file);
  bytes.copy(content, offsetOf(position));
  writeFileSync(file, content);
}

describe('what is appended is read back', () => {
  it('gives every field back as it was', async () => {
    const written = await journal();
    const source = {
      ...entry(3),
      kind: RecordKind.scrape,
      format: BodyFormat.text,
      encoding: BodyEncoding.gzip,
      source: 'scrape:a:b',
    } as const;
    const next = await written.append(source);
    const [record, ...rest] = await readAll(await reader());
    expect(rest).toEqual([]);
    expect(record).toMatchObject({ ...source, body: expect.anything(), next });
    expect(Buffer.from(record?.body ?? []).equals(source.body)).toBe(true);
  });

  it.each(['j'.repeat(300), 'ü'.repeat(128), `x${'名'.repeat(90)}`])(
    'cuts a source longer than its field, nothing else: %s',
    async (source) => {
      const written = await journal();
      const sent = entry(3);
      await written.append({ ...sent, source });
      await written.append(entry(4));
      const [record, next] = await readAll(await reader());
      expect(source.startsWith(record?.source as string)).toBe(true);
      expect(Buffer.byteLength(record?.source as string)).toBeGreaterThan(251);
      expect(record?.meta).toBe(sent.meta);
      expect(Buffer.from(record?.body ?? []).equals(sent.body)).toBe(true);
      expect(numberOf(next as JournalRecord)).toBe(4);
    },
  );

  it.each(['sync', 'none', { intervalMs: 5 }] as const)('keeps order over many segments, durability %j', async (durability) => {
    const written = await journal({ durability });
    const positions = await Promise.all(numbers(1, 300).map((n) => written.append(entry(n, 500 + n * 3))));
    expect([...positions].sort((a, b) => a - b)).toEqual(positions);
    const records = await readAll(await reader());
    expect(records.map(numberOf)).toEqual(numbers(1, 300));
    expect(records.map((r) => r.next)).toEqual(positions);
    expect(written.committed).toBe(positions.at(-1));
    expect(segmentFiles().length).toBeGreaterThan(3);
  });

  it('is indifferent to how much is read at once', async () => {
    const written = await journal();
    await Promise.all(numbers(1, 120).map((n) => written.append(entry(n, n * 37))));
    for (const maxBytes of [1, 48, 100, 4096, 1 << 22]) {
      expect((await readAll(await reader(), maxBytes)).map(numberOf)).toEqual(numbers(1, 120));
    }
  });

  it('takes a record larger than a segment, and an empty body', async () => {
    const written = await journal();
    await written.append(entry(1));
    await written.append(entry(2, 5 * SEGMENT_BYTES));
    await written.append({ ...entry(3), body: new Uint8Array(0) });
    await written.append(entry(4));
    const records = await readAll(await reader());
    expect(records.map((r) => r.body.length)).toEqual([1000, 5 * SEGMENT_BYTES, 0, 1000]);
  });

  it('reads on from any position it gave out', async () => {
    const written = await journal();
    const positions = await Promise.all(numbers(1, 100).map((n) => written.append(entry(n))));
    for (const at of [0, 17, 60, 61, 62, 98]) {
      expect((await readAll(await reader(positions[at]))).map(numberOf)).toEqual(numbers(at + 2, 100));
    }
  });
});

describe('a reader beside the writer', () => {
  it('sees a record once it is written, and nothing before', async () => {
    const following = await reader();
    expect(await following.read(1024)).toEqual([]);
    const written = await journal();
    expect(await following.read(1024)).toEqual([]);
    for (const n of numbers(1, 200)) {
      await written.append(entry(n, 900));
      expect((await following.read(1 << 20)).map(numberOf)).toEqual([n]);
      expect(following.position).toBe(written.committed);
    }
    expect(following.damage).toEqual({ places: 0, bytes: 0 });
  });

  it('loses nothing while polling as fast as it can', async () => {
    const written = await journal({ durability: 'sync' });
    const following = await reader();
    const seen: number[] = [];
    let done = false;
    const reading = (async () => {
      while (!done || seen.length < 400) seen.push(...(await following.read(1 << 16)).map(numberOf));
    })();
    await Promise.all(
      numbers(0, 3).map(async (lane) => {
        for (let i = 0; i < 100; i++) await written.append(entry(lane * 100 + i, 700));
      }),
    );
    done = true;
    await reading;
    expect(seen.length).toBe(400);
    expect(new Set(seen).size).toBe(400);
    expect(following.damage.places).toBe(0);
  });

  it('reads all there is, whatever it was told of the end', async () => {
    const written = await journal();
    const following = await reader();
    const seen: number[] = [];
    for (const n of numbers(0, 59)) {
      const before = written.committed;
      await Promise.all([1, 2, 3].map((k) => written.append(entry(n * 3 + k, 200 + n * 150))));
      // The truth, what was true a while ago, too little, and more than was ever written.
      following.told([written.committed, before, before + 20, written.committed + 100_000, following.position, 0][n % 6] as number);
      seen.push(...(await readAll(following)).map(numberOf));
    }
    expect(seen).toEqual(numbers(1, 180));
    expect(following.damage).toEqual({ places: 0, bytes: 0 });
  });

  it('survives that its segment is recycled and written again behind it', async () => {
    const written = await journal();
    for (const n of numbers(1, 40)) await written.append(entry(n, 1500));
    const slow = await reader();
    expect(numberOf((await slow.read(1))[0] as JournalRecord)).toBe(1);
    const quick = await reader();
    await readAll(quick);
    written.release(quick.position);
    for (const n of numbers(41, 400)) await written.append(entry(n, 1500));
    const rest = (await readAll(slow)).map(numberOf);
    expect(rest.at(-1)).toBe(400);
    expect(rest).toEqual([...rest].sort((a, b) => a - b));
  });
});

describe('segments', () => {
  it('are used again once released, and stale records never show', async () => {
    const written = await journal();
    const following = await reader();
    const seen: number[] = [];
    for (const n of numbers(1, 600)) {
      // Shorter and shorter records: what stood behind the tail in the file's former life is whole and well-formed.
      await written.append(entry(n, 3000 - 4 * n));
      seen.push(...(await following.read(1 << 20)).map(numberOf));
      written.release(following.position);
    }
    expect(seen).toEqual(numbers(1, 600));
    await written.close();
    expect(readdirSync(dir).length).toBeLessThanOrEqual(6);
    const again = await journal();
    await again.append(entry(601));
    seen.push(...(await readAll(following)).map(numberOf));
    expect(seen).toEqual(numbers(1, 601));
  });

  it('keeps what is not released, whatever the release before says', async () => {
    const written = await journal();
    const positions: number[] = [];
    for (const n of numbers(1, 200)) positions.push(await written.append(entry(n)));
    written.release(positions[99] as number);
    written.release(positions[3] as number);
    await written.append(entry(201));
    expect((await readAll(await reader(positions[99]))).map(numberOf)).toEqual(numbers(101, 201));
  });

  it('never writes into a segment of a former process', async () => {
    const first = await journal();
    await first.append(entry(1));
    await first.close();
    const second = await journal();
    await second.append(entry(2));
    await second.close();
    expect(segmentFiles()).toEqual([segmentFileName(1), segmentFileName(2)]);
    expect((await readAll(await reader())).map(numberOf)).toEqual([1, 2]);
  });

  it('does not pile up empty segments over restarts', async () => {
    for (let i = 0; i < 5; i++) await (await journal()).close();
    expect(segmentFiles().length).toBe(1);
    expect(readdirSync(dir).length).toBeLessThanOrEqual(4);
  });

  it('goes on after the store when its folder was lost', async () => {
    const lost = await journal();
    for (const n of numbers(1, 300)) await lost.append(entry(n));
    const stored = lost.committed;
    await lost.close();
    rmSync(dir, { recursive: true });
    const following = await reader(stored);
    const fresh = await journal();
    fresh.release(stored);
    const next = await fresh.append(entry(1));
    expect(next).toBeGreaterThan(stored);
    expect((await readAll(following)).map(numberOf)).toEqual([1]);
    await fresh.close();
    rmSync(dir, { recursive: true });
    expect(await (await journal({ startAfter: next })).append(entry(2))).toBeGreaterThan(next);
  });
});

/** open(2) flags of the segments this process has open, as Linux tells them. */
function flagsOfSegments(): number[] {
  const flags: number[] = [];
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (!readlinkSync(`/proc/self/fd/${fd}`).startsWith(path.join(dir, 'segment-'))) continue;
      flags.push(Number.parseInt(/flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0', 8));
    } catch {
      // closed between listing and reading
    }
  }
  return flags;
}
describe.skipIf(process.platform !== 'linux')('on Linux a write', () => {
  it.each([
    ['sync', true],
    ['none', false],
  ] as const)('with durability %s comes back durable: %s', async (durability, durable) => {
    const writer = await journal({ durability });
    await writer.append(entry(1));
    const flags = flagsOfSegments();
    expect(flags.length).toBeGreaterThan(0);
    expect(flags.map((each) => (each & constants.O_DSYNC) !== 0)).toEqual(flags.map(() => durable));
  });
});

describe('damage', () => {
  async function threeOf(count: number): Promise<{ positions: number[]; written: Journal }> {
    const written = await journal();
    const positions = [written.committed];
    for (const n of numbers(1, count)) positions.push(await written.append(entry(n)));
    return { positions, written };
  }
  it('in a body costs that record only', async () => {
    const { positions } = await threeOf(30);
    damage((positions[10] as number) + 500, Buffer.from('broken'));
    const from = await reader();
    expect((await readAll(from)).map(numberOf)).toEqual(numbers(1, 30).filter((n) => n !== 11));
    expect(from.damage.places).toBe(1);
  });
  it('in a header of a finished segment costs that record only', async () => {
    const { positions } = await threeOf(200);
    damage((positions[10] as number) + 20, Buffer.from('broken'));
    const from = await reader();
    expect((await readAll(from)).map(numberOf)).toEqual(numbers(1, 200).filter((n) => n !== 11));
    expect(from.damage.places).toBe(1);
  });
  it('in a header of the segment being written is passed once the writer is seen to go on', async () => {
    const { positions, written } = await threeOf(20);
    damage((positions[10] as number) + 20, Buffer.from('broken'));
    const from = await reader();
    const seen: number[] = [];
    for (let n = 21; n < 80 && !seen.includes(n - 1); n++) {
      await written.append(entry(n, 10));
      // File times advance in steps of a few milliseconds.
      await new Promise((resolve) => setTimeout(resolve, 6));
      seen.push(...(await from.read(1 << 20)).map(numberOf));
    }
    expect(seen.slice(0, 20)).toEqual([...numbers(1, 10), ...numbers(12, 21)]);
    expect(from.damage.places).toBe(1);
  });
  it('at the end of a killed writer is not read and not in the way', async () => {
    const { positions, written } = await threeOf(10);
    await written.close();
    // A record torn in its body, then one torn in its header; the seal is gone.
    damage((positions[9] as number) + RECORD_HEADER_BYTES + 400, Buffer.alloc(8000, 0xee));
    const following = await reader();
    expect((await readAll(following)).map(numberOf)).toEqual(numbers(1, 9));
    const again = await journal();
    await again.append(entry(11));
    expect((await readAll(following)).map(numberOf)).toEqual([11]);
  });
  it('of a cut file is passed', async () => {
    const { positions, written } = await threeOf(200);
    await written.close();
    truncateSync(path.join(dir, segmentFileName(1)), offsetOf(positions[20] as number) + 30);
    const seen = (await readAll(await reader())).map(numberOf);
    expect(seen.slice(0, 20)).toEqual(numbers(1, 20));
    expect(seen.at(-1)).toBe(200);
  });
  // Found by tests/faults (read-error): a segment the disk could not read was passed over without a word.
  it('of a disk that fails to read is waited out, then passed over and counted', async () => {
    const { written } = await threeOf(200);
    await written.close();
    const second = path.join(dir, segmentFileName(2));
    // A folder opens and cannot be read: EISDIR for EIO.
    renameSync(second, `${second}.away`);
    mkdirSync(second);
    const patient = await reader();
    const hasty = await openJournalReader(dir, 0, { patienceMs: 0 });
    const first = await readUntilError(patient);
    expect(first.records.length).toBeGreaterThan(5);
    expect(first.error).toContain('segment 2 cannot be read at 64: EISDIR');
    expect((await readUntilError(patient)).records).toEqual([]);
    const rest = await readAll(hasty);
    expect(rest.map(numberOf).slice(0, first.records.length)).toEqual(first.records.map(numberOf));
    expect(rest.map(numberOf).at(-1)).toBe(200);
    expect(rest.length).toBeLessThan(200);
    expect(hasty.damage.places).toBe(1);
    rmdirSync(second);
    renameSync(`${second}.away`, second);
    expect([...first.records, ...(await readAll(patient))].map(numberOf)).toEqual(numbers(1, 200));
    expect(patient.damage).toEqual({ places: 0, bytes: 0 });
    await hasty.close();
  });
  it('never takes a record from inside a body', async () => {
    const written = await journal();
    // What a sender who knew segment and offset could post: a body that is itself a valid record of that very place.
    const bodyOffset = SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + 'otlp-http'.length;
    const pieces: Uint8Array[] = [Buffer.alloc(alignedBytes(bodyOffset) - bodyOffset)];
    encodeRecord(entry(99), 1, alignedBytes(bodyOffset), pieces);
    const start = written.committed;
    await written.append({ ...entry(1), body: Buffer.concat(pieces) });
    await written.append(entry(2));
    damage(start + RECORD_HEADER_BYTES, Buffer.from('broken'));
    expect((await readAll(await reader())).map((r) => r.items)).toEqual([2]);
  });
  it('as empty and foreign files is ignored', async () => {
    const { written } = await threeOf(3);
    await written.close();
    writeFileSync(path.join(dir, 'segment-nonsense.journal'), 'x');
    writeFileSync(path.join(dir, segmentFileName(5)), '');
    const again = await journal();
    await again.append(entry(4));
    expect((await readAll(await reader())).map(numberOf)).toEqual(numbers(1, 4));
  });
});

describe('limits', () => {
  it('refuses when the journal is full, and goes on after a release', async () => {
    const written = await journal({ maxBytes: 3 * SEGMENT_BYTES });
    const results = await Promise.allSettled(numbers(1, 300).map((n) => written.append(entry(n))));
    const kept = results.filter((r) => r.status === 'fulfilled').length;
    expect(kept).toBeGreaterThan(100);
    expect(kept).toBeLessThan(3 * 64);
    expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: { reason: 'journal_full' } });
    expect(written.stats().refusing).toBe('journal_full');
    const following = await reader();
    expect((await readAll(following)).length).toBe(kept);
    written.release(following.position);
    await written.append(entry(301));
    expect(written.stats().refusing).toBe('');
  });
  it('keeps what is there when it is opened with a smaller limit, and takes more once that is released', async () => {
    const written = await journal();
    for (const n of numbers(1, 200)) await written.append(entry(n));
    await written.close();
    const smaller = await journal({ maxBytes: SEGMENT_BYTES });
    await expect(smaller.append(entry(201))).rejects.toMatchObject({ reason: 'journal_full' });
    const following = await reader();
    expect((await readAll(following)).map(numberOf)).toEqual(numbers(1, 200));
    smaller.release(following.position);
    await smaller.append(entry(201));
    expect((await readAll(following)).map(numberOf)).toEqual([201]);
  });
  it('refuses when the disk is down to the reserve', async () => {
    const written = await journal({ diskReserveBytes: Number.MAX_SAFE_INTEGER });
    await expect(written.append(entry(1))).rejects.toMatchObject({ reason: 'disk_full' });
    expect(written.stats().refusing).toBe('disk_full');
    expect(segmentFiles()).toEqual([]);
  });
  it('has one writer', async () => {
    const written = await journal();
    await expect(journal()).rejects.toMatchObject({ code: 'data_dir_locked' });
    await written.close();
    await (await journal()).close();
    expect(existsSync(path.join(dir, 'lock'))).toBe(false);
  });
  it('takes over the lock of a process that is gone', async () => {
    await (await journal()).close();
    writeFileSync(path.join(dir, 'lock'), '4194304 1\n');
    await (await journal()).append(entry(1));
  });
  it('writes what waits when it closes, and refuses after', async () => {
    const written = await journal({ durability: 'sync' });
    const appended = numbers(1, 50).map((n) => written.append(entry(n)));
    await Promise.all([written.close(), written.close()]);
    expect((await Promise.all(appended)).length).toBe(50);
    await expect(written.append(entry(51))).rejects.toMatchObject({ reason: 'shutting_down' });
    expect((await readAll(await reader())).map(numberOf)).toEqual(numbers(1, 50));
  });
  it('names a folder that cannot be written', async () => {
    writeFileSync(`${path.dirname(dir)}/file`, '');
    await expect(
      openJournal(path.join(path.dirname(dir), 'file', 'journal'), { durability: 'none', maxBytes: 1, diskReserveBytes: 0 }),
    ).rejects.toMatchObject({
      code: 'data_dir_not_writable',
    });
  });
});
