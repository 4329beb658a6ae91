import { describe, expect, it } from 'vitest';
import type { DecodedRecord } from '#contracts/columns.ts';
import type { JournalRecord } from '#contracts/journal.ts';
import { IngestAccount } from './ingest-account.ts';
import { IngestLoop, type IngestOptions } from './ingest-loop.ts';

const record = (position: number): JournalRecord => ({
  kind: 1,
  format: 1,
  encoding: 0,
  receivedUnixNano: 0n,
  retentionSeconds: 0,
  items: 3,
  source: 'otlp-http',
  meta: '',
  body: new Uint8Array(10),
  position,
  next: position + 10,
});
const nothing: DecodedRecord = { batches: [], dropped: new Map([['invalid_id', 1]]), noted: new Map() };
const hotOf = (bytes: number) => {
  const none = { rows: 0, bytes: 0 };
  return { spans: { rows: 1, bytes }, logs: none, samples: none, histograms: none, exemplars: none, profiles: none, profile_samples: none };
};

function rig(more: Partial<IngestOptions> = {}) {
  const waiting: JournalRecord[] = [];
  const appended: number[] = [];
  const aside: number[] = [];
  const account = new IngestAccount();
  const state = { hotBytes: 0, flushes: 0 };
  const damage = { places: 0, bytes: 0 };
  const lines: string[] = [];
  const store = {
    append: ({ position }: { position: number }) => void appended.push(position),
    hot: () => hotOf(state.hotBytes),
    firstOfBatch: () => true,
    relieve: async () => {
      state.flushes++;
      state.hotBytes = 0;
    },
  };
  const reader = { position: 0, read: async () => waiting.splice(0, 4), close: () => undefined, damage };
  const loop = new IngestLoop({
    reader: reader as never,
    store,
    account,
    decode: async () => nothing,
    quarantine: async (r) => void aside.push(r.position),
    onVisible: () => undefined,
    nowMs: () => 0,
    log: (line) => void lines.push(line),
    // Only a word wakes it: a test that waits for the poll would hide a lost one.
    pollMs: 1_000_000,
    ...more,
  });
  return { waiting, appended, aside, account, state, loop, damage, lines };
}
const positions = (n: number): number[] => Array.from({ length: n }, (_, i) => i * 10);

describe('IngestLoop', () => {
  it('appends every record once, in order, and says when it is done', async () => {
    const { loop, waiting, appended, account } = rig();
    waiting.push(...positions(11).map(record));
    loop.start();
    expect(await loop.drained()).toBe(110);
    expect(appended).toEqual(positions(11));
    expect(account.records).toBe(11);
    expect(account.dropped.get('otlp-http')?.get('invalid_id')).toBe(11);
    await loop.stop();
  });
  it('says once what of the journal is lost', async () => {
    const { loop, waiting, damage, lines } = rig();
    damage.places = 2;
    damage.bytes = 900;
    waiting.push(...positions(9).map(record));
    loop.start();
    await loop.drained();
    await loop.stop();
    expect(lines).toEqual(['the journal was damaged at 2 places: 900 bytes of acknowledged requests are lost']);
    expect(loop.damage).toEqual({ places: 2, bytes: 900 });
  });
  it('wakes at a word, also at one said while it works', async () => {
    const { loop, waiting, appended } = rig();
    loop.start();
    await loop.drained();
    waiting.push(record(0));
    loop.wake();
    await loop.drained();
    expect(appended).toEqual([0]);
    await loop.stop();
  });
  it('sets a record aside that throws, tells the store that it is done, and goes on', async () => {
    const broken: IngestOptions['decode'] = async (r) => {
      if (r.position === 10) throw new Error('no such field');
      return nothing;
    };
    const { loop, waiting, appended, aside, account } = rig({ decode: broken });
    waiting.push(...positions(3).map(record));
    loop.start();
    await loop.drained();
    expect(appended).toEqual([0, 10, 20]);
    expect(aside).toEqual([10]);
    expect(account.dropped.get('otlp-http')?.get('engine_cannot_decode')).toBe(3);
    await loop.stop();
  });
  it('does not take a journal that cannot be read for one that is read to its end', async () => {
    const left = [record(0)];
    let failures = 0;
    const read = async (): Promise<JournalRecord[]> => {
      if (failures++ < 3) throw new Error('EIO');
      return left.splice(0);
    };
    const { loop, appended } = rig({
      reader: { position: 0, read, close: () => undefined, damage: { places: 0, bytes: 0 } } as never,
      pollMs: 1,
    });
    loop.start();
    expect(await loop.drained()).toBe(10);
    expect(appended).toEqual([0]);
    await loop.stop();
  });
  it('writes before it reads on when hot rows are over budget', async () => {
    const { loop, waiting, state } = rig({ hotBudgetBytes: 100 });
    state.hotBytes = 101;
    waiting.push(...positions(2).map(record));
    loop.start();
    await loop.drained();
    expect(state.flushes).toBe(1);
    expect(loop.paused).toBe(false);
    await loop.stop();
  });
  it('says once that hot rows cannot be written, however often it is woken', async () => {
    const lines: string[] = [];
    let tries = 0;
    const relieve = async (): Promise<void> => {
      tries++;
      throw new Error('disk full');
    };
    const store = { append: () => undefined, hot: () => hotOf(101), firstOfBatch: () => true, relieve };
    const { loop, waiting } = rig({ hotBudgetBytes: 100, log: (line) => lines.push(line), store });
    waiting.push(record(0));
    loop.start();
    while (tries < 20) {
      loop.wake();
      await new Promise(setImmediate);
    }
    expect(lines).toEqual(['cannot write hot rows: disk full']);
    await loop.stop();
  });
  it('refuses those who come once it stops, and stops twice', async () => {
    const { loop } = rig();
    loop.start();
    await loop.drained();
    await Promise.all([loop.stop(), loop.stop()]);
    await expect(loop.drained()).rejects.toThrow('stopping');
  });
});
