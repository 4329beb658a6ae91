import { describe, expect, it } from 'vitest';
import type { Eviction, ForwardState } from '#contracts/forwarding.ts';
import { type JournalRecord, positionOf, segmentOf } from '#contracts/journal.ts';
import type { Verdict } from '../otlp/judge-answer.ts';
import { DestinationQueue, type QueueSettings } from './destination-queue.ts';
import type { Amounts } from './forward-counters.ts';
import { newForwardState } from './forward-state.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const RECORD_BYTES = 1_000;
type Answer = Verdict & { readonly status: number };
const taken: Answer = { kind: 'sent', rejectedItems: 0, note: '', status: 200 };
const busy: Answer = { kind: 'retry', message: 'HTTP 503', retryAfterMs: null, status: 503 };

/** A world whose clock moves only when everything waits, a journal in an array, a state that is saved as JSON. */
class Rig {
  nowMs = START;
  readonly journal: JournalRecord[] = [];
  readonly attempts: { readonly position: number; readonly atMs: number }[] = [];
  readonly delivered: number[] = [];
  answer: (record: JournalRecord, attempt: number) => Answer | Promise<Answer> = () => taken;
  saved: string | null = null;
  evicted: Eviction[] = [];
  settings: QueueSettings = {
    name: 'platform',
    signals: ['traces', 'logs', 'metrics'],
    maxQueueBytes: 1e9,
    maxQueueSeconds: 86_400,
    paused: false,
    revision: 0,
  };
  private timers: { at: number; wake: () => void }[] = [];
  queue!: DestinationQueue;

  add(count: number, segment = 1, kind: 1 | 2 | 3 | 16 = 1): void {
    for (let i = 0; i < count; i++) {
      const same = this.journal.filter((record) => segmentOf(record.position) === segment).length;
      const position = positionOf(segment, 64 + same * RECORD_BYTES);
      this.journal.push({
        position,
        next: position + RECORD_BYTES,
        kind,
        format: 1,
        encoding: 0,
        receivedUnixNano: BigInt(this.nowMs) * 1_000_000n,
        retentionSeconds: 0,
        items: 10,
        source: 'test',
        meta: '',
        body: new Uint8Array(8),
      });
    }
  }
  /** Starts the queue from what was saved, as after a kill. */
  start(): this {
    const state = this.saved === null ? newForwardState() : (JSON.parse(this.saved) as ForwardState);
    this.queue = new DestinationQueue(this.settings, state, {
      nowMs: () => this.nowMs,
      random: () => 0.5,
      timer: (ms, wake) => {
        const timer = { at: this.nowMs + ms, wake };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((each) => each !== timer);
        };
      },
      open: async (from) => {
        let at = from;
        return {
          read: async () => {
            const records = this.journal.filter(({ position }) => position >= at).slice(0, 100);
            at = records.at(-1)?.next ?? at;
            return records;
          },
          close: async () => undefined,
        };
      },
      prepare: async ({ items, body, kind }) =>
        kind === 3 ? { unreadable: 'torn' } : { signal: 'traces', bytes: body, encoding: 'identity', items },
      send: async (record) => {
        this.attempts.push({ position: record.position, atMs: this.nowMs });
        const answer = await this.answer(record, this.attempts.length);
        if (answer.kind === 'sent') this.delivered.push(record.position);
        return answer;
      },
      save: async (next) => {
        this.saved = JSON.stringify(next);
      },
      waiting: (position) => this.waiting(position),
      evictions: () => this.evicted,
      log: () => undefined,
    });
    this.queue.start();
    return this;
  }
  private waiting(position: number): { bytes: number; amount: Amounts } {
    const rest = this.journal.filter((record) => record.position >= position);
    const none = { requests: 0, items: 0 };
    return {
      bytes: rest.length * RECORD_BYTES,
      amount: { traces: { requests: rest.length, items: rest.length * 10 }, logs: none, metrics: none },
    };
  }
  /** Lets the simulated time pass. */
  async pass(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    for (;;) {
      for (let turn = 0; turn < 5; turn++) await new Promise((done) => setImmediate(done));
      const next = this.timers.sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.timers.shift();
      this.nowMs = Math.max(this.nowMs, next.at);
      next.wake();
    }
    this.nowMs = end;
  }
  /** Killed: nothing it holds counts any more. */
  kill(): void {
    this.timers = [];
  }
}
const positions = (rig: Rig): number[] => rig.journal.map(({ position }) => position);

