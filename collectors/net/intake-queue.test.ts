import { describe, expect, it } from 'vitest';
import { Refusal } from '#collectors/otlp/receiver-refusal.ts';
import { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { MemoryBudget } from '#collectors/pipeline/memory-budget.ts';
import { IntakeQueue } from './intake-queue.ts';

function rig(store: (batch: readonly string[]) => Promise<void>, budgetBytes = 80_000) {
  const budget = new MemoryBudget(budgetBytes);
  const account = new SourceAccount('syslog', 'syslog', Date.now);
  const lines: string[] = [];
  const queue = new IntakeQueue<string>({
    ...{ account, budget, store, log: (line) => void lines.push(line), flushMs: 5, batchBytes: 1_000, maxBytes: 1 << 20 },
    countOf: (item) => item.length,
  });
  const add = (item: string, bytes = 100): boolean => queue.add(item, bytes);
  return { queue, budget, add, lines, refused: () => account.status().refused };
}
const SOON = { timeout: 10_000 };

describe('IntakeQueue', () => {
  it('stores what came together in one batch, in its order, one batch at a time', async () => {
    const batches: string[][] = [];
    let going = 0;
    const { add, queue, budget } = rig(async (batch) => {
      expect(++going).toBe(1);
      await new Promise((done) => setTimeout(done, 5));
      batches.push([...batch]);
      going--;
    });
    const items = Array.from({ length: 25 }, (_, i) => `${i}`);
    for (const item of items) expect(add(item)).toBe(true);
    await queue.close(5_000);
    expect(batches.flat()).toEqual(items);
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5]);
    expect(budget.heldBytes).toBe(0);
  });
  it('a batch refused for now is offered again; what waits meanwhile has an end, and asks again when there is room', async () => {
    let full = true;
    const stored: string[] = [];
    const { add, queue, refused, budget } = rig(async (batch) => {
      if (full) throw new Refusal('disk_full');
      stored.push(...batch);
    });
    let taken = 0;
    while (add('x')) taken++;
    // An eighth of the memory, with what an item costs beside its bytes.
    expect(budget.heldBytes).toBeLessThanOrEqual(10_000);
    expect(taken).toBeGreaterThan(20);
    let asked = 0;
    queue.whenRoom(() => asked++);
    full = false;
    await expect.poll(() => asked, SOON).toBe(1);
    expect(add('y')).toBe(true);
    await queue.close(5_000);
    expect([stored.length, refused()]).toEqual([taken + 1, {}]);
  });
  it('what will never be taken, and what fails inside, is counted and does not stop the rest', async () => {
    const { add, queue, refused, lines } = rig(async (batch) => {
      if (batch.includes('large')) throw new Refusal('decompressed_too_large');
      if (batch.includes('bug!!')) throw new Error('BUG');
    });
    for (const item of ['large', 'bug!!', 'fine']) {
      add(item, 990);
      await new Promise((done) => setTimeout(done, 20));
    }
    await queue.close(5_000);
    expect(refused()).toEqual({ decompressed_too_large: 5, journal_failed: 5 });
    expect(lines).toEqual([expect.stringMatching(/^BUG: syslog: Error: BUG/)]);
  });
  it('gives up at the deadline of the stop, and counts', async () => {
    const { add, queue, refused, budget } = rig(async () => {
      throw new Refusal('journal_full');
    });
    add('four');
    await queue.close(50);
    expect([refused(), budget.heldBytes]).toEqual([{ journal_full: 4 }, 0]);
  });
  it('one item larger than the queue is taken when nothing else waits', async () => {
    const stored: string[] = [];
    const { add, queue } = rig(async (batch) => void stored.push(...batch));
    expect([add('huge', 20_000), add('next', 20_000)]).toEqual([true, false]);
    await queue.close(5_000);
    expect(stored).toEqual(['huge']);
  });
});
