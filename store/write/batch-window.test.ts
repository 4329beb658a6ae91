import { describe, expect, it } from 'vitest';
import { BATCHES, BATCHES_PER_SENDER, BatchWindow, SENDERS } from './batch-window.ts';

const rows = (window: BatchWindow, released: number) => window.due(released).add.map(({ batch }) => batch);
/** Names made up; each looks through all senders for the one to go. */
const FLOOD = 20 * SENDERS;

describe('BatchWindow', () => {
  it('takes a batch once, and again at its own position', () => {
    const window = new BatchWindow();
    expect([window.first('a.1', 10), window.first('a.1', 20), window.first('a.1', 10), window.first('b.1', 30)]).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
  it('writes down what the journal is about to forget, and nothing else', () => {
    const window = new BatchWindow();
    window.first('a.1', 10);
    window.first('a.2', 20);
    expect(rows(window, 20)).toEqual(['a.1']);
    window.written(20);
    expect(rows(window, 20)).toEqual([]);
    expect(rows(window, 21)).toEqual(['a.2']);
  });
  it('decides the same after a kill: what was written, then the journal from there again', () => {
    const records: readonly (readonly [string, number])[] = [
      ['a.1', 1],
      ['a.2', 2],
      ['a.1', 3],
      ['a.3', 4],
      ['a.2', 5],
      ['a.3', 6],
    ];
    for (let released = 1; released <= 7; released++) {
      const before = new BatchWindow();
      const decided = records.map(([batch, position]) => before.first(batch, position));
      const after = new BatchWindow();
      after.load(before.due(released).add);
      const again = records.filter(([, position]) => position >= released);
      expect(again.map(([batch, position]) => after.first(batch, position))).toEqual(decided.slice(released - 1));
    }
  });
  it('keeps the newest of a sender, and an id that was pushed out until the journal is past the record that did it', () => {
    const window = new BatchWindow();
    for (let i = 0; i <= BATCHES_PER_SENDER; i++) window.first(`a.${i}`, i);
    expect(window.due(BATCHES_PER_SENDER).remove).toEqual([]);
    expect(window.due(BATCHES_PER_SENDER + 1).remove).toEqual([{ sender: 'a', batch: 'a.0', position: BATCHES_PER_SENDER }]);
    expect(window.first('a.1', -1)).toBe(false);
    expect(window.first('a.0', -1)).toBe(true);
  });
  it('is bounded over all senders', () => {
    const window = new BatchWindow();
    for (let i = 0; i < FLOOD; i++) window.first(`s${i}.0`, i);
    expect(window.due(FLOOD).remove).toHaveLength(FLOOD - SENDERS);
    expect(window.forgotten).toEqual({ own: 0, share: 0, senders: FLOOD - SENDERS });
  });
  it('a flood of names takes nothing from a sender that is at work', () => {
    const window = new BatchWindow();
    for (let i = 0; i < 300; i++) window.first(`honest.${i}`, i);
    for (let i = 0; i < FLOOD; i++) window.first(`forged${i}.0`, 1_000 + i);
    expect(Array.from({ length: 300 }, (_, i) => window.first(`honest.${i}`, -1))).not.toContain(true);
  });
  it('nor do a few names that send as much as they can: each has its share', () => {
    const window = new BatchWindow();
    for (let i = 0; i < 1_000; i++) window.first(`honest.${i}`, i);
    for (let i = 0; i < BATCHES * 1.02; i++) window.first(`greedy${i % 511}.${i}`, 1_000 + i);
    const known = Array.from({ length: 512 }, (_, i) => window.first(`honest.${999 - i}`, -1));
    expect(known).not.toContain(true);
    expect(window.forgotten.share).toBeGreaterThan(0);
    expect([window.forgotten.own, window.forgotten.senders]).toEqual([0, 0]);
  });
});