describe('DestinationQueue', () => {
  it('sends every record once, and says how much', async () => {
    const rig = new Rig();
    rig.add(1_000);
    rig.start();
    await rig.pass(5_000);
    expect(rig.delivered.toSorted((a, b) => a - b)).toEqual(positions(rig));
    expect(rig.queue.status()).toMatchObject({ state: 'idle', error: '', queue: { requests: 0, bytes: 0, oldestMs: null } });
    expect(rig.queue.state.counters).toMatchObject({ sent: { traces: { requests: 1_000, items: 10_000 } }, retries: 0 });
    expect(rig.queue.held).toBe(rig.journal.at(-1)?.next);
  });

  it('waits out an hour with growing pauses, loses nothing and tries little', async () => {
    const rig = new Rig();
    rig.add(50);
    const back = START + 3_600_000;
    rig.answer = () => (rig.nowMs < back ? busy : taken);
    rig.start();
    for (let minute = 0; minute < 60; minute++) {
      await rig.pass(60_000);
      rig.add(20);
    }
    expect(rig.delivered).toEqual([]);
    expect(rig.queue.status()).toMatchObject({ state: 'waiting', error: 'HTTP 503', queue: { requests: 1_250 } });
    const tries = rig.attempts.map(({ atMs }) => atMs);
    const pauses = [...new Set(tries)].map((at, i, all) => at - (all[i - 1] ?? at)).slice(1);
    expect(pauses.slice(0, 6)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(31_000);
    expect(tries.length).toBeLessThan(8 + 3_600 / 30 + 10);
    await rig.pass(120_000);
    expect(rig.delivered.toSorted((a, b) => a - b)).toEqual(positions(rig));
    expect(rig.queue.state.counters.dropped).toEqual({});
  });

  it('is killed a hundred times in the hour and ends with every record, repeats known by their position', async () => {
    const rig = new Rig();
    rig.answer = (_, attempt) => (attempt % 3 === 0 ? busy : taken);
    for (let round = 0; round < 100; round++) {
      rig.add(7);
      rig.start();
      await rig.pass(round % 5 === 0 ? 10 : 1_700);
      rig.kill();
    }
    rig.answer = () => taken;
    rig.start();
    await rig.pass(60_000);
    expect([...new Set(rig.delivered)].toSorted((a, b) => a - b)).toEqual(positions(rig));
    expect(rig.queue.state.counters.sent.traces.requests).toBe(700);
  });

  it('honours Retry-After, also when another request was taken meanwhile', async () => {
    const rig = new Rig();
    rig.add(20);
    rig.answer = (_, attempt) => (attempt === 3 ? { kind: 'retry', message: 'HTTP 429', retryAfterMs: 120_000, status: 429 } : taken);
    rig.start();
    await rig.pass(119_000);
    const before = rig.attempts.length;
    expect(before).toBeLessThanOrEqual(8);
    await rig.pass(20_000);
    expect(rig.delivered).toHaveLength(20);
    expect(rig.attempts.slice(before).every(({ atMs }) => atMs >= START + 120_000)).toBe(true);
  });

  it('counts what is refused for good, keeps the last of it, and goes on', async () => {
    const rig = new Rig();
    rig.add(60);
    rig.answer = ({ position }) => (position % 16 === 0 ? { kind: 'failed', message: 'HTTP 400: no', status: 400 } : taken);
    rig.start();
    await rig.pass(10_000);
    const failed = positions(rig).filter((position) => position % 16 === 0).length;
    expect(rig.queue.state.counters.failed).toEqual({ http_400: { requests: failed, items: failed * 10 } });
    expect(rig.queue.state.deadLetters.length).toBe(Math.min(20, failed));
    expect(rig.queue.state.deadLetters.at(-1)).toMatchObject({ signal: 'traces', items: 10, status: 400, message: 'HTTP 400: no' });
    expect(rig.delivered.length).toBe(60 - failed);
  });

  it('stops at an answer about address or credentials, over a kill too, until it is resumed; nothing is lost', async () => {
    const rig = new Rig();
    rig.add(30);
    rig.answer = () => ({ kind: 'blocked', message: 'refuses the credentials', status: 401 });
    rig.start();
    await rig.pass(60_000);
    const tried = rig.attempts.length;
    expect(tried).toBeLessThanOrEqual(8);
    rig.kill();
    rig.start();
    await rig.pass(3_600_000);
    expect(rig.attempts.length).toBe(tried);
    expect(rig.queue.status()).toMatchObject({ state: 'blocked', error: 'refuses the credentials', queue: { requests: 30 } });
    rig.answer = () => taken;
    rig.queue.change({ ...rig.settings, revision: 1 });
    await rig.pass(10_000);
    expect(rig.delivered.toSorted((a, b) => a - b)).toEqual(positions(rig));
  });

  it('sends nothing while paused, and everything after', async () => {
    const rig = new Rig();
    rig.settings = { ...rig.settings, paused: true };
    rig.add(10);
    rig.start();
    await rig.pass(600_000);
    expect(rig.attempts).toEqual([]);
    expect(rig.queue.status().state).toBe('paused');
    rig.queue.change({ ...rig.settings, paused: false });
    await rig.pass(1_000);
    expect(rig.delivered).toHaveLength(10);
  });

  it('drops the oldest beyond its size and age, counted by reason, and never the newest', async () => {
    const rig = new Rig();
    rig.settings = { ...rig.settings, maxQueueBytes: 100 * RECORD_BYTES, maxQueueSeconds: 3_600 };
    rig.answer = () => busy;
    rig.add(250);
    rig.start();
    await rig.pass(60_000);
    expect(rig.queue.state.counters.dropped['queue_full']).toEqual({ requests: 150, items: 1_500 });
    await rig.pass(3_700_000);
    expect(rig.queue.state.counters.dropped['queue_too_old']).toEqual({ requests: 100, items: 1_000 });
    rig.add(5);
    rig.answer = () => taken;
    await rig.pass(60_000);
    expect(rig.delivered).toEqual(positions(rig).slice(-5));
    expect(rig.queue.status().queue.requests).toBe(0);
  });

  it('counts what lay in segments the journal had to give up, less what it had read of them', async () => {
    const rig = new Rig();
    rig.add(10, 1);
    rig.start();
    await rig.pass(2_000);
    rig.kill();
    const amount = (requests: number): Amounts => ({
      traces: { requests, items: requests * 10 },
      logs: { requests: 0, items: 0 },
      metrics: { requests: 0, items: 0 },
    });
    rig.evicted = [
      { sequence: 1, reason: 'queue_disk_full', amount: amount(25) },
      { sequence: 2, reason: 'queue_full', amount: amount(40) },
      { sequence: 9, reason: 'queue_full', amount: amount(99) },
    ];
    rig.add(3, 3);
    rig.start();
    await rig.pass(2_000);
    expect(rig.queue.state.counters.dropped).toEqual({
      queue_disk_full: { requests: 15, items: 150 },
      queue_full: { requests: 40, items: 400 },
    });
    expect(rig.delivered).toHaveLength(13);
  });

  it('holds the request of a record that waits, not the record it was made of', async () => {
    const rig = new Rig();
    const bodies: number[] = [];
    rig.answer = ({ body }) => {
      bodies.push(body.length);
      return taken;
    };
    rig.add(3);
    await rig.start().pass(1_000);
    expect(bodies).toEqual([0, 0, 0]);
  });
  it('passes over signals nobody asked for and bodies nobody can read', async () => {
    const rig = new Rig();
    rig.settings = { ...rig.settings, signals: ['traces', 'logs'] };
    rig.add(4, 1, 2);
    rig.add(2, 1, 3);
    rig.add(1, 1, 1);
    rig.start();
    await rig.pass(5_000);
    expect(rig.delivered).toHaveLength(1);
    expect(rig.queue.state.counters.failed).toEqual({ unreadable: { requests: 2, items: 20 } });
    expect(rig.queue.held).toBe(rig.journal.at(-1)?.next);
  });

  it('goes on when its state cannot be saved: the journal is held until it can', async () => {
    const rig = new Rig();
    rig.add(5);
    rig.start();
    const world = (rig.queue as unknown as { world: { save: (state: ForwardState) => Promise<void> } }).world;
    const { save } = world;
    world.save = () => Promise.reject(new Error('ENOSPC'));
    await rig.pass(20_000);
    expect(rig.delivered).toHaveLength(5);
    expect(rig.queue.held).toBe(0);
    expect(rig.queue.status().error).toContain('ENOSPC');
    world.save = save;
    await rig.pass(20_000);
    expect(rig.queue.held).toBe(rig.journal.at(-1)?.next);
  });
});
