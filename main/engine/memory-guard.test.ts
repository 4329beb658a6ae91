import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FaultlineError } from '#contracts/errors.ts';
import { MemoryGuard, memoryBudget } from './memory-guard.ts';

const GB = 1e9;
const GIB = 1024 ** 3;
function rig(rss: { bytes: number }) {
  const lines: string[] = [];
  const ended: string[] = [];
  const guard = new MemoryGuard({
    budget: { stopBytes: 2 * GB, endBytes: 3 * GB },
    log: (line) => lines.push(line),
    endProcess: (says) => ended.push(says),
    rssBytes: () => rss.bytes,
  });
  return { guard, lines, ended };
}
/** Ends when told to. */
const hearing = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new FaultlineError('cancelled', 'The query was cancelled.'))));
const deaf = (): Promise<never> => new Promise(() => undefined);

describe('memoryBudget', () => {
  it.each([
    [64, 2 * GIB + 896 * 1024 ** 2],
    [8, 1280 * 1024 ** 2],
    [1, GIB / 2],
  ])('of a machine with %d GiB leaves room for others', (total, stopBytes) => {
    const budget = memoryBudget(0, total * GIB);
    expect(budget.stopBytes).toBe(stopBytes);
    expect(budget.endBytes).toBeGreaterThan(budget.stopBytes);
    expect(budget.endBytes).toBeLessThan(0.65 * total * GIB);
  });
  it('is what the settings say', () => expect(memoryBudget(5 * GB, GIB).stopBytes).toBe(5 * GB));
});

describe('MemoryGuard', () => {
  it('leaves a query alone that stays within its memory', async () => {
    const { guard, ended } = rig({ bytes: GB });
    expect(await guard.run(() => sleep(40).then(() => 'rows'))).toBe('rows');
    await expect(guard.run(() => Promise.reject(new FaultlineError('sql_refused', 'No.')))).rejects.toMatchObject({ code: 'sql_refused' });
    expect([guard.stopped, ended]).toEqual([0, []]);
  });
  it('stops a query that takes too much, and no process ends when it hears', async () => {
    const rss = { bytes: GB };
    const { guard, lines, ended } = rig(rss);
    const asked = guard.run(hearing);
    rss.bytes = 4 * GB;
    await expect(asked).rejects.toMatchObject({ code: 'query_memory' });
    await sleep(400);
    expect([guard.stopped, lines.length, ended]).toEqual([1, 1, []]);
  });
  it('tells the callers and ends the process, once, when it does not hear', async () => {
    const rss = { bytes: GB };
    const { guard, ended } = rig(rss);
    const [one, two] = [guard.run(deaf), guard.run(deaf)];
    rss.bytes = 3.5 * GB;
    await expect(one).rejects.toMatchObject({ code: 'query_memory', message: expect.stringContaining('3.5 GB') });
    await expect(two).rejects.toMatchObject({ code: 'query_memory' });
    await sleep(200);
    expect(ended).toHaveLength(1);
    await expect(guard.run(async () => 1)).rejects.toMatchObject({ code: 'query_memory' });
  });
  it('does not end the process for what is deaf but grows no further', async () => {
    const rss = { bytes: GB };
    const { guard, ended } = rig(rss);
    void guard.run(deaf).catch(() => undefined);
    rss.bytes = 2.5 * GB;
    await sleep(500);
    expect([guard.stopped, ended]).toEqual([1, []]);
  });
  it('gives a query room where memory of an earlier one has not come back, and none where there is none', async () => {
    const rss = { bytes: 2.1 * GB };
    const { guard } = rig(rss);
    expect(await guard.run(() => sleep(40).then(() => 'rows'))).toBe('rows');
    rss.bytes = 3.1 * GB;
    await expect(guard.run(async () => 'rows')).rejects.toMatchObject({ code: 'query_memory' });
  });
});
