import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BodyEncoding, BodyFormat, type JournalEntry, type JournalPosition, RecordKind, segmentOf } from '#contracts/journal.ts';
import { type EvictReason, type Journal, type JournalOptions, openJournal } from './journal.ts';
import { JournalIndex } from './journal-index.ts';
import { openJournalReader } from './journal-reader.ts';
import type { EvictedSegment } from './journal-segments.ts';
import { noAmount } from './journal-walk.ts';

/** Segments that only forwarding still wants. */
const SEGMENT_BYTES = 64 * 1024;
let dir: string;
let open: Journal[];
let evicted: (EvictedSegment & { reason: EvictReason })[];
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'faultline-keep-'));
  open = [];
  evicted = [];
});
afterEach(async () => {
  for (const each of open) await each.close();
  rmSync(dir, { recursive: true, force: true });
});
async function journal(more: Partial<JournalOptions> = {}): Promise<Journal> {
  const made = await openJournal(dir, {
    durability: 'none',
    maxBytes: 4 * SEGMENT_BYTES,
    keepMaxBytes: 100 * SEGMENT_BYTES,
    heldFrom: 0,
    segmentBytes: SEGMENT_BYTES,
    diskReserveBytes: 0,
    onEvict: async (segment, reason) => void evicted.push({ ...segment, reason }),
    ...more,
  });
  open.push(made);
  return made;
}
const entry = (items = 5, kind: JournalEntry['kind'] = RecordKind.traces): JournalEntry => ({
  kind,
  format: BodyFormat.protobuf,
  encoding: BodyEncoding.identity,
  receivedUnixNano: 1n,
  retentionSeconds: 0,
  items,
  source: 'test',
  meta: '',
  body: new Uint8Array(20_000),
});
const segments = (): number => readdirSync(dir).filter((name) => name.startsWith('segment-')).length;
async function settled(written: Journal): Promise<void> {
  // What release and hold start is done in the journal's turn: an append behind it waits for it.
  await written.append(entry(0));
}
async function readAll(from: JournalPosition): Promise<number> {
  const reader = await openJournalReader(dir, from);
  let count = 0;
  for (let some = await reader.read(1 << 20); some.length > 0; some = await reader.read(1 << 20)) count += some.length;
  await reader.close();
  return count;
}
/** Fills segments, each released by the store at once. */
async function fill(written: Journal, records: number): Promise<void> {
  for (let i = 0; i < records; i++) written.release(await written.append(entry()));
}

describe('what forwarding holds', () => {
  it('stays readable after the store has released it, and does not count against the journal', async () => {
    const written = await journal();
    await fill(written, 60);
    await settled(written);
    expect(await readAll(0)).toBe(61);
    expect(written.stats().refusing).toBe('');
    expect(written.stats().keptBytes).toBeGreaterThan(10 * SEGMENT_BYTES);
  });
  it('is used again once forwarding is past it', async () => {
    const written = await journal();
    await fill(written, 60);
    await settled(written);
    const before = segments();
    written.hold(written.committed);
    await settled(written);
    expect(segments()).toBeLessThan(before / 3);
    expect(written.stats().keptBytes).toBe(0);
  });
  it('is not kept without forwarding', async () => {
    const written = await journal({ heldFrom: Number.MAX_SAFE_INTEGER });
    await fill(written, 60);
    await settled(written);
    expect(segments()).toBeLessThan(5);
  });
  it('beyond its limit the oldest goes, counted', async () => {
    const written = await journal({ keepMaxBytes: 5 * SEGMENT_BYTES });
    await fill(written, 60);
    await settled(written);
    expect(written.stats().keptBytes).toBeLessThanOrEqual(5 * SEGMENT_BYTES);
    expect(evicted.length).toBeGreaterThan(3);
    expect(evicted.map(({ sequence }) => sequence)).toEqual(evicted.map(({ sequence }) => sequence).toSorted((a, b) => a - b));
    const lost = evicted.reduce((sum, { amount }) => sum + amount.traces.requests, 0);
    expect(lost + (await readAll(0))).toBe(61);
    expect(evicted.every(({ reason, amount }) => reason === 'queue_full' && amount.traces.items === amount.traces.requests * 5)).toBe(true);
  });
  it('gives way before anything is refused when the disk fills up', async () => {
    const { bavail, bsize } = (await import('node:fs')).statfsSync(dir);
    const written = await journal();
    await fill(written, 30);
    await settled(written);
    expect(written.stats().keptBytes).toBeGreaterThan(0);
    await written.close();
    // The same folder with a reserve larger than the disk has: what is kept goes first, then receiving is refused as ever.
    const full = await journal({ diskReserveBytes: bavail * bsize + 1e12 });
    full.release(full.committed);
    await new Promise((done) => setTimeout(done, 2_500));
    expect(full.stats().keptBytes).toBe(0);
    expect(evicted.length).toBeGreaterThan(3);
    expect(evicted.every(({ reason }) => reason === 'queue_disk_full')).toBe(true);
    await expect(full.append(entry())).rejects.toMatchObject({ reason: 'disk_full' });
  });
  it('survives a restart: nothing goes before forwarding has said what it needs', async () => {
    const first = await journal();
    await fill(first, 40);
    await first.close();
    const second = await journal();
    await fill(second, 10);
    await settled(second);
    expect(await readAll(0)).toBe(51);
    expect(evicted).toEqual([]);
  });
});

describe('JournalIndex', () => {
  it('says how much lies after a position, by signal, as the journal grows', async () => {
    const written = await journal();
    const index = new JournalIndex(dir);
    await written.append(entry(3));
    const second = await written.append(entry(4, RecordKind.logs));
    await index.update(0);
    expect(index.after(0, noAmount()).amount).toEqual({
      traces: { requests: 1, items: 3 },
      logs: { requests: 1, items: 4 },
      metrics: { requests: 0, items: 0 },
    });
    await fill(written, 20);
    await written.append(entry(0, RecordKind.scrape));
    await Promise.all([index.update(0), index.update(0), index.update(0)]);
    const all = index.after(0, noAmount());
    expect(all.amount).toMatchObject({ traces: { requests: 21, items: 103 }, metrics: { requests: 1, items: 1 } });
    expect(index.end).toBe(written.committed);
    const passed = { ...noAmount(), traces: { requests: 1, items: 3 }, logs: { requests: 1, items: 4 } };
    const rest = index.after(second, passed);
    expect(rest.amount).toMatchObject({ traces: { requests: 20, items: 100 }, logs: { requests: 0, items: 0 } });
    expect(rest.bytes).toBeLessThan(all.bytes);
    await index.update(written.committed);
    expect(index.after(written.committed, noAmount()).bytes).toBe(0);
    expect(segmentOf(index.end)).toBeGreaterThan(1);
  });
});
