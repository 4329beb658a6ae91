import { describe, expect, it } from 'vitest';
import { MemoryBudget } from './memory-budget.ts';
import { Senders } from './senders.ts';

describe('senders', () => {
  it('are an address and the service a connection speaks of', () => {
    const senders = new Senders(() => 5);
    const one = senders.connection('10.0.0.1', 'otlp-http');
    const other = senders.connection('10.0.0.1', 'otlp-grpc');
    expect(one.sender).not.toBe(other.sender);
    senders.learn(one, 'shop');
    senders.learn(other, 'shop');
    senders.learn(other, 'till');
    expect(other.sender.name).toBe('till');
    senders.learn(other, 'shop');
    senders.learn(other, '');
    expect([one.sender === other.sender, one.sender.name, one.isNew]).toEqual([true, 'shop', false]);
    senders.accepted(one, 100);
    senders.refused(other);
    expect(senders.statuses()).toEqual([
      { address: '10.0.0.1', name: 'shop', requests: 1, bytes: 100, refused: 1, heldBytes: 0, lastUnixMs: 5 },
    ]);
  });
  it('are bounded: made-up names share one, silent ones make room', () => {
    let now = 1;
    const senders = new Senders(() => now);
    const named = (address: string, name: string) => {
      const connection = senders.connection(address, 'otlp-http');
      senders.learn(connection, name);
      senders.accepted(connection, 1);
      return connection.sender;
    };
    const keys = new Set(Array.from({ length: 500 }, (_, i) => named('10.0.0.1', `made-up-${i}`).key));
    expect(keys.size).toBeLessThanOrEqual(64);
    const first = named('10.0.0.2', 'first');
    for (let i = 0; i < 3_000; i++) {
      now++;
      named(`10.1.${i >> 8}.${i & 255}`, 's');
    }
    expect(senders.statuses()).toHaveLength(100);
    expect(named('10.0.0.2', 'first')).not.toBe(first);
    expect(named('10.0.0.3', 'x'.repeat(10_000)).name).toHaveLength(128);
  });
});

it('a connection that was silent while its sender made room for others is told of again', () => {
  let now = 1;
  const senders = new Senders(() => now);
  const old = senders.connection('10.0.0.2', 'otlp-http');
  senders.learn(old, 'old');
  senders.accepted(old, 1);
  for (let i = 0; i < 3_000; i++) {
    now++;
    const other = senders.connection(`10.1.${i >> 8}.${i & 255}`, 'otlp-http');
    senders.learn(other, 's');
    senders.accepted(other, 1);
  }
  senders.accepted(old, 1_000);
  expect(senders.statuses()[0]).toMatchObject({ name: 'old', requests: 1, bytes: 1_000 });
  const again = senders.connection('10.0.0.2', 'otlp-http');
  senders.learn(again, 'old');
  expect(again.sender).toBe(old.sender);
});

describe('a share of the memory budget', () => {
  const holding = (budget: MemoryBudget, share: { heldBytes: number }): number => {
    while (budget.reserve(10, share));
    return share.heldBytes;
  };
  it('leaves room for others, whoever is greedy', () => {
    const budget = new MemoryBudget(10_000);
    const greedy = [{ heldBytes: 0 }, { heldBytes: 0 }, { heldBytes: 0 }];
    const alone = holding(budget, greedy[0] as { heldBytes: number });
    expect(alone).toBeGreaterThan(7_900);
    expect(alone).toBeLessThanOrEqual(8_000);
    expect(budget.denial).toBe('over_share');
    const quiet = { heldBytes: 0 };
    expect(budget.reserve(500, quiet)).not.toBeNull();
    // Each that joins leaves a fifth of what is left.
    for (const share of greedy) holding(budget, share);
    expect(budget.maxBytes - budget.heldBytes).toBeGreaterThan(50);
    expect(budget.reserve(50, { heldBytes: 0 })).not.toBeNull();
  });
  it('comes back whole, and the budget says what it lacked', () => {
    const budget = new MemoryBudget(100);
    const share = { heldBytes: 0 };
    const held = budget.reserve(60, share);
    held?.shrink(20);
    expect([share.heldBytes, budget.heldBytes]).toEqual([40, 40]);
    expect([budget.reserve(70, share), budget.denial]).toEqual([null, 'backpressure']);
    held?.free();
    held?.free();
    expect([share.heldBytes, budget.heldBytes]).toEqual([0, 0]);
  });
});
