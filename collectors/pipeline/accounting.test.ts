import { describe, expect, it } from 'vitest';
import { SourceAccount } from './accounting.ts';
import { BufferPool } from './buffer-pool.ts';
import { LatencyWindow } from './latency-window.ts';
import { MemoryBudget } from './memory-budget.ts';

describe('SourceAccount', () => {
  it('adds up by signal and reason, and says its state', () => {
    let nowMs = 1_000_000;
    const account = new SourceAccount('otlp-http', 'otlp-http', () => nowMs);
    expect(account.status()).toMatchObject({ state: 'listening', lastUnixMs: null, refused: {} });
    account.accept('traces', 3, 100);
    account.accept('traces', 2, 50);
    account.accept('logs', 1, 10);
    expect(account.status()).toMatchObject({ state: 'receiving', lastUnixMs: nowMs });
    expect(account.status().accepted).toEqual({
      traces: { items: 5, requests: 2, bytes: 150 },
      logs: { items: 1, requests: 1, bytes: 10 },
      metrics: { items: 0, requests: 0, bytes: 0 },
    });
    account.refuse('malformed', 'this is no message');
    account.refuse('malformed', 'nor this');
    expect(account.status()).toMatchObject({ state: 'failing', error: 'nor this', refused: { malformed: 2 } });
    nowMs += 60_000;
    expect(account.status().state).toBe('listening');
    account.accept('metrics', 1, 1);
    expect(account.status()).toMatchObject({ state: 'receiving', error: '' });
    account.stopped = true;
    expect(account.status().state).toBe('stopped');
  });
  it('gives out copies', () => {
    const account = new SourceAccount('otlp-grpc', 'otlp-grpc', () => 0);
    const before = account.status();
    account.accept('logs', 1, 1);
    expect(before.accepted.logs.items).toBe(0);
  });
});

describe('MemoryBudget', () => {
  it('refuses beyond its size and forgets nothing', () => {
    const budget = new MemoryBudget(100);
    const a = budget.reserve(60);
    const b = budget.reserve(40);
    expect(budget.reserve(1)).toBeNull();
    expect(a?.grow(1)).toBe(false);
    b?.free();
    b?.free();
    expect(budget.heldBytes).toBe(60);
    expect(a?.grow(40)).toBe(true);
    a?.free();
    expect(budget.heldBytes).toBe(0);
  });
  it('lets one request larger than itself pass alone', () => {
    const budget = new MemoryBudget(100);
    const alone = budget.reserve(500);
    expect(alone).not.toBeNull();
    expect(budget.reserve(1)).toBeNull();
    alone?.free();
    expect(budget.reserve(100)).not.toBeNull();
  });
});

describe('BufferPool', () => {
  it.each([0, 1, 16_384, 16_385, 100_000, 4_194_304, 4_194_305])('gives at least %i bytes, as many as it says', (bytes) => {
    const pool = new BufferPool(1 << 20);
    const buffer = pool.take(bytes);
    expect(buffer.length).toBeGreaterThanOrEqual(bytes);
    expect(buffer.length).toBe(pool.sizeFor(bytes));
  });
  it('gives a buffer again, and never the same one twice at once', () => {
    const pool = new BufferPool(1 << 20);
    const first = pool.take(20_000);
    pool.give(first);
    expect(pool.take(30_000)).toBe(first);
    expect(pool.take(30_000)).not.toBe(first);
  });
  it('keeps no more than its limit', () => {
    const pool = new BufferPool(100_000);
    const many = Array.from({ length: 10 }, () => pool.take(30_000));
    for (const each of many) pool.give(each);
    expect(pool.idleBytes).toBe(98_304);
  });
});

describe('LatencyWindow', () => {
  it('is at most 9 % above the true quantile', () => {
    const window = new LatencyWindow(0);
    for (let i = 1; i <= 1000; i++) window.add(i / 10, 0);
    for (const [quantile, trueMs] of [
      [0.5, 50],
      [0.99, 99],
    ] as const) {
      expect(window.quantileMs(quantile, 0)).toBeGreaterThanOrEqual(trueMs);
      expect(window.quantileMs(quantile, 0)).toBeLessThan(trueMs * 1.1);
    }
  });
  it('forgets after two windows', () => {
    const window = new LatencyWindow(0, 1000);
    window.add(500, 0);
    window.add(1, 1500);
    expect(window.quantileMs(1, 1500)).toBeGreaterThan(400);
    expect(window.quantileMs(1, 2600)).toBeLessThan(2);
    expect(window.quantileMs(1, 9000)).toBe(0);
  });
  it('takes anything', () => {
    const window = new LatencyWindow(0);
    for (const odd of [0, -5, 1e300, Number.MIN_VALUE]) window.add(odd, 0);
    expect(window.quantileMs(0.99, 0)).toBeGreaterThan(0);
  });
});
