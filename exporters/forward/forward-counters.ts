import type { ForwardState } from '#contracts/forwarding.ts';
import { type Amount, type DeadLetter, FORWARD_SIGNALS, type ForwardSignal } from '#contracts/forwarding.ts';
import { type JournalRecord, RecordKind, segmentOf } from '#contracts/journal.ts';
import { signalOf } from '../otlp/batch-id.ts';

/** Requests and items by signal; a scrape counts as one item until it is read. */
export type Amounts = Record<ForwardSignal, Amount>;
const MAX_DEAD_LETTERS = 20;

export function countRecord(counts: Record<string, Amount>, key: string, items: number): void {
  const count = counts[key] ?? { requests: 0, items: 0 };
  counts[key] = { requests: count.requests + 1, items: count.items + items };
}
/** @param passed part of the amount that had been read before it was lost */
export function countLost(
  state: ForwardState,
  reason: string,
  amount: Amounts,
  passed: Amounts | null,
  signals: readonly ForwardSignal[],
): void {
  for (const signal of signals) {
    const requests = amount[signal].requests - (passed?.[signal].requests ?? 0);
    const items = amount[signal].items - (passed?.[signal].items ?? 0);
    if (requests <= 0) continue;
    const count = state.counters.dropped[reason] ?? { requests: 0, items: 0 };
    state.counters.dropped[reason] = { requests: count.requests + requests, items: count.items + Math.max(0, items) };
  }
}
/** Newest last; a small window, enough to see what is wrong. */
export function keepDeadLetter(state: ForwardState, letter: DeadLetter): void {
  state.deadLetters.push(letter);
  state.deadLetters.splice(0, state.deadLetters.length - MAX_DEAD_LETTERS);
}
/** The position is now behind this record. */
export function passRecord(state: ForwardState, record: JournalRecord): void {
  if (segmentOf(record.next) !== segmentOf(state.position))
    for (const signal of FORWARD_SIGNALS) state.passed[signal] = { requests: 0, items: 0 };
  const signal = signalOf(record.kind);
  if (signal !== null) {
    state.passed[signal].requests++;
    state.passed[signal].items += record.kind === RecordKind.scrape ? 1 : record.items;
  }
  state.position = record.next;
}
