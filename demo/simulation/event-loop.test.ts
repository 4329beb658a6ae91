import { describe, expect, it } from 'vitest';
import { ConnectionPool } from './connection-pool.ts';
import { EventLoop, type Process, type Task } from './event-loop.ts';

describe('EventLoop', () => {
  it('runs what is due in time order, equal times in the order they were asked for', () => {
    const loop = new EventLoop(1000);
    const seen: string[] = [];
    for (const [atMs, name] of [
      [1300, 'c'],
      [1100, 'a'],
      [1300, 'd'],
      [1200, 'b'],
      [5000, 'late'],
    ] as const)
      loop.at(atMs, () => seen.push(`${name}@${loop.nowMs}`));
    loop.run(2000);
    expect(seen).toEqual(['a@1100', 'b@1200', 'c@1300', 'd@1300']);
    expect(loop.nowMs).toBe(2000);
  });
  it('keeps order with thousands of events put in at random', () => {
    const loop = new EventLoop(0);
    const times: number[] = [];
    for (let i = 0; i < 5000; i += 1) loop.at((i * 7919) % 4001, () => times.push(loop.nowMs));
    loop.run(5000);
    expect(times).toHaveLength(5000);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
  it('wakes a waiting process early and forgets what it waited for', () => {
    const loop = new EventLoop(0);
    const wakes: number[] = [];
    const process = (function* (): Process {
      yield 1000;
      wakes.push(loop.nowMs);
      yield 5000;
      wakes.push(loop.nowMs);
    })();
    const task: Task = loop.start(process, 0);
    loop.at(300, () => loop.wake(task, 400));
    loop.run(10_000);
    expect(wakes).toEqual([400, 5000]);
  });
  it('does not run what was asked for the past before what is now', () => {
    const loop = new EventLoop(100);
    const seen: number[] = [];
    loop.at(200, () => loop.at(50, () => seen.push(loop.nowMs)));
    loop.run(300);
    expect(seen).toEqual([200]);
  });
});

describe('ConnectionPool', () => {
  /** Starts users of a pool of two; each holds for `holdMs` and says when it got its place, or that it gave up. */
  function users(starts: readonly number[], holdMs: number, timeoutMs: number) {
    const loop = new EventLoop(0);
    const pool = new ConnectionPool(loop, 2);
    const log: string[] = [];
    starts.forEach((startMs, i) => {
      loop.start(
        (function* (): Process {
          const got = yield* pool.acquire(timeoutMs);
          log.push(`${i} ${got ? 'got' : 'gave up'} ${loop.nowMs}`);
          if (!got) return;
          yield loop.nowMs + holdMs;
          pool.release(holdMs);
        })(),
        startMs,
      );
    });
    loop.run(100_000);
    return { log, pool };
  }
  it('serves in order of arrival', () => {
    expect(users([0, 0, 1, 2], 100, 1000).log).toEqual(['0 got 0', '1 got 0', '2 got 100', '3 got 100']);
  });
  it('lets those give up that wait too long, and counts them', () => {
    const { log, pool } = users([0, 0, 1, 2], 500, 200);
    expect(log).toEqual(['0 got 0', '1 got 0', '2 gave up 201', '3 gave up 202']);
    expect([pool.timeouts, pool.pending, pool.used]).toEqual([2, 0, 0]);
  });
  it('never hands out more places than it has', () => {
    const { pool } = users(
      Array.from({ length: 50 }, (_, i) => i * 3),
      20,
      90,
    );
    expect(pool.used).toBe(0);
    expect(pool.acquired + pool.timeouts).toBe(50);
  });
});
