import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';
import { FairTurns } from './fair-turns.ts';

const KIB = 1024;
const filled = (lanes: Readonly<Record<string, readonly number[]>>): FairQueue<string> => {
  const queue = new FairQueue<string>();
  for (const [key, costs] of Object.entries(lanes)) costs.forEach((cost, i) => void queue.push(key, `${key}${i}`, cost));
  return queue;
};

describe('a fair queue', () => {
  it('of one sender is a queue', () => {
    const queue = filled({ a: [1, 5_000_000, 1] });
    expect([queue.peek(), queue.takeAll(), queue.length, queue.take()]).toEqual(['a0', ['a0', 'a1', 'a2'], 0, undefined]);
  });
  it('lets a quiet sender pass whatever a noisy one has put in', () => {
    const order = filled({ noisy: new Array(1_000).fill(32 * KIB), quiet: [500] }).takeAll();
    expect(order.indexOf('quiet0')).toBeLessThan(4);
  });
  it.each([
    ['small beside large', { a: new Array(640).fill(KIB), b: new Array(10).fill(64 * KIB) }],
    ['large beside larger', { a: new Array(8).fill(500 * KIB), b: new Array(4).fill(1_000 * KIB) }],
    ['three', { a: new Array(64).fill(64 * KIB), b: new Array(4).fill(1_024 * KIB), c: new Array(4_096).fill(KIB) }],
  ])('shares by bytes: %s', (_, lanes) => {
    const queue = filled(lanes as unknown as Record<string, number[]>);
    const passed = new Map<string, number>(Object.keys(lanes).map((key) => [key, 0]));
    // While all of them have something to say, none is ahead by more than a large item and a quantum.
    while (queue.length > 0) {
      const item = queue.take() as string;
      const key = item[0] as 'a';
      passed.set(key, (passed.get(key) as number) + ((lanes as Record<string, number[]>)[key]?.[Number(item.slice(1))] as number));
      if ([...passed].some(([name, bytes]) => bytes === (lanes as Record<string, number[]>)[name]?.reduce((sum, cost) => sum + cost, 0)))
        break;
      expect(Math.max(...passed.values()) - Math.min(...passed.values())).toBeLessThanOrEqual(1_088 * KIB);
    }
  });
  it('keeps the order of each sender and loses nothing, however it is used', () => {
    let seed = 7;
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    const queue = new FairQueue<{ key: string; n: number }>();
    const put = new Map<string, number>();
    const taken = new Map<string, number>();
    for (let i = 0; i < 20_000; i++) {
      if (random() < 0.5) {
        const key = `s${Math.floor(random() * 6)}`;
        const n = put.get(key) ?? 0;
        put.set(key, n + 1);
        queue.push(key, { key, n }, 1 + Math.floor(random() * 200_000));
      } else {
        const seen = queue.peek();
        const item = queue.take();
        expect(item).toBe(seen);
        if (!item) continue;
        expect(item.n).toBe(taken.get(item.key) ?? 0);
        taken.set(item.key, item.n + 1);
      }
    }
    for (const { key, n } of queue.takeAll()) taken.set(key, Math.max(taken.get(key) ?? 0, n + 1));
    expect(taken).toEqual(put);
    expect(queue.length).toBe(0);
  });
});

describe('turns', () => {
  it('alone nobody waits; beyond a slice senders alternate, and the event loop turns in between', async () => {
    const turns = new FairTurns();
    expect(turns.enter('noisy', 2_400 * KIB)).toBeNull();
    const order: string[] = [];
    const work = (key: string): Promise<unknown> => (turns.enter(key, 2_400 * KIB) ?? Promise.resolve()).then(() => order.push(key));
    const all = [...new Array(5).fill('noisy'), 'quiet'].map(work);
    let looks = 0;
    const look = setInterval(() => looks++, 0);
    setImmediate(() => order.push('sockets'));
    await Promise.all(all);
    clearInterval(look);
    expect(order.filter((key) => key === 'noisy')).toHaveLength(5);
    expect(order.indexOf('quiet')).toBeLessThan(order.lastIndexOf('noisy') - 1);
    expect(order.indexOf('sockets')).toBeLessThan(order.length - 1);
    expect(turns.waiting).toBe(0);
    await new Promise((done) => setImmediate(done));
    expect(turns.enter('noisy', 1)).toBeNull();
  });
});
